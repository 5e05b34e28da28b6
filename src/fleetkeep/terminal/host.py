# SPDX-License-Identifier: GPL-3.0-or-later
"""The shelf of this host: its catalog, and its repositories through Borg."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

from fleetkeep.agent.access import host_borg, repository_access
from fleetkeep.agent.beginning import FileContent, read_beginning
from fleetkeep.agent.items import stream_items
from fleetkeep.agent.paths import Paths
from fleetkeep.agent.restore import RestoreResult, plan_restore, run_restore
from fleetkeep.agent.restore_record import recorded
from fleetkeep.agent.state import load_repository
from fleetkeep.borg.access import BorgAccess
from fleetkeep.borg.process import Cancellation
from fleetkeep.catalog.database import Catalog
from fleetkeep.clock import SystemClock
from fleetkeep.director import files, history
from fleetkeep.director.embedded import EmbeddedDirector
from fleetkeep.errors import ArchiveNotIndexed, SearchNeedsCatalog
from fleetkeep.model import FileEntry, FileHit, FileQuery, FileState, OnConflict, Point, RestoreManner
from fleetkeep.plan.restore import RestorePlan

from .listing import ListedFiles
from .shelf import Progress


class HostShelf:
    """What this host recorded and can reach; see ``Shelf``."""

    def __init__(self, catalog: Catalog, paths: Paths) -> None:
        self._catalog = catalog
        self._paths = paths
        self._accesses: dict[str, BorgAccess] = {}
        self._listed: tuple[str, ListedFiles] | None = None
        self._lock = threading.Lock()

    def points(self) -> Sequence[Point]:
        """All that can be restored, the newest first."""
        return history.list_archives(self._catalog, limit=None)

    def list_folder(self, point: Point, path: str, cancellation: Cancellation) -> Sequence[FileEntry]:
        """What lies in a folder of a point, from the catalog or, where that does not know it, from the archive."""
        try:
            return files.list_folder(self._catalog, point, path)
        except ArchiveNotIndexed:
            return self._listing(point, cancellation).list_folder(path)

    def find(self, pattern: str, limit: int) -> Sequence[FileHit]:
        """Paths whose names match, in all points. Raises SearchNeedsCatalog."""
        found = files.find_hits(self._catalog, FileQuery(pattern=pattern, limit=limit))
        if not found and not files.index_coverage(self._catalog).indexed:
            raise SearchNeedsCatalog
        return found

    def history(self, point: Point, path: str) -> Sequence[FileState]:
        """Every version of a path of the point's client, the newest first."""
        return files.path_states(self._catalog, path, client=point.client)

    def read(self, point: Point, path: str, limit_bytes: int, cancellation: Cancellation) -> FileContent:
        """The beginning of a file."""
        archive = point.archive
        access = self._access(archive.repository)
        return read_beginning(access, archive.repository, archive.name, path, limit_bytes, cancellation=cancellation)

    def plan_restore(
        self, point: Point, paths: Sequence[str], target: Path, on_conflict: OnConflict, cancellation: Cancellation
    ) -> RestorePlan:
        """What a restore would do; one with the same words that was interrupted is gone on with."""
        return plan_restore(
            self._access(point.archive.repository),
            point.archive,
            paths,
            target,
            manner=RestoreManner(on_conflict=on_conflict),
            resume=None,
            work=self._paths.restores,
            cancellation=cancellation,
        )

    def restore(
        self, plan: RestorePlan, consent: bool, on_progress: Progress, cancellation: Cancellation
    ) -> RestoreResult:
        """Do it; with consent also over what is there."""
        access = self._access(plan.repository)
        clock = SystemClock()
        with recorded(self._paths, EmbeddedDirector(self._catalog, clock), plan, clock) as restore:
            restore.result = run_restore(
                access,
                plan,
                clock,
                consent=consent,
                work=self._paths.restores,
                on_progress=on_progress,
                cancellation=cancellation,
            )
        return restore.result

    def _listing(self, point: Point, cancellation: Cancellation) -> ListedFiles:
        """The archive's own listing; the one that was asked for last is kept."""
        archive = point.archive
        with self._lock:
            if self._listed is None or self._listed[0] != archive.id:
                access = self._access(archive.repository)
                items = stream_items(access, archive.repository, archive.name, cancellation=cancellation)
                self._listed = (archive.id, ListedFiles(archive.name, items))
            return self._listed[1]

    def _access(self, repository: str) -> BorgAccess:
        if repository not in self._accesses:
            declared = load_repository(self._paths, repository)
            self._accesses[repository] = repository_access(self._paths, declared, host_borg(self._paths))
        return self._accesses[repository]


__all__ = ["HostShelf"]
