# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares this host's files, and what an archive holds, with what was recorded of the archive."""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from fleetkeep.borg import events
from fleetkeep.borg.access import BorgAccess
from fleetkeep.borg.command import dry_create_arguments
from fleetkeep.borg.events import Event, clean_text
from fleetkeep.borg.failures import failure_of
from fleetkeep.borg.items import ArchiveItem, lossy_name
from fleetkeep.borg.process import Cancellation, run_borg
from fleetkeep.clock import Clock, SystemClock
from fleetkeep.errors import ArchiveReplaced, Cancelled
from fleetkeep.ids import new_id
from fleetkeep.model import FileEntry, FileStatus, Job, Point
from fleetkeep.plan.live import (
    LiveFinding,
    LiveKind,
    LiveReport,
    diff_live,
    is_unchanged,
    judge_added,
    sort_findings,
)
from fleetkeep.plan.restore import is_below
from fleetkeep.plan.sample import SampleRule, plan_sample

from .disk import hash_file, open_file
from .items import content_hashes, stream_items

#: So many findings are kept.
FINDINGS_KEPT = 10_000

#: So many paths of each kind are named as evidence.
NAMES_KEPT = 100


@dataclass(frozen=True)
class LivePlace:
    """What is compared."""

    access: BorgAccess
    point: Point
    root: Path = Path("/")
    clock: Clock = field(default_factory=SystemClock)
    cancellation: Cancellation = field(default_factory=Cancellation)

    def stop_when_asked(self) -> None:
        """Raises ``Cancelled`` when somebody asks to stop."""
        if self.cancellation.is_cancelled:
            raise Cancelled(what="The verification")

    def items(self) -> Iterator[ArchiveItem]:
        """What the archive holds. Raises ``ArchiveReplaced`` where another one has its name now."""
        archive = self.point.archive
        for item in stream_items(self.access, archive.repository, archive.name, cancellation=self.cancellation):
            if item.archive_id not in ("", archive.id):
                raise ArchiveReplaced(
                    archive=archive.name, repository=archive.repository, found=item.archive_id, expected=archive.id
                )
            yield item

    def hashes(self, paths: Sequence[str]) -> dict[str, str]:
        """The content of files as the archive holds it."""
        archive = self.point.archive
        return content_hashes(self.access, archive.repository, archive.name, paths, cancellation=self.cancellation)

    def live_hash(self, path: str) -> str:
        """The content of a live file; empty where it cannot be read."""
        try:
            descriptor = open_file(self.root / path)
        except (OSError, ValueError):
            return ""
        try:
            return hash_file(descriptor, self.stop_when_asked)
        except OSError:
            return ""
        finally:
            os.close(descriptor)


def entries_of(items: Iterable[ArchiveItem]) -> Iterator[FileEntry]:
    """What an archive holds, as the catalog would tell it."""
    for item in items:
        yield FileEntry(path=item.path, status=status_of_item(item))


def status_of_item(item: ArchiveItem) -> FileStatus:
    """What an item is, as the catalog records it."""
    return FileStatus(
        mode=item.status_mode,
        uid=item.uid,
        gid=item.gid,
        owner=item.owner,
        group=item.group,
        size=item.size_bytes,
        modified_us=item.modified_us,
        changed_us=item.changed_us,
        target=item.link_target,
    )


def look(path: Path) -> FileStatus | None:
    """What is at a path now; ``None`` for nothing. Raises ``OSError`` where that cannot be known."""
    try:
        status = path.lstat()
        target = os.fsdecode(os.readlink(path)) if stat.S_ISLNK(status.st_mode) else ""  # noqa: PTH115 - any bytes
    except (FileNotFoundError, NotADirectoryError):
        return None
    return FileStatus(
        mode=status.st_mode,
        uid=status.st_uid,
        gid=status.st_gid,
        size=status.st_size if stat.S_ISREG(status.st_mode) else 0,
        modified_us=status.st_mtime_ns // 1000,
        changed_us=status.st_ctime_ns // 1000,
        target=target,
    )


