# SPDX-License-Identifier: GPL-3.0-or-later
"""Proves an archive by restoring some of it and comparing the content.

What was restored is compared with the live source where size and time say that it has not changed since: only that
finds content that was wrong before it came into the repository, or was exchanged there by somebody who holds the key.
Elsewhere it is compared with the archive's own hash. The archive is hostile input: only regular files that were
listed are extracted, without flags, ACLs and attributes, into a folder that nobody else can enter, and at most as much
as was listed.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from fleetkeep.borg.access import BorgAccess
from fleetkeep.borg.command import extract_arguments
from fleetkeep.borg.events import Event, LogMessage, ProgressPercent, clean_text
from fleetkeep.borg.failures import failure_of
from fleetkeep.borg.process import BorgResult, Cancellation, run_borg
from fleetkeep.clock import Clock
from fleetkeep.errors import BorgFailed, Cancelled, FleetkeepError, StorageFull
from fleetkeep.ids import new_id
from fleetkeep.model import Assertion, AssertionResult, Drill, DrillFile, DrillKind, Outcome, Point
from fleetkeep.plan.drill import is_recorded, judge_drill, order_files
from fleetkeep.plan.sample import Sample, SampledFile, SampleRule, plan_sample

from .assertions import Restored, Wanted, check_assertions
from .cancel import StepCancellation
from .disk import hash_file, open_beneath, open_file
from .items import batches, content_hashes, stream_items
from .restore import Progress
from .scratch import disarm, scratch_folder

#: Borg ends an extract at the first damaged file; so often it is begun again after one, to find the others.
DAMAGED_FILES_PASSED = 10

#: What an extract may write beyond what was listed before it is ended.
EXCESS_BYTES = 16 << 20

_NO_SPACE = ("[Errno 28]", "[Errno 122]")


@dataclass(frozen=True)
class DrillPlace:
    """Where a drill restores from, to, and what it compares with."""

    access: BorgAccess
    """How to reach the repository."""

    scratch: Path
    """The folder below which it restores."""

    live: Path = Path("/")
    """The root of the live source."""


def drill_job(
    point: Point,
    place: DrillPlace,
    clock: Clock,
    *,
    seed: str = "",
    rule: SampleRule | None = None,
    assertions: Sequence[Assertion] = (),
    earlier: Sequence[Point] = (),
    on_progress: Progress | None = None,
    cancellation: Cancellation | None = None,
) -> Drill:
    """Restore a sample of an archive and compare it; a drill that cannot be done is a failed one.

    Arguments:
        point: The archive, as it was recorded; the newest good one of a job, say.
        place: Where from and where to.
        clock: For its times.
        seed: Any text, which chooses the same files again; empty for a new one.
        rule: How much to restore.
        assertions: What must hold besides.
        earlier: The archives of the job before it in the same repository, the newest first, for assertions that compare
            with them.
        on_progress: Told how many bytes of the sample are restored.
        cancellation: Stops within two seconds when somebody asks to.

    Raises ``Cancelled``; then nothing is known.
    """
    began = clock.now()
    sample = Sample(seed=seed or new_id())
    files: tuple[DrillFile, ...] = ()
    trouble = ""
    identifier = new_id()
    worker = _Drill(point, place, on_progress, cancellation)
    asserting = _Asserting(assertions, earlier, Wanted.by(assertions))
    try:
        items = stream_items(place.access, point.archive.repository, point.archive.name, cancellation=cancellation)
        sample = plan_sample(asserting.wanted.watch(items), sample.seed, rule or SampleRule())
        asserting.wanted.resize(worker.sizes(asserting.wanted.first_names.values()))
        sample = asserting.wanted.add_to(sample)
        if is_recorded(point, sample) and (sample.files or assertions):
            files = worker.prove(sample, identifier, asserting)
    except Cancelled:
        raise Cancelled(what="The drill") from None
    except FleetkeepError as error:
        trouble = str(error)
    outcome, reason = judge_drill(point, sample, files, trouble, clean_text, asserting.results)
    ended = _Ended(sample, files, outcome, reason, asserting.results)
    return _record(point, identifier, began, clock.now(), ended)


@dataclass(frozen=True)
class _Ended:
    """How a drill ended."""

    sample: Sample
    files: tuple[DrillFile, ...]
    outcome: Outcome
    reason: str
    assertions: tuple[AssertionResult, ...]


def _record(point: Point, identifier: str, began: datetime, finished: datetime, ended: _Ended) -> Drill:
    restored = {file.path for file in ended.files if file.sha256}
    sample = ended.sample
    return Drill(
        id=identifier,
        client=point.client,
        job=point.job,
        repository=point.archive.repository,
        archive_id=point.archive.id,
        archive_name=point.archive.name,
        started_at=began,
        finished_at=finished,
        outcome=ended.outcome,
        reason=ended.reason,
        sample_size=len(restored),
        population=sample.population,
        left_out=sample.left_out,
        sample_bytes=sum(file.size_bytes for file in sample.files if file.path in restored),
        seed=sample.seed,
        files=tuple(_recorded(file) for file in order_files(ended.files)),
        assertions=ended.assertions,
    )


def _recorded(file: DrillFile) -> DrillFile:
    """A file with its path as every record can hold it: what is no UTF-8, or a control character, is escaped."""
    return file.model_copy(update={"path": clean_text(file.path, longest=len(file.path))})


@dataclass
class _Asserting:
    """What was declared to hold, and what came of it."""

    assertions: Sequence[Assertion]
    earlier: Sequence[Point]
    wanted: Wanted
    results: tuple[AssertionResult, ...] = ()


class _Drill:
    """One drill at work."""

    def __init__(
        self, point: Point, place: DrillPlace, on_progress: Progress | None, cancellation: Cancellation | None
    ) -> None:
        self._point = point
        self._archive = point.archive
        self._place = place
        self._on_progress = on_progress
        self._cancellation = cancellation
        self._done_bytes = 0

    def sizes(self, paths: Iterable[str]) -> dict[str, int]:
        """The sizes of some files of the archive, by stored path."""
        chosen = [f"pf:{path}" for path in dict.fromkeys(paths)]
        repository, archive = self._archive.repository, self._archive.name
        found: dict[str, int] = {}
        for patterns in batches(chosen):
            items = stream_items(
                self._place.access, repository, archive, patterns=patterns, cancellation=self._cancellation
            )
            found |= {item.path: item.size_bytes for item in items}
        return found

    def prove(self, sample: Sample, identifier: str, asserting: _Asserting) -> tuple[DrillFile, ...]:
        """Restore the sample, compare it file by file, and look at what must hold."""
        with scratch_folder(self._place.scratch, identifier) as folder:
            if shutil.disk_usage(folder).free < sample.size_bytes + EXCESS_BYTES:
                raise StorageFull(what="the files of the drill", location=self._place.scratch)
            by_path = {file.path: file for file in sample.files}
            for paths in batches(list(by_path)):
                self._extract([by_path[path] for path in paths], folder, sample.size_bytes)
            files = self._compare(sample.files, folder, asserting.wanted.first_names)
            found = {file.path: file for file in files}
            restored = Restored(self._point, asserting.earlier, folder, asserting.wanted, found, self._cancellation)
            asserting.results = check_assertions(asserting.assertions, restored)
            return files

    def _extract(self, files: list[SampledFile], folder: Path, total_bytes: int) -> None:
        """Restore files, given in the order of the archive, stepping over damaged ones."""
        for _ in range(DAMAGED_FILES_PASSED):
            guard = _Guard(self._cancellation, self._on_progress, self._done_bytes, total_bytes)
            patterns = [f"pf:{file.path}" for file in files]
            result = run_borg(
                self._place.access,
                extract_arguments(self._place.access.location, self._archive.name, patterns, content_only=True),
                on_event=guard.take,
                cancellation=guard.cancellation,
                working_directory=folder,
            )
            disarm(folder)
            self._raise_unless_damaged(result, guard)
            if result.is_success:
                self._done_bytes += sum(file.size_bytes for file in files)
                return
            damaged = next((place for place, file in enumerate(files) if not _is_whole(file, folder)), len(files))
            files = files[damaged + 1 :]
            if not files:
                return

    def _raise_unless_damaged(self, result: BorgResult, guard: _Guard) -> None:
        """Go on where all is well or content is damaged; everything else ends the drill."""
        self._stop_when_asked()
        if guard.is_full:
            raise StorageFull(what="the files of the drill", location=self._place.scratch)
        if guard.is_excessive:
            raise BorgFailed(
                command="extract",
                repository=self._archive.repository,
                exit_code=result.exit_code,
                reason="The archive holds more than it lists, so the extract was ended before it filled the disk.",
            )
        if not result.is_success:
            error = failure_of(result, "extract", self._archive.repository, self._place.access.location)
            if not isinstance(error, BorgFailed):
                raise error

    def _compare(
        self, files: Sequence[SampledFile], folder: Path, first_names: Mapping[str, str]
    ) -> tuple[DrillFile, ...]:
        """Compare with the live source, and what changed there since with the archive's own hashes."""
        compared: dict[str, DrillFile] = {}
        hashes: dict[str, str] = {}
        for file in files:
            self._stop_when_asked()
            ours, live = self._hashes(file, folder)
            if live or not ours:
                kind = DrillKind.LIVE if live else DrillKind.ARCHIVE
                compared[file.path] = DrillFile(
                    path=file.path, compared_with=kind, matches=bool(ours) and ours == live, sha256=ours
                )
            else:
                hashes[file.path] = ours
        theirs = content_hashes(
            self._place.access,
            self._archive.repository,
            self._archive.name,
            list({first_names.get(path, path): None for path in hashes}),
            cancellation=self._cancellation,
        )
        for path, ours in hashes.items():
            compared[path] = DrillFile(
                path=path,
                compared_with=DrillKind.ARCHIVE,
                matches=theirs.get(first_names.get(path, path)) == ours,
                sha256=ours,
            )
        return tuple(compared[file.path] for file in files)

    def _hashes(self, file: SampledFile, folder: Path) -> tuple[str, str]:
        """The hashes of the restored and of the live content; empty for what is not whole or changed since."""
        if not _is_whole(file, folder):
            return "", ""
        restored = open_beneath(folder, file.path)
        try:
            return hash_file(restored, self._stop_when_asked), self._live_hash(file, os.fstat(restored))
        finally:
            os.close(restored)

    def _live_hash(self, file: SampledFile, archived: os.stat_result) -> str:
        """The hash of the live content, if its size and time are the archived ones before and after it is read."""
        try:
            descriptor = open_file(self._place.live / file.path)
        except (OSError, ValueError):
            return ""
        try:
            if not _same(os.fstat(descriptor), archived):
                return ""
            found = hash_file(descriptor, self._stop_when_asked)
            return found if _same(os.fstat(descriptor), archived) else ""
        except OSError:
            return ""
        finally:
            os.close(descriptor)

    def _stop_when_asked(self) -> None:
        if self._cancellation is not None and self._cancellation.is_cancelled:
            raise Cancelled(what="The drill")


