# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings paths of an archive back: plan it, ask for consent where something is overwritten, extract.

The archive is hostile input: what is written is confined by Borg to the target (1.4.5 or newer), and its names reach
people only with control characters escaped.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from fleetkeep.borg.access import BorgAccess
from fleetkeep.borg.command import extract_arguments, list_arguments
from fleetkeep.borg.events import Event, LogMessage, ProgressPercent, clean_text
from fleetkeep.borg.failures import failure_of
from fleetkeep.borg.items import ArchiveItem, lossy_name
from fleetkeep.borg.process import BorgResult, Cancellation, run_borg
from fleetkeep.clock import UTC, Clock
from fleetkeep.errors import (
    ArchiveReplaced,
    BorgFailed,
    Cancelled,
    FleetkeepError,
    PathNotInArchive,
    PathRefused,
    RestoreNeedsConsent,
    RestoreStopped,
    RestoreTargetHoldsFiles,
    RestoreTargetUnusable,
    StorageFull,
    UnknownArchive,
)
from fleetkeep.model import ArchiveFacts, FileWarning, Outcome
from fleetkeep.model.base import Model
from fleetkeep.plan.restore import (
    PATHS_SHOWN,
    RestoreAction,
    RestorePlan,
    Tally,
    diff_item,
    is_below,
    normalize_paths,
)
from fleetkeep.plan.words import render_bytes

from .cancel import StepCancellation
from .disk import DiskView
from .items import stream_items

#: Called with the bytes that were written and all that will be.
Progress = Callable[[int, int], None]

ORIGINAL_PLACE = Path("/")
WARNINGS_KEPT = 1000

#: So much of an archive's id is enough to name it.
ID_LETTERS = 6
_NO_SPACE = ("[Errno 28]", "[Errno 122]")


class RestoreResult(Model):
    """What a restore did."""

    archive: str
    """The archive it restored from."""

    repository: str
    """The repository that holds it."""

    target: str
    """The folder below which everything lies now; ``/`` for the original place."""

    outcome: Outcome
    """`succeeded`, or `warning` when some paths could not be restored as they were."""

    items: int
    """How many things it was to write."""

    files: int
    """How many of them are regular files."""

    size_bytes: int
    """The size of their content."""

    overwritten: int = 0
    """How many paths held something before."""

    warnings: tuple[FileWarning, ...] = ()
    """What Borg warned about, the first 1,000."""

    warning_count: int = 0
    """How many warnings there were in all."""

    duration_seconds: float = 0.0
    """How long it took."""


def look_up_archive(
    access: BorgAccess, repository: str, wanted: str, *, cancellation: Cancellation | None = None
) -> ArchiveFacts:
    """An archive as its repository lists it, for a host whose catalog does not know it (any more).

    Arguments:
        access: How to reach the repository.
        repository: Its declared name.
        wanted: The archive's name, or enough of the beginning of its id.
        cancellation: Stops when somebody asks to.

    Raises UnknownArchive, Cancelled, and the errors of a repository that cannot be read.
    """
    result = run_borg(access, list_arguments(access.location), cancellation=cancellation)
    if result.cancelled:
        raise Cancelled(what="The listing")
    if not result.is_success:
        raise failure_of(result, "list", repository, access.location)
    content = json.loads(result.stdout)
    listed = content["archives"]
    found = [entry for entry in listed if entry["name"] == wanted] or [
        entry for entry in listed if len(wanted) >= ID_LETTERS and entry["id"].startswith(wanted)
    ]
    if len(found) != 1:
        raise UnknownArchive(archive=clean_text(wanted))
    when = datetime.fromisoformat(found[0]["start"]).replace(tzinfo=UTC)
    return ArchiveFacts(
        id=found[0]["id"],
        name=found[0]["name"],
        repository=repository,
        repository_id=content["repository"]["id"],
        started_at=when,
        finished_at=when,
        files=0,
        original_bytes=0,
        compressed_bytes=0,
        deduplicated_bytes=0,
    )