def compare_live(
    place: LivePlace,
    entries: Iterable[FileEntry],
    *,
    job: Job | None = None,
    own_folders: Sequence[str] = (),
    below: str = "",
    content: bool = False,
) -> LiveReport:
    """What changed on this host since an archive.

    Arguments:
        place: The host and the archive.
        entries: What was recorded of the archive, in any order.
        job: Its job, so that Borg can say what it would take now; without one nothing counts as added.
        own_folders: Folders of Fleetkeep itself, which no run takes.
        below: A stored path; only it and what is below it is compared.
        content: Read what was touched under the same size and time, and compare it with the archive.

    Raises ``Cancelled`` and what keeps Borg from answering.
    """
    comparison = _Comparison(place)
    known: set[int] = set()
    for entry in entries:
        place.stop_when_asked()
        known.add(_key(entry.path))
        if entry.status is not None and (not below or is_below(entry.path, below)):
            comparison.look_at(entry.path, entry.status)
    if job is not None:
        for path in _taken_now(place, job, own_folders):
            if _printed_key(path) not in known and (not below or is_below(path, below)):
                comparison.look_at_added(path)
    if content:
        comparison.read_touched()
    return comparison.report()


class _Comparison:
    """The findings so far."""

    def __init__(self, place: LivePlace) -> None:
        self._place = place
        self._found: list[LiveFinding] = []
        self._counts: Counter[LiveKind] = Counter()
        self._touched: list[str] = []
        self._compared = self._unreadable = self._touched_same = 0

    def look_at(self, path: str, recorded: FileStatus) -> None:
        try:
            live = look(self._place.root / path)
        except (OSError, ValueError):
            self._unreadable += 1
            return
        self._compared += 1
        found = diff_live(recorded, live)
        if found == (LiveKind.SUSPICIOUS, ("touched",)) and not recorded.target:
            self._touched.append(path)
        elif found is not None:
            self._add(path, *found)

    def look_at_added(self, path: str) -> None:
        try:
            live = look(self._place.root / path)
        except (OSError, ValueError):
            live = None
        if live is not None and stat.S_ISSOCK(live.mode):
            return  # no archive holds a socket
        self._add(path, *(judge_added(live) if live is not None else (LiveKind.ADDED, ())))

    def read_touched(self) -> None:
        """Forget what was touched and is the same; what differs stays."""
        theirs = self._place.hashes(self._touched)
        differs = [path for path in self._touched if self._place.live_hash(path) != theirs.get(path)]
        self._touched_same = len(self._touched) - len(differs)
        for path in differs:
            self._add(path, LiveKind.SUSPICIOUS, ("touched", "content"))
        self._touched = []

    def report(self) -> LiveReport:
        for path in self._touched:
            self._add(path, LiveKind.SUSPICIOUS, ("touched",))
        self._touched = []
        return LiveReport(
            archive=clean_text(self._place.point.archive.name),
            compared=self._compared,
            counts={kind: self._counts[kind] for kind in LiveKind if self._counts[kind]},
            findings=tuple(sort_findings(self._found)),
            touched_same=self._touched_same,
            unreadable=self._unreadable,
        )

    def _add(self, path: str, kind: LiveKind, aspects: tuple[str, ...]) -> None:
        self._counts[kind] += 1
        if len(self._found) < FINDINGS_KEPT or kind is LiveKind.SUSPICIOUS:
            self._found.append(LiveFinding(path=clean_text(path), kind=kind, aspects=aspects))


def _taken_now(place: LivePlace, job: Job, own_folders: Sequence[str]) -> list[str]:
    """The stored paths that Borg would take now, as it prints them."""
    paths: list[str] = []

    def listen(event: Event) -> None:
        if isinstance(event, events.FileStatus) and event.status == "-":
            paths.append(event.path.lstrip("/"))

    sources = job.sources
    there = [source.path for source in sources.paths if Path(source.path).exists()]
    if not there:
        return []
    arguments = dry_create_arguments(
        place.access.location,
        f"verify-{new_id()}",
        there,
        exclude=[*(f"pp:{folder}" for folder in own_folders), *sources.exclude],
        exclude_caches=sources.exclude_caches,
        exclude_if_present=sources.exclude_if_present,
        one_file_system=sources.one_file_system,
    )
    result = run_borg(place.access, arguments, on_event=listen, cancellation=place.cancellation)
    place.stop_when_asked()
    if not result.is_success:
        raise failure_of(result, "create", place.point.archive.repository, place.access.location)
    return paths


def _key(path: str) -> int:
    """A path as Borg prints it, in few bytes: an archive may hold millions."""
    return hash(clean_text(lossy_name(path)))


