# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run does in one repository: create, list, reconcile, tell, and let retention do its work.

Each repository has its own thread, its own passphrase and its own outcome; nothing that goes wrong in one reaches
another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from fleetkeep.borg.answers import ArchiveAnswer, ArchiveName, parse_archive
from fleetkeep.borg.command import create_arguments
from fleetkeep.borg.process import BorgResult, Cancellation
from fleetkeep.errors import FleetkeepError, RepositoryReplacedMeanwhile, RepositoryUnknown
from fleetkeep.link import ArchiveReceived
from fleetkeep.model import ArchiveFacts, ListedArchive, Outcome, RepositoryRun, StageName
from fleetkeep.plan.outcome import Evidence, Size, Verdict, judge_size, reconcile_outcome

from .access import repository_access
from .facts import RepositoryFacts
from .file_indexing import FileIndexing
from .lock import Held, hold
from .repositories import check_known
from .repository_session import RepositorySession, RunContext
from .retain import Retained, retain
from .state import load_repository, repository_id

_LOCK_POLL_SECONDS = 0.5


@dataclass(frozen=True)
class RepositoryResult:
    """How a run ended in one repository."""

    run: RepositoryRun
    """What goes on record."""

    facts: RepositoryFacts | None = None
    """What to compare the next run with, if this one was good."""


def run_repository(context: RunContext, name: str) -> RepositoryResult:
    """Back up into one repository. Raises nothing that a repository can cause."""
    try:
        session = _open_session(context, name)
    except FleetkeepError as error:
        result = RepositoryResult(RepositoryRun(repository=name, outcome=Outcome.FAILED, reason=str(error)))
    else:
        result = _run_session(session)
    context.emitter.emit("repository_finished", name, outcome=result.run.outcome.value, reason=result.run.reason)
    return result


def _open_session(context: RunContext, name: str) -> RepositorySession:
    repository = load_repository(context.paths, name)
    known_id = repository_id(context.paths, name)
    if known_id is None:
        raise RepositoryUnknown(repository=name, location=repository.location)
    access = repository_access(context.paths, repository, context.program)
    # Each job remembers its own files, so that jobs which share a repository do not age each other's memory away.
    environment = {**access.environment, "BORG_FILES_CACHE_SUFFIX": context.job.name}
    return RepositorySession(context, repository, known_id, replace(access, environment=environment))


def _run_session(session: RepositorySession) -> RepositoryResult:
    context, name = session.context, session.repository.name

    def say_waiting(holder: str) -> None:
        session.emit("waiting", holder=holder)

    try:
        with hold_in_turn(context.paths.repository_lock(name), context.cancellation, say_waiting) as is_our_turn:
            if not is_our_turn:
                return _result(session, reconcile_outcome(Evidence(context.archive_name, False, cancelled=True)))
            check_known(session.repository, session.repository_id)
            return _back_up(session)
    except FleetkeepError as error:
        return _result(session, Verdict(Outcome.FAILED, str(error)))


@contextmanager
def hold_in_turn(path: Path, cancellation: Cancellation, on_wait: Callable[[str], None]) -> Iterator[bool]:
    """Hold a lock as soon as its holder frees it; gives ``False`` when the wait was cancelled.

    ``on_wait`` is told once who holds it.
    """
    said = False
    with ExitStack() as stack:
        while not cancellation.is_cancelled:
            try:
                stack.enter_context(hold(path))
            except Held as held:
                if not said:
                    on_wait(held.holder)
                said = True
                cancellation.wait(_LOCK_POLL_SECONDS)
                continue
            yield True
            return
        yield False


def _back_up(session: RepositorySession) -> RepositoryResult:
    context = session.context
    began = context.clock.monotonic()
    created = session.run_stage(StageName.CREATE, _arguments(session))
    duration_seconds = context.clock.monotonic() - began
    with closing(FileIndexing(session)) as indexing:
        verdict, archive, listed = _reconcile(session, created, indexing)
        if archive is None:
            return _result(session, verdict)
        session.emit("archive", **archive.model_dump(mode="json", exclude={"repository"}))
        problem = indexing.tell_before(listed)
        context.ledger.tell(
            ArchiveReceived(job=context.job.name, run_id=context.run_id, outcome=verdict.outcome, archive=archive)
        )
        indexing.tell_files(archive)
    retained = retain(session, archive, listed, verdict)
    retained = replace(retained, problem=f"{problem} {retained.problem}".strip())
    facts = RepositoryFacts(
        files=archive.files, original_bytes=archive.original_bytes, duration_seconds=round(duration_seconds, 3)
    )
    return _result(session, verdict, archive, retained, None if verdict.holds_retention else facts)