def plan_restore(
    access: BorgAccess,
    archive: ArchiveFacts,
    paths: Sequence[str],
    target: Path,
    *,
    show: int | None = PATHS_SHOWN,
    cancellation: Cancellation | None = None,
) -> RestorePlan:
    """What restoring would do; nothing is written.

    Arguments:
        access: How to reach the repository.
        archive: The archive, as it was recorded.
        paths: What to restore, with or without a leading slash; none means all.
        target: The folder below which it goes; ``/`` is the original place. It need not exist.
        show: How many paths of each action the plan names; ``None`` for all, which needs memory for them.
        cancellation: Stops when somebody asks to.

    Raises PathRefused, PathNotInArchive, RestoreTargetUnusable, ArchiveReplaced, Cancelled, and the errors of a
    repository that cannot be read.
    """
    wanted = _stored_paths(paths)
    place = check_target(target)
    missing = set(wanted)
    tally = Tally(show)
    view = DiskView(place)
    for item in stream_items(access, archive.repository, archive.name, wanted, cancellation=cancellation):
        missing = {path for path in missing if not _holds(item, path)} if missing else missing
        change = diff_item(item, view.look(item.path, exact=item.is_exact))
        if change.action is RestoreAction.CONFLICT and item.kind == "d":
            view.replaced(item.path)
        tally.add(item, change)
    if tally.archive_id not in ("", archive.id):
        raise ArchiveReplaced(
            archive=archive.name, repository=archive.repository, found=tally.archive_id, expected=archive.id
        )
    for path in sorted(missing):
        raise PathNotInArchive(archive=archive.name, path=clean_text(path))
    return RestorePlan(
        archive=archive.name,
        archive_id=tally.archive_id,
        repository=archive.repository,
        target=str(place),
        paths=wanted,
        items=tally.items,
        files=tally.files,
        size_bytes=tally.size_bytes,
        free_bytes=_free_bytes(place),
        counts=tally.counts,
        changes=tally.changes,
    )


def check_consent(plan: RestorePlan, *, consent: bool) -> None:
    """Refuse to overwrite anything, or to write to the original place, without consent.

    Raises RestoreNeedsConsent, RestoreTargetHoldsFiles.
    """
    if consent:
        return
    if Path(plan.target) == ORIGINAL_PLACE:
        raise RestoreNeedsConsent(count=f"{plan.overwritten:,}")
    if plan.overwritten:
        raise RestoreTargetHoldsFiles(target=plan.target, count=f"{plan.overwritten:,}")


def run_restore(
    access: BorgAccess,
    plan: RestorePlan,
    clock: Clock,
    *,
    consent: bool = False,
    on_progress: Progress | None = None,
    cancellation: Cancellation | None = None,
) -> RestoreResult:
    """Carry out a plan.

    Arguments:
        access: How to reach the repository.
        plan: What ``plan_restore`` decided.
        clock: For the time it takes.
        consent: Whether a person agreed that things are overwritten.
        on_progress: Told how far it is.
        cancellation: Stops within two seconds when somebody asks to; what was written stays.

    Raises RestoreNeedsConsent, RestoreTargetHoldsFiles, RestoreTargetUnusable, StorageFull, RestoreStopped.
    """
    check_consent(plan, consent=consent)
    began = clock.monotonic()
    target = Path(plan.target)
    _make_target(target)
    extraction = _Extraction(on_progress, cancellation)
    patterns = [f"pp:{path}" for path in plan.paths] + _missing_parents(plan.paths, target)
    result = run_borg(
        access,
        extract_arguments(access.location, plan.archive, patterns, sparse=True),
        on_event=extraction.take,
        cancellation=extraction.cancellation,
        working_directory=target,
    )
    if not result.is_success:
        raise extraction.failure(result, plan, access)
    return RestoreResult(
        archive=plan.archive,
        repository=plan.repository,
        target=plan.target,
        outcome=Outcome.WARNING if extraction.warning_count or result.exit_code else Outcome.SUCCEEDED,
        items=plan.items,
        files=plan.files,
        size_bytes=plan.size_bytes,
        overwritten=plan.overwritten,
        warnings=tuple(extraction.warnings),
        warning_count=extraction.warning_count,
        duration_seconds=round(clock.monotonic() - began, 3),
    )


def check_target(target: Path) -> Path:
    """The real place of a target that can take a restore; it need not exist. Raises RestoreTargetUnusable."""
    try:
        place = target.resolve()
        nearest = next(folder for folder in (place, *place.parents) if folder.exists())
    except (OSError, RuntimeError) as error:
        raise RestoreTargetUnusable(target=clean_text(str(target)), reason=_words(error)) from None
    if not nearest.is_dir():
        what = "it is" if nearest == place else f"{clean_text(str(nearest))} is"
        raise RestoreTargetUnusable(target=clean_text(str(target)), reason=f"{what} not a directory")
    if place != ORIGINAL_PLACE and not os.access(nearest, os.W_OK | os.X_OK):
        raise RestoreTargetUnusable(target=clean_text(str(target)), reason="it is not writable for this user")
    return place


