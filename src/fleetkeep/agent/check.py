# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks a repository and its archives with Borg, part by part, and never repairs.

Borg's own check believes what a repository says of itself: an older state of it, or an archive that a repair emptied,
passes. So what is listed is compared with what was received. While Borg works, the lock that runs take is held, so that
a run that comes due waits instead of failing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from fleetkeep.borg.access import BorgAccess
from fleetkeep.borg.answers import parse_listing
from fleetkeep.borg.command import check_archive_arguments, check_repository_arguments, list_arguments
from fleetkeep.borg.events import Event, ProgressPercent, clean_text
from fleetkeep.borg.failures import failure_of
from fleetkeep.borg.process import BorgResult, Cancellation, run_borg
from fleetkeep.clock import Clock
from fleetkeep.errors import (
    BorgFailed,
    Cancelled,
    FleetkeepError,
    NotARepository,
    RepositoryMissing,
    RepositoryReplaced,
)
from fleetkeep.ids import new_id
from fleetkeep.model import (
    EvidenceValue,
    ListedArchive,
    Outcome,
    Point,
    Repository,
    Verification,
    VerificationKind,
)
from fleetkeep.plan.check import NAMES_KEPT, missing_archives, named, open_round, parse_segments
from fleetkeep.plan.drill import expected_files
from fleetkeep.plan.words import render_count

from .items import stream_items
from .repositories import check_known
from .repository_run import hold_in_turn

#: What a check proves of the repository. Every other error, such as a lock or a network, proves nothing.
DAMAGE = (BorgFailed, NotARepository, RepositoryMissing, RepositoryReplaced)

_FOUND_DAMAGE = 1


@dataclass(frozen=True)
class CheckPlace:
    """What is checked, and with what."""

    client: str
    """The client that checks."""

    repository: Repository
    """The repository."""

    repository_id: str
    """Borg's id of it, as this host knows it."""

    access: BorgAccess
    """How to reach it."""

    lock: Path
    """The lock that runs take."""

    scratch: Path
    """A folder for what is needed while content is read."""

    clock: Clock
    """For times and budgets."""

    cancellation: Cancellation = field(default_factory=Cancellation)
    """Stops within two seconds when somebody asks to."""

    on_progress: Callable[[int, int], None] = lambda done, total: None
    """Told how far a step is."""

    on_wait: Callable[[str], None] = lambda holder: None
    """Told once which process is waited for."""

    @contextmanager
    def held(self) -> Iterator[None]:
        """The repository, for this host alone. Raises ``Cancelled``, ``RepositoryMissing``, ``RepositoryReplaced``."""
        with hold_in_turn(self.lock, self.cancellation, self.on_wait) as is_our_turn:
            if not is_our_turn:
                raise Cancelled(what="The check")
            check_known(self.repository, self.repository_id)
            yield

    def run(self, arguments: Sequence[str], on_event: Callable[[Event], None] | None = None) -> BorgResult:
        """Run borg to its end. Raises ``Cancelled``."""
        result = run_borg(self.access, arguments, on_event=on_event, cancellation=self.cancellation)
        if self.cancellation.is_cancelled:
            raise Cancelled(what="The check")
        return result

    def failure(self, result: BorgResult, command: str) -> FleetkeepError:
        """What a failed process means."""
        return failure_of(result, command, self.repository.name, self.repository.location)

    def verification(
        self,
        kind: VerificationKind,
        began: datetime,
        reason: str,
        evidence: dict[str, EvidenceValue],
        *,
        point: Point | None = None,
        is_complete: bool = True,
    ) -> Verification:
        """A result; one with a reason has failed."""
        return Verification(
            id=new_id(),
            client=self.client,
            repository=self.repository.name,
            kind=kind,
            archive_id=point.archive.id if point else "",
            archive_name=point.archive.name if point else "",
            started_at=began,
            finished_at=self.clock.now(),
            outcome=Outcome.FAILED if reason else Outcome.SUCCEEDED,
            reason=reason,
            is_complete=is_complete,
            evidence={name: value for name, value in evidence.items() if value != ()},
        )


def check_repository(
    place: CheckPlace, points: Callable[[], Sequence[Point]], past: Sequence[Verification], budget_seconds: int = 0
) -> Verification:
    """Check the segments, and that every archive that was received is still listed.

    Arguments:
        place: The repository.
        points: Gives the archives that should be there, once no run can change that any more.
        past: Verifications of the repository, as ``plan.check.open_round`` takes them.
        budget_seconds: Stop after this time, and go on there with the next call; 0 checks everything from the start.

    Raises ``Cancelled`` and what keeps a check from being made.
    """
    began = place.clock.now()
    try:
        with place.held():
            return _check_segments(place, points(), past, budget_seconds, began)
    except DAMAGE as error:
        return place.verification(VerificationKind.REPOSITORY, began, str(error), {})