def _arguments(session: RepositorySession) -> list[str]:
    context = session.context
    sources = context.job.sources
    return create_arguments(
        session.access.location,
        context.archive_name,
        context.source_paths,
        compression=context.job.compression,
        comment=f"Fleetkeep run {context.run_id} of job {context.job.name}",
        exclude=[*(f"pp:{folder}" for folder in context.own_folders), *sources.exclude],
        exclude_caches=sources.exclude_caches,
        exclude_if_present=sources.exclude_if_present,
        one_file_system=sources.one_file_system,
        lock_wait_seconds=context.lock_wait_seconds,
    )


def _reconcile(
    session: RepositorySession, created: BorgResult, indexing: FileIndexing
) -> tuple[Verdict, ArchiveFacts | None, tuple[ArchiveName, ...]]:
    """Find out what really happened, what the archive holds, and what else is there."""
    began = session.context.clock.monotonic()
    answer = parse_archive(created.stdout)
    _check_same_repository(session, answer)
    listing, listed = None, None
    if not created.cancelled and (created.is_success or session.has_begun):
        listing, listed = indexing.look() or session.list_archives()
    verdict = reconcile_outcome(_evidence(session, created, answer, listing, listed))
    archive = None
    if verdict.archive_id is not None:
        verdict, archive = _judge(session, verdict, answer or session.describe_archive())
    session.end_stage(StageName.RECONCILE, began, verdict.outcome, verdict.reason)
    return verdict, archive, listed or ()


def _check_same_repository(session: RepositorySession, answer: ArchiveAnswer | None) -> None:
    """A remote repository tells its id only now; a local one was looked at before."""
    if answer is not None and answer.repository_id != session.repository_id:
        raise RepositoryReplacedMeanwhile(
            repository=session.repository.name,
            location=session.repository.location,
            found=answer.repository_id,
            expected=session.repository_id,
            archive=session.context.archive_name,
        )


def _evidence(
    session: RepositorySession,
    created: BorgResult,
    answer: ArchiveAnswer | None,
    listing: BorgResult | None,
    listed: tuple[ArchiveName, ...] | None,
) -> Evidence:
    warnings = [message.message for message in created.log if message.level == "WARNING"]
    lost_sight = session.context.cancellation.is_cancelled and listed is None
    return Evidence(
        archive_name=session.context.archive_name,
        succeeded=created.is_success,
        warned=created.is_success and created.exit_code != 0,
        cancelled=created.cancelled or lost_sight,
        failure="" if created.is_success else str(session.failure(created, "create")),
        archive_id=answer.id if answer else None,
        listed=None if listed is None else [ListedArchive(id=entry.id, name=entry.name) for entry in listed],
        listing_failure=str(session.failure(listing, "list")) if listing is not None else "",
        warning_count=session.warnings.count,
        last_warning=warnings[-1] if warnings else "",
    )


def _judge(
    session: RepositorySession, verdict: Verdict, answer: ArchiveAnswer | None
) -> tuple[Verdict, ArchiveFacts | None]:
    if answer is None:
        reason = "The archive is there, but the repository does not tell what it holds."
        return Verdict(Outcome.FAILED, reason, holds_retention=True), None
    archive = ArchiveFacts(
        id=answer.id,
        name=answer.name,
        repository=session.repository.name,
        repository_id=answer.repository_id,
        started_at=answer.started_at,
        finished_at=answer.finished_at,
        files=answer.files,
        original_bytes=answer.original_bytes,
        compressed_bytes=answer.compressed_bytes,
        deduplicated_bytes=answer.deduplicated_bytes,
    )
    if session.context.accept_changes:
        return verdict, archive
    before = session.context.sizes_before.get(session.repository.name)
    return judge_size(verdict, Size(archive.files, archive.original_bytes), before), archive


def _result(
    session: RepositorySession,
    verdict: Verdict,
    archive: ArchiveFacts | None = None,
    retained: Retained | None = None,
    facts: RepositoryFacts | None = None,
) -> RepositoryResult:
    problem = retained.problem if retained else ""
    spoiled = verdict.outcome.is_good and problem
    run = RepositoryRun(
        repository=session.repository.name,
        outcome=Outcome.WARNING if spoiled else verdict.outcome,
        reason=f"{verdict.reason} {problem}".strip(),
        archive=archive,
        stages=tuple(session.stages),
        warnings=session.warnings.kept,
        warning_count=session.warnings.count,
        deleted=retained.deleted if retained else (),
    )
    return RepositoryResult(run, facts)


__all__ = ["RepositoryResult", "hold_in_turn", "run_repository"]