class _Extraction:
    """Listens to ``borg extract``: progress, warnings, and the full disk that Borg itself only warns about."""

    def __init__(self, on_progress: Progress | None, cancellation: Cancellation | None) -> None:
        self.cancellation = StepCancellation(cancellation)
        self._whole = cancellation
        self.warnings: list[FileWarning] = []
        self.warning_count = 0
        self._on_progress = on_progress
        self._done_bytes = 0
        self._is_full = False

    def take(self, event: Event) -> None:
        if isinstance(event, ProgressPercent) and event.message_id == "extract" and event.total:
            self._done_bytes = event.current
            if self._on_progress is not None:
                self._on_progress(event.current, event.total)
        elif isinstance(event, LogMessage) and event.level == "WARNING":
            self._warn(event)

    def failure(self, result: BorgResult, plan: RestorePlan, access: BorgAccess) -> FleetkeepError:
        """What went wrong, and how far the restore came."""
        done, total = render_bytes(self._done_bytes), render_bytes(plan.size_bytes)
        target = clean_text(plan.target)
        if self._is_full:
            return StorageFull(what=f"the restore ({_count_restored(access, plan, self._whole)})", location=target)
        if result.cancelled:
            reason = "It was cancelled."
        else:
            error = failure_of(result, "extract", plan.repository, access.location)
            if not isinstance(error, BorgFailed) and not self._done_bytes:
                return error
            reason = str(error)
        return RestoreStopped(archive=plan.archive, target=target, done=done, total=total, reason=reason)

    def _warn(self, message: LogMessage) -> None:
        self.warning_count += 1
        path, _, words = message.message.partition(": ")
        if len(self.warnings) < WARNINGS_KEPT:
            self.warnings.append(
                FileWarning(path=path if words else "", message=words or path, code=message.message_id)
            )
        if any(mark in message.message for mark in _NO_SPACE):
            self._is_full = True
            self.cancellation.cancel()


def _count_restored(access: BorgAccess, plan: RestorePlan, cancellation: Cancellation | None) -> str:
    """How many files are whole at the target, in words; Borg's progress counts content that it could not write too."""
    view = DiskView(Path(plan.target))
    whole = 0
    try:
        for item in stream_items(access, plan.repository, plan.archive, plan.paths, cancellation=cancellation):
            whole += (
                item.kind == "-"
                and diff_item(item, view.look(item.path, exact=item.is_exact)).action is RestoreAction.SAME
            )
    except FleetkeepError:
        return "nobody could count what is there"
    return f"{whole:,} of {plan.files:,} files are there"


def _holds(item: ArchiveItem, path: str) -> bool:
    """Whether a path that was asked for holds an item."""
    return is_below(item.path, path if item.is_exact else lossy_name(path))


def _stored_paths(paths: Sequence[str]) -> tuple[str, ...]:
    try:
        return normalize_paths(paths)
    except ValueError as error:
        raise PathRefused(path=clean_text(str(error)) or "An empty name") from None


def _make_target(target: Path) -> None:
    """A new target is closed to others: what an archive holds may be secret."""
    try:
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise RestoreTargetUnusable(target=clean_text(str(target)), reason=_words(error)) from None


def _missing_parents(paths: Sequence[str], target: Path) -> list[str]:
    """Patterns of the folders above the paths that are not at the target, so that they come back with their modes."""
    parents = dict.fromkeys(str(parent) for path in paths for parent in reversed(Path(path).parents[:-1]))
    return [f"pf:{parent}" for parent in parents if not (target / parent).is_dir()]


def _free_bytes(place: Path) -> int | None:
    nearest = next(folder for folder in (place, *place.parents) if folder.exists())
    try:
        status = os.statvfs(nearest)
    except OSError:
        return None
    return status.f_bavail * status.f_frsize


def _words(error: BaseException) -> str:
    return getattr(error, "strerror", None) or str(error)


__all__ = [
    "ORIGINAL_PLACE",
    "Progress",
    "RestoreResult",
    "check_consent",
    "check_target",
    "look_up_archive",
    "plan_restore",
    "run_restore",
]
