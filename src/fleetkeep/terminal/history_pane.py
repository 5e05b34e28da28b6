# SPDX-License-Identifier: GPL-3.0-or-later
"""Every version of the path under the cursor."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from fleetkeep.model import FileState

from .content import pick_pair
from .rows import inert, version_cells
from .table import Rows


class HistoryPane(Rows):
    """Versions, the newest first; Enter goes to the newest point that has one, Space marks two to compare."""

    HEAD = (" ", "MODIFIED", "SIZE", "IN THE ARCHIVES FROM - TO", "OF", "JOB")

    def __init__(self) -> None:
        super().__init__("history", "History")
        self.path = ""
        self._versions: Sequence[FileState] = ()
        self._marked: list[int] = []

    def show(self, path: str, versions: Sequence[FileState]) -> None:
        """Show the versions of a path."""
        self.path = path
        self._versions = versions
        self._marked = []
        title = Text.assemble("History of /", inert(path)) if path else Text("History")
        self.border_title = title
        self.fill([self._cells(index) for index in range(len(versions))])

    def version_at(self, row: int) -> FileState | None:
        """The version of a line."""
        return self._versions[row] if 0 <= row < len(self._versions) else None

    def toggle(self, row: int) -> None:
        """Mark a version or take its mark away; of three marks the oldest goes."""
        if self.version_at(row) is None:
            return
        touched = [*self._marked, row]
        self._marked = [each for each in self._marked if each != row] if row in self._marked else touched[-2:]
        for index in touched:
            self.change(index, self._cells(index))

    def pair(self) -> tuple[FileState, FileState] | None:
        """The two versions to compare, the older first."""
        found = pick_pair(self._versions, self._marked, self.cursor_row)
        return None if found is None else (self._versions[found[0]], self._versions[found[1]])

    def _cells(self, index: int) -> tuple[Text, ...]:
        several = len({version.client for version in self._versions}) > 1
        return version_cells(self._versions[index], is_marked=index in self._marked, several_clients=several)


__all__ = ["HistoryPane"]
