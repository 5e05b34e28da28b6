# SPDX-License-Identifier: GPL-3.0-or-later
"""What lies in one folder of a point."""

from __future__ import annotations

from collections.abc import Container, Sequence

from rich.text import Text

from fleetkeep.model import FileEntry

from .rows import entry_cells
from .table import ROWS_SHOWN, Rows


class FilesPane(Rows):
    """A folder; the first line leads upwards, unless it is the root."""

    HEAD = (" ", "NAME", "SIZE", "MODIFIED", "RIGHTS")

    def __init__(self) -> None:
        super().__init__("files", "Files")
        self.folder = ""
        self._entries: Sequence[FileEntry] = ()
        self.count = 0

    def show(self, folder: str, entries: Sequence[FileEntry], marked: Container[str], at: str = "") -> None:
        """Show a folder, with the cursor on the path ``at`` where it is there."""
        self.folder = folder
        self.count = len(entries)
        self._entries = sorted(entries, key=_folders_first)[:ROWS_SHOWN]
        rows: list[Sequence[Text]] = [_up()] * self._above
        rows += [entry_cells(entry, is_marked=entry.path in marked) for entry in self._entries]
        if self.count > len(self._entries):
            more = Text(f"and {self.count - len(self._entries):,} more; / finds them", style="dim")
            rows.append((Text(" "), more, Text(""), Text(""), Text("")))
        places = [index for index, entry in enumerate(self._entries) if entry.path == at]
        self.fill(rows, (places[0] if places else 0) + self._above * bool(places))

    def entry_at(self, row: int) -> FileEntry | None:
        """What a line is; none for the one that leads upwards and where there is none."""
        index = row - self._above
        return self._entries[index] if 0 <= index < len(self._entries) else None

    def leads_up(self, row: int) -> bool:
        """Whether a line leads to the folder above."""
        return bool(self._above) and row == 0

    def mark(self, row: int, *, is_marked: bool) -> None:
        """Show whether a line is marked."""
        entry = self.entry_at(row)
        if entry is not None:
            self.change(row, entry_cells(entry, is_marked=is_marked))

    @property
    def _above(self) -> int:
        return 1 if self.folder else 0


def _folders_first(entry: FileEntry) -> tuple[bool, str]:
    return entry.status is not None and not entry.status.is_folder, entry.path


def _up() -> Sequence[Text]:
    return Text(" "), Text("..", style="bold"), Text("-", justify="right"), Text("-"), Text("-")


__all__ = ["FilesPane"]