def _printed_key(path: str) -> int:
    return hash(path)


@dataclass(frozen=True)
class CatalogDifference:
    """How the catalog differs from an archive."""

    items: int
    """How many the archive holds, each one that it holds twice counted twice."""

    entries: int
    """How many the catalog has of it."""

    missing: tuple[str, ...] = ()
    """What the catalog does not have; at most 100 of them."""

    extra: tuple[str, ...] = ()
    """What the archive does not have."""

    differing: tuple[str, ...] = ()
    """What both have, but not the same."""

    counts: tuple[int, int, int] = (0, 0, 0)
    """How many are missing, extra and differing."""


def compare_catalog(place: LivePlace, entries: Iterable[FileEntry]) -> CatalogDifference:
    """An archive against what the catalog says of it.

    An archive may hold a path twice, where a job's sources lie in each other; what is restored is the last, and that is
    what counts.
    """
    stored: dict[int, int] = {}
    items = 0
    for item in place.items():
        items += 1
        stored[hash(item.path)] = _facts(status_of_item(item))
    missing, extra, differing = _Names(), _Names(), _Names()
    total = 0
    for entry in entries:
        if entry.status is None:
            continue
        total += 1
        found = stored.pop(hash(entry.path), None)
        if found is None:
            extra.add(entry.path)
        elif found != _facts(entry.status):
            differing.add(entry.path)
    if stored:
        for item in place.items():
            if stored.pop(hash(item.path), None) is not None:
                missing.add(item.path)
    counts = (missing.count, extra.count, differing.count)
    return CatalogDifference(items, total, tuple(missing.kept), tuple(extra.kept), tuple(differing.kept), counts)


def _facts(status: FileStatus) -> int:
    return hash(
        (
            status.mode,
            status.uid,
            status.gid,
            status.owner,
            status.group,
            status.size,
            status.modified_us,
            status.changed_us,
            status.target,
        )
    )


class _Names:
    """A count, and the first names."""

    def __init__(self) -> None:
        self.count = 0
        self.kept: list[str] = []

    def add(self, path: str) -> None:
        self.count += 1
        if len(self.kept) < NAMES_KEPT:
            self.kept.append(clean_text(path))


@dataclass(frozen=True)
class SpotCheck:
    """What a sample of live files showed."""

    population: int
    """How many live files have the size and time of the archive."""

    compared: int
    compared_bytes: int
    differing: tuple[str, ...] = ()
    """Files whose content differs under the same size and time."""

    unreadable: tuple[str, ...] = ()


def spot_check(place: LivePlace, seed: str, rule: SampleRule) -> SpotCheck:
    """Compare the content of live files that should be unchanged with the archive's, without restoring anything."""

    def unchanged() -> Iterator[ArchiveItem]:
        for item in place.items():
            place.stop_when_asked()
            if item.is_file and item.is_faithful and _is_same(item):
                yield item

    def _is_same(item: ArchiveItem) -> bool:
        try:
            return is_unchanged(status_of_item(item), look(place.root / item.path))
        except (OSError, ValueError):
            return False

    began = place.clock.now()
    sample = plan_sample(unchanged(), seed, rule)
    sizes = {file.path: file.size_bytes for file in sample.files}
    live = {path: place.live_hash(path) for path in sizes}
    read = [path for path in sizes if live[path]]
    theirs = place.hashes(read)
    still = [path for path in read if live[path] == theirs.get(path) or not _is_touched_since(place, path, began)]
    return SpotCheck(
        population=sample.population,
        compared=len(still),
        compared_bytes=sum(sizes[path] for path in still),
        differing=tuple(clean_text(path) for path in still if live[path] != theirs.get(path)),
        unreadable=tuple(clean_text(path) for path in sizes if not live[path]),
    )


def _is_touched_since(place: LivePlace, path: str, moment: datetime) -> bool:
    """Whether a file was written while it was verified; then a difference proves nothing."""
    try:
        now = look(place.root / path)
    except OSError:
        return True
    return now is None or max(now.modified_at, now.changed_at) >= moment


__all__ = [
    "CatalogDifference",
    "LivePlace",
    "SpotCheck",
    "compare_catalog",
    "compare_live",
    "entries_of",
    "look",
    "spot_check",
    "status_of_item",
]