class _Guard:
    """Watches one extract: progress, a full disk, and content beyond what was listed."""

    def __init__(
        self, cancellation: Cancellation | None, on_progress: Progress | None, before: int, total_bytes: int
    ) -> None:
        self.cancellation = StepCancellation(cancellation)
        self.is_full = False
        self.is_excessive = False
        self._on_progress = on_progress
        self._before = before
        self._total_bytes = total_bytes

    def take(self, event: Event) -> None:
        if isinstance(event, ProgressPercent) and event.message_id == "extract":
            done = self._before + event.current
            if done > self._total_bytes + EXCESS_BYTES:
                self.is_excessive = True
                self.cancellation.cancel()
            elif self._on_progress is not None and event.current:
                self._on_progress(done, self._total_bytes)
        elif isinstance(event, LogMessage) and any(mark in event.message for mark in _NO_SPACE):
            self.is_full = True
            self.cancellation.cancel()


def _is_whole(file: SampledFile, folder: Path) -> bool:
    """Whether a regular file of the listed size was restored."""
    try:
        descriptor = open_beneath(folder, file.path)
    except OSError:
        return False
    try:
        return os.fstat(descriptor).st_size == file.size_bytes
    finally:
        os.close(descriptor)


def _same(live: os.stat_result, archived: os.stat_result) -> bool:
    return (live.st_size, live.st_mtime_ns) == (archived.st_size, archived.st_mtime_ns)


__all__ = ["DrillPlace", "drill_job"]
