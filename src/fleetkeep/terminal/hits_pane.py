# SPDX-License-Identifier: GPL-3.0-or-later
"""What a search found, in all points."""

from __future__ import annotations

from collections.abc import Sequence

from fleetkeep.model import FileVersion

from .rows import group_hits, hit_cells
from .table import Rows


class HitsPane(Rows):
    """Paths that match; Enter goes there, at the newest point that has one."""

    HEAD = ("PATH", "SIZE", "LAST SEEN", "VERSIONS", "JOB")

    def __init__(self) -> None:
        super().__init__("hits", "Found")
        self._hits: list[list[FileVersion]] = []

    def show(self, versions: Sequence[FileVersion]) -> int:
        """Show what was found; how many paths that is."""
        self._hits = group_hits(versions)
        self.fill([hit_cells(versions) for versions in self._hits])
        return len(self._hits)

    def newest_at(self, row: int) -> FileVersion | None:
        """The newest version of the path in a line."""
        return self._hits[row][0] if 0 <= row < len(self._hits) else None


__all__ = ["HitsPane"]
