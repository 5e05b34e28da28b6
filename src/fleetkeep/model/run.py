# SPDX-License-Identifier: GPL-3.0-or-later
"""One execution of a job, with its outcome per repository and stage."""

from __future__ import annotations

from enum import Enum

from pydantic import AwareDatetime

from .base import Model, Name


class Outcome(str, Enum):
    """How something ended; ordered from good to bad by ``worst``."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    WARNING = "warning"
    SKIPPED = "skipped"
    MISSED = "missed"
    CANCELLED = "cancelled"
    FAILED = "failed"

    @property
    def is_good(self) -> bool:
        """Whether there is an archive that a person may count on."""
        return self in (Outcome.SUCCEEDED, Outcome.WARNING)


_SEVERITY = list(Outcome)


def worst(outcomes: list[Outcome]) -> Outcome:
    """The worst of some outcomes; ``skipped`` for none.

    >>> worst([Outcome.SUCCEEDED, Outcome.WARNING]).value
    'warning'
    """
    return max(outcomes, key=_SEVERITY.index, default=Outcome.SKIPPED)


class Trigger(str, Enum):
    """What started a run."""

    SCHEDULE = "schedule"
    HAND = "hand"
    CATCH_UP = "catch_up"
    ANSIBLE = "ansible"


class StageName(str, Enum):
    """The stages of a run, in their order."""

    GUARD = "guard"
    BEFORE = "before"
    CREATE = "create"
    RECONCILE = "reconcile"
    INDEX = "index"
    DELETE = "delete"
    COMPACT = "compact"
    ON_ERROR = "on_error"
    AFTER = "after"


class Stage(Model):
    """One step of a run."""

    name: StageName
    """Which step."""

    outcome: Outcome
    """How it ended."""

    reason: str = ""
    """Why, in one sentence, when it is not `succeeded`."""

    exit_code: int | None = None
    """The exit code of its process, if it was one."""

    duration_seconds: float = 0.0
    """How long it took."""


class FileWarning(Model):
    """One file that Borg warned about."""

    path: str
    """The path as Borg printed it; empty when the warning names none."""

    message: str
    """Borg's words."""

    code: str = ""
    """Borg's message id, such as `BackupPermissionError`."""


class ArchiveFacts(Model):
    """What is known of one archive at the time it was made."""

    id: str
    """Borg's archive id, 64 hexadecimal characters."""

    name: str
    """The archive's name in its repository."""

    repository: Name
    """The repository that holds it."""

    repository_id: str
    """Borg's id of that repository, 64 hexadecimal characters."""

    started_at: AwareDatetime
    """When the client's clock said it began."""

    finished_at: AwareDatetime
    """When the client's clock said it ended."""

    files: int
    """How many files it holds."""

    original_bytes: int
    """The size of its files."""

    compressed_bytes: int
    """Their size after compression."""

    deduplicated_bytes: int
    """What it added to the repository."""


class RepositoryRun(Model):
    """What a run did in one repository."""

    repository: Name
    """The repository."""

    outcome: Outcome
    """How it ended there."""

    reason: str = ""
    """Why, in one sentence, when it is not `succeeded`."""

    archive: ArchiveFacts | None = None
    """The archive that it made, if it is there."""

    stages: tuple[Stage, ...] = ()
    """Its steps in order."""

    warnings: tuple[FileWarning, ...] = ()
    """The files that Borg warned about, the first 1,000."""

    warning_count: int = 0
    """How many warnings there were in all."""

    deleted: tuple[str, ...] = ()
    """The names of the archives that retention deleted."""


class Run(Model):
    """One execution of a job."""

    id: str
    """Its identifier, twelve hexadecimal characters."""

    client: str
    """The client that ran it."""

    job: Name
    """The job."""

    trigger: Trigger
    """What started it."""

    outcome: Outcome
    """How it ended: the worst of its repositories and hooks."""

    reason: str = ""
    """Why, in one sentence, when it is not `succeeded`."""

    due_at: AwareDatetime | None = None
    """The moment it was due, if a schedule started it."""

    started_at: AwareDatetime
    """When it began."""

    finished_at: AwareDatetime | None = None
    """When it ended."""

    stages: tuple[Stage, ...] = ()
    """The steps that are not of one repository: guard and hooks."""

    repositories: tuple[RepositoryRun, ...] = ()
    """What it did in each repository."""


__all__ = [
    "ArchiveFacts",
    "FileWarning",
    "Outcome",
    "RepositoryRun",
    "Run",
    "Stage",
    "StageName",
    "Trigger",
    "worst",
]
