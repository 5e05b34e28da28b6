# SPDX-License-Identifier: GPL-3.0-or-later
"""What the browser asks of the host that it stands on; a test can answer it from memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from fleetkeep.agent.beginning import FileContent
from fleetkeep.agent.restore import RestoreResult
from fleetkeep.borg.process import Cancellation
from fleetkeep.model import FileEntry, FileHit, FileState, OnConflict, Point
from fleetkeep.plan.restore import RestorePlan

Progress = Callable[[int, int], None]


class Shelf(Protocol):
    """Points and what is in them.

    Any thread may ask; every answer may take its time, and may be a ``FleetkeepError``.
    """

    def points(self) -> Sequence[Point]:
        """All that can be restored, the newest first."""
        ...

    def list_folder(self, point: Point, path: str, cancellation: Cancellation) -> Sequence[FileEntry]:
        """What lies in a folder of a point; an empty path is the root."""
        ...

    def find(self, pattern: str, limit: int) -> Sequence[FileHit]:
        """Paths whose names match, in all points."""
        ...

    def history(self, point: Point, path: str) -> Sequence[FileState]:
        """Every version of a path of the point's client, the newest first."""
        ...

    def read(self, point: Point, path: str, limit_bytes: int, cancellation: Cancellation) -> FileContent:
        """The beginning of a file."""
        ...

    def plan_restore(
        self, point: Point, paths: Sequence[str], target: Path, on_conflict: OnConflict, cancellation: Cancellation
    ) -> RestorePlan:
        """What a restore would do."""
        ...

    def restore(
        self, plan: RestorePlan, consent: bool, on_progress: Progress, cancellation: Cancellation
    ) -> RestoreResult:
        """Do it; with consent also over what is there."""
        ...


__all__ = ["Progress", "Shelf"]
