# SPDX-License-Identifier: GPL-3.0-or-later
"""What a search found, in all points."""

from __future__ import annotations

from collections.abc import Sequence

from fleetkeep.model import FileHit, FileState

from .rows import hit_cells
from .table import Rows


class HitsPane(Rows):
    """Paths that match; Enter goes there, at the newest point that has one."""

    HEAD = ("PATH", "SIZE", "LAST SEEN", "VERSIONS", "JOB")

    def __init__(self) -> None:
        super().__init__("hits", "Found")
        self._hits: Sequence[FileHit] = ()

    def show(self, hits: Sequence[FileHit]) -> None:
        """Show what was found."""
        self._hits = hits
        self.fill([hit_cells(hit) for hit in hits])

    def newest_at(self, row: int) -> FileState | None:
        """The newest version of the path in a line."""
        return self._hits[row].newest if 0 <= row < len(self._hits) else None


__all__ = ["HitsPane"]