def _check_segments(
    place: CheckPlace, points: Sequence[Point], past: Sequence[Verification], budget_seconds: int, began: datetime
) -> Verification:
    def listen(event: Event) -> None:
        if isinstance(event, ProgressPercent) and event.total:
            place.on_progress(event.current, event.total)

    arguments = check_repository_arguments(place.access.location, max_duration_seconds=budget_seconds)
    result = place.run(arguments, listen)
    if not result.is_success:
        raise place.failure(result, "check")
    messages = [message.message for message in result.log]
    segments = parse_segments(messages)
    errors = errors_of(result)
    missing, unknown = _compare_listing(place, points)
    reasons = list(open_round(past, VerificationKind.REPOSITORY).reasons) if budget_seconds and segments.first else []
    if errors:
        reasons.append(f"Borg found damage: {errors[0].rstrip('.')}.")
    if missing:
        gone = named(missing, "archive")
        reasons.append(f"{gone} that the catalog knows {'is' if len(missing) == 1 else 'are'} not in the repository.")
    evidence: dict[str, EvidenceValue] = {
        "first_segment": segments.first,
        "last_segment": segments.last,
        "compared_index": not budget_seconds,
        "messages": errors[:NAMES_KEPT],
        "missing_archives": missing[:NAMES_KEPT],
        "archives_without_receipt": unknown,
    }
    reason = " ".join(dict.fromkeys(reasons))
    return place.verification(VerificationKind.REPOSITORY, began, reason, evidence, is_complete=segments.is_complete)


def _compare_listing(place: CheckPlace, points: Sequence[Point]) -> tuple[tuple[str, ...], int]:
    """Archives that are missing, and how many there are that nobody received."""
    listed = list_archives(place)
    known = {point.archive.id for point in points}
    missing = tuple(clean_text(name) for name in missing_archives(points, listed))
    return missing, sum(archive.id not in known for archive in listed)


def list_archives(place: CheckPlace) -> list[ListedArchive]:
    """What the repository lists. Raises the error of a listing that fails."""
    result = place.run(list_arguments(place.access.location))
    listed = parse_listing(result.stdout) if result.is_success else None
    if listed is None:
        raise place.failure(result, "list")
    return [ListedArchive(id=archive.id, name=archive.name) for archive in listed if not archive.is_checkpoint]


def check_archive(place: CheckPlace, point: Point) -> Verification:
    """Check the metadata of an archive, that all its chunks are there, and that it holds what was recorded.

    Raises as ``check_repository``.
    """
    began = place.clock.now()
    try:
        with place.held():
            result = place.run(check_archive_arguments(place.access.location, point.archive.name))
            if not result.is_success:
                raise place.failure(result, "check")
            errors = errors_of(result) if result.exit_code == _FOUND_DAMAGE else ()
            inventory = Inventory.of(place, point)
    except DAMAGE as error:
        return place.verification(VerificationKind.ARCHIVE, began, str(error), {}, point=point)
    reasons = [f"Borg found damage: {errors[0].rstrip('.')}."] if errors else []
    reasons += inventory.doubts(point)
    evidence: dict[str, EvidenceValue] = {
        "items": inventory.items,
        "files": inventory.files,
        "messages": errors[:NAMES_KEPT],
        "damaged": tuple(inventory.broken),
    }
    return place.verification(VerificationKind.ARCHIVE, began, " ".join(reasons), evidence, point=point)


@dataclass
class Inventory:
    """What an archive lists."""

    items: int = 0
    files: int = 0
    archive_id: str = ""
    broken: list[str] = field(default_factory=list)
    """Files in which a repair put zeros."""

    @classmethod
    def of(cls, place: CheckPlace, point: Point) -> Inventory:
        """Count what an archive lists."""
        found = cls()
        archive = point.archive
        for item in stream_items(place.access, archive.repository, archive.name, cancellation=place.cancellation):
            found.items += 1
            found.files += item.is_file
            found.archive_id = found.archive_id or item.archive_id
            if not item.healthy and len(found.broken) < NAMES_KEPT:
                found.broken.append(clean_text(item.path))
        return found

    def doubts(self, point: Point) -> Iterator[str]:
        """What says that it is not the whole of what was recorded."""
        if self.archive_id not in ("", point.archive.id):
            yield f"It is not the archive that was recorded: its id is {self.archive_id}, not {point.archive.id}."
        elif self.files < expected_files(point):
            yield f"It holds {render_count(self.files, 'file')}, but {point.archive.files:,} were recorded."
        if self.broken:
            yield f"A repair replaced lost content with zeros in {named(self.broken, 'file')}."


def errors_of(result: BorgResult) -> tuple[str, ...]:
    """What Borg said is wrong; its last words, that it found errors, only where it said nothing else."""
    said = [" ".join(message.message.split()) for message in result.log if message.level in ("ERROR", "CRITICAL")]
    telling = [text for text in said if not text.startswith("Traceback") and not text.startswith("Finished ")]
    return tuple(telling or said) if result.exit_code else ()


__all__ = [
    "DAMAGE",
    "CheckPlace",
    "Inventory",
    "check_archive",
    "check_repository",
    "errors_of",
    "list_archives",
]
