# SPDX-License-Identifier: GPL-3.0-or-later
"""Deletes what the Director's plan lets go, by exact name and id, and frees the space.

It comes after the archive is made and received: nothing that goes wrong here takes that away.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from fleetkeep.borg.answers import ArchiveName
from fleetkeep.borg.command import compact_arguments, delete_arguments
from fleetkeep.errors import DirectorUnreachable
from fleetkeep.link import ArchivesDeleted
from fleetkeep.model import ArchiveFacts, DeletionRequest, ListedArchive, StageName
from fleetkeep.plan.outcome import Verdict

from .intent import forget, intend
from .repository_session import RepositorySession

#: The arguments of a process are limited; so many names always fit.
DELETED_AT_ONCE = 200


@dataclass(frozen=True)
class Retained:
    """What retention did."""

    deleted: tuple[str, ...] = ()
    """The names of what is gone."""

    problem: str = ""
    """What went wrong, in one sentence."""


def retain(
    session: RepositorySession, archive: ArchiveFacts, listed: Sequence[ArchiveName], verdict: Verdict
) -> Retained:
    """Ask what may go, delete it, free its space and tell the Director."""
    reason = _why_not(session, verdict)
    if reason:
        session.skip_stage(StageName.DELETE, reason)
        return Retained()
    try:
        doomed = [*_planned(session, archive, listed), *leftovers(listed, session.context.archive_prefix)]
    except DirectorUnreachable as error:
        session.skip_stage(StageName.DELETE, f"Nothing was deleted, because nobody could say what may go. {error}")
        return Retained()
    return _delete(session, doomed) if doomed else Retained()


def deletable(planned: Sequence[ListedArchive], listed: Sequence[ArchiveName], newest_id: str) -> list[ArchiveName]:
    """Of what a plan lets go: what is listed under the very same name and id, and never the archive just made."""
    there = {(entry.name, entry.id) for entry in listed if not entry.is_checkpoint}
    return [
        ArchiveName(entry.id, entry.name)
        for entry in planned
        if (entry.name, entry.id) in there and entry.id != newest_id
    ]


def leftovers(listed: Sequence[ArchiveName], prefix: str) -> list[ArchiveName]:
    """What interrupted runs of the same job left, which a finished run makes useless.

    ``prefix`` is what the names of all its archives begin with.
    """
    own = re.compile(re.escape(prefix) + r"\d{8}T\d{6}Z-[0-9a-f]{12}\.checkpoint(\.\d+)?")
    return [entry for entry in listed if own.fullmatch(entry.name)]


def _why_not(session: RepositorySession, verdict: Verdict) -> str:
    if session.context.cancellation.is_cancelled:
        return "The run was cancelled."
    if verdict.holds_retention or not verdict.outcome.is_good:
        return "Nothing is deleted on the strength of this archive."
    return ""


def _planned(session: RepositorySession, archive: ArchiveFacts, listed: Sequence[ArchiveName]) -> list[ArchiveName]:
    job = session.context.job
    if job.retention.forever:
        return []
    request = DeletionRequest(
        client=session.context.client,
        job=job.name,
        repository=session.repository.name,
        retention=job.retention,
        timezone=job.schedule.timezone if job.schedule else "UTC",
        listed=tuple(ListedArchive(id=entry.id, name=entry.name) for entry in listed if not entry.is_checkpoint),
    )
    plan = session.context.ledger.deletion_plan(request)
    return deletable([deletion.archive for deletion in plan.delete], listed, archive.id)


def _delete(session: RepositorySession, doomed: list[ArchiveName]) -> Retained:
    """Delete by exact name, and compact when all went well."""
    problem = ""
    note, ids = _note(session), [entry.id for entry in doomed]
    try:
        intend(note, session.repository_id, ids)
    except OSError as error:
        session.skip_stage(StageName.DELETE, f"Nothing was deleted, because it could not be noted first: {error}.")
        return Retained()
    for start in range(0, len(doomed), DELETED_AT_ONCE):
        names = [entry.name for entry in doomed[start : start + DELETED_AT_ONCE]]
        result = session.run_stage(StageName.DELETE, _delete_arguments(session, names))
        if result.exit_code != 0:
            doomed = _gone(session, doomed)
            problem = "" if result.cancelled else f"Deletion went wrong: {session.failure(result, 'delete')}"
            break
    _tell(session, doomed)
    with suppress(OSError):
        forget(note, session.repository_id, ids)
    # In an append-only repository only its storage host can free space; Borg would start for nothing.
    is_done = problem or session.context.cancellation.is_cancelled or session.repository.append_only
    if doomed and not is_done:
        problem = _compact(session)
    return Retained(tuple(entry.name for entry in doomed), problem)


def _delete_arguments(session: RepositorySession, names: list[str]) -> list[str]:
    wait = session.context.lock_wait_seconds
    return delete_arguments(session.access.location, names, lock_wait_seconds=wait)


def _gone(session: RepositorySession, doomed: list[ArchiveName]) -> list[ArchiveName]:
    """After a deletion that did not end well: what of it is gone all the same."""
    _, listed = session.list_archives()
    if listed is None:
        return []
    there = {entry.id for entry in listed}
    return [entry for entry in doomed if entry.id not in there]


def _note(session: RepositorySession) -> Path:
    return session.context.paths.deleting(session.context.job.name, session.repository.name)


def _tell(session: RepositorySession, gone: list[ArchiveName]) -> None:
    if gone:
        session.emit("archives_deleted", archives=[entry.name for entry in gone])
    archive_ids = tuple(entry.id for entry in gone if not entry.is_checkpoint)
    if archive_ids:
        session.context.ledger.tell(
            ArchivesDeleted(
                at=session.context.clock.now(),
                repository=session.repository.name,
                repository_id=session.repository_id,
                archive_ids=archive_ids,
            )
        )


def _compact(session: RepositorySession) -> str:
    """Free the space of what was deleted; gives what went wrong, if anything did."""
    wait = session.context.lock_wait_seconds
    result = session.run_stage(StageName.COMPACT, compact_arguments(session.access.location, lock_wait_seconds=wait))
    if result.is_success or result.cancelled:
        return ""
    return f"Space could not be freed: {session.failure(result, 'compact')}"


__all__ = ["Retained", "deletable", "leftovers", "retain"]
