# SPDX-License-Identifier: GPL-3.0-or-later
"""Nouns for tests, complete and valid; a test names only what it is about."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from itertools import count
from typing import Any

from fleetkeep.link import ArchiveReceived, Envelope, Message, StateApplied
from fleetkeep.model import (
    ArchiveFacts,
    DesiredState,
    Drill,
    DrillFile,
    DrillKind,
    Job,
    Kit,
    Outcome,
    Point,
    Repository,
    RepositoryRun,
    Retention,
    Run,
    Schedule,
    SourcePath,
    Sources,
    Trigger,
    Verification,
    VerificationKind,
)

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=timezone.utc)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def at(text: str) -> datetime:
    """A moment in UTC from ``"2026-11-20T12:00"``."""
    return datetime.fromisoformat(text).replace(tzinfo=timezone.utc)


def make_archive(name: str = "system-1", **changes: Any) -> ArchiveFacts:
    """An archive whose id is made of its name and repository."""
    repository = changes.get("repository", "offsite")
    values: dict[str, Any] = {
        "id": f"{name}@{repository}".encode().hex().ljust(64, "0")[:64],
        "name": name,
        "repository": repository,
        "repository_id": repository.encode().hex().ljust(64, "f"),
        "started_at": NOW - MINUTE,
        "finished_at": NOW,
        "files": 10,
        "original_bytes": 1_000_000,
        "compressed_bytes": 400_000,
        "deduplicated_bytes": 1_000,
    }
    return ArchiveFacts(**values | changes)


def make_point(name: str = "system-1", **changes: Any) -> Point:
    """An archive with its receipt; changes of the archive itself go into ``archive``."""
    values: dict[str, Any] = {
        "archive": make_archive(name),
        "client": "web1",
        "job": "system",
        "run_id": "run-1",
        "received_at": NOW,
        "outcome": Outcome.SUCCEEDED,
    }
    return Point(**values | changes)


def make_part(repository: str = "offsite", **changes: Any) -> RepositoryRun:
    """What a run did in one repository."""
    return RepositoryRun(**{"repository": repository, "outcome": Outcome.SUCCEEDED} | changes)


def make_run(identity: str = "run-1", **changes: Any) -> Run:
    """A finished run of job ``system`` on ``web1``, started by hand."""
    values: dict[str, Any] = {
        "id": identity,
        "client": "web1",
        "job": "system",
        "trigger": Trigger.HAND,
        "outcome": Outcome.SUCCEEDED,
        "started_at": NOW - MINUTE,
        "finished_at": NOW,
    }
    return Run(**values | changes)


def make_job(name: str = "system", **changes: Any) -> Job:
    """A job due daily at 02:00 UTC."""
    values: dict[str, Any] = {
        "name": name,
        "sources": Sources(paths=(SourcePath(path="/etc"),)),
        "repositories": ("offsite",),
        "retention": Retention(daily=7),
        "schedule": Schedule(cron="0 2 * * *"),
    }
    return Job(**values | changes)


def make_state(*jobs: Job, client: str = "web1") -> DesiredState:
    """A desired state with these jobs and the repositories that they name."""
    names = sorted({name for job in jobs for name in job.repositories})
    return DesiredState(
        client=client,
        repositories={name: Repository(name=name, location=f"/srv/{name}") for name in names},
        jobs={job.name: job for job in jobs},
    )


def make_drill(identity: str = "drill-1", **changes: Any) -> Drill:
    """A drill that proved archive ``system-1``."""
    archive = make_archive()
    values: dict[str, Any] = {
        "id": identity,
        "client": "web1",
        "job": "system",
        "repository": "offsite",
        "archive_id": archive.id,
        "archive_name": archive.name,
        "started_at": NOW - MINUTE,
        "finished_at": NOW,
        "outcome": Outcome.SUCCEEDED,
        "sample_size": 1,
        "population": 10,
        "files": (DrillFile(path="etc/hosts", compared_with=DrillKind.LIVE, matches=True, sha256="ab" * 32),),
    }
    return Drill(**values | changes)


def make_kit_record(identity: str = "kit-1", **changes: Any) -> Kit:
    """A kit for repository ``offsite``."""
    values: dict[str, Any] = {
        "id": identity,
        "client": "web1",
        "repository": "offsite",
        "repository_id": b"offsite".hex().ljust(64, "f"),
        "made_at": NOW,
        "owner": "Grace",
        "place": "the safe",
        "fingerprint": "ab" * 32,
    }
    return Kit(**values | changes)


def make_verification(identity: str = "check-1", **changes: Any) -> Verification:
    """A check of the segments that found nothing wrong."""
    values: dict[str, Any] = {
        "id": identity,
        "client": "web1",
        "repository": "offsite",
        "kind": VerificationKind.REPOSITORY,
        "started_at": NOW - MINUTE,
        "finished_at": NOW,
        "outcome": Outcome.SUCCEEDED,
    }
    values |= changes
    if "started_at" not in changes:
        values["started_at"] = values["finished_at"] - MINUTE
    return Verification(**values)


class Sender:
    """A client that numbers what it says as its spool does."""

    def __init__(self, client: str = "web1") -> None:
        self.client = client
        self._sequence = count(1)

    def __call__(self, message: Message, **changes: Any) -> Envelope:
        sequence = next(self._sequence)
        values: dict[str, Any] = {
            "client": self.client,
            "sequence": sequence,
            "token": f"token-{sequence}",
            "recorded_at": NOW,
            "message": message,
        }
        return Envelope(**values | changes)


def received(archive: ArchiveFacts, **changes: Any) -> ArchiveReceived:
    """The message that an archive was made."""
    values: dict[str, Any] = {"job": "system", "run_id": "run-1", "outcome": Outcome.SUCCEEDED, "archive": archive}
    return ArchiveReceived(**values | changes)


def applied(*jobs: Job, at: datetime = NOW, client: str = "web1") -> StateApplied:
    """The message that a client was brought to a state with these jobs."""
    return StateApplied(at=at, state=make_state(*jobs, client=client))
