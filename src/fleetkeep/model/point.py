# SPDX-License-Identifier: GPL-3.0-or-later
"""Archives as the catalog remembers them, what retention says of them, and what proved them."""

from __future__ import annotations

from enum import Enum

from pydantic import AwareDatetime, Field

from .assertion import AssertionResult
from .base import Model, Name
from .retention import Retention
from .run import ArchiveFacts, Outcome
from .verification import PointCheck


class ReceiptKind(str, Enum):
    """How we came to know an archive."""

    RECEIVED = "received"
    """Its client told us when it was made; the time is ours."""

    REBUILT = "rebuilt"
    """It was found in its repository when the catalog was rebuilt; the time is the archive's own, never a later one
    than that of the finding."""


class Point(Model):
    """An archive with its receipt: something to restore."""

    archive: ArchiveFacts
    """What was known of it when it was made."""

    client: str
    """The client whose files it holds."""

    job: Name
    """The job that made it."""

    run_id: str
    """The run that made it."""

    received_at: AwareDatetime
    """When we recorded it; retention counts from this and never from the archive's own time."""

    receipt: ReceiptKind = ReceiptKind.RECEIVED
    """How we came to know it."""

    outcome: Outcome
    """How its making ended."""

    deleted_at: AwareDatetime | None = None
    """When it was deleted, if it was."""

    proven_at: AwareDatetime | None = None
    """When a drill last proved it; without one it is unproven."""

    checks: tuple[PointCheck, ...] = ()
    """The last result of each kind of check of it; none where it was never checked, or nobody asked."""


class ListedArchive(Model):
    """An archive as its repository lists it now."""

    id: str
    """Borg's archive id."""

    name: str
    """Its name."""


class DeletionRequest(Model):
    """The question of an agent: what of this repository may go?"""

    client: str
    """The client that asks."""

    job: Name
    """The job whose retention applies."""

    repository: Name
    """The repository."""

    retention: Retention
    """The rules."""

    timezone: str = "UTC"
    """The time zone in which days and weeks begin."""

    listed: tuple[ListedArchive, ...]
    """What the repository lists now."""


class Deletion(Model):
    """One archive to delete, by exact name and id."""

    archive: ListedArchive
    """Which."""

    reason: str
    """Why, in one sentence."""


class Keeping(Model):
    """One archive that stays."""

    archive: ListedArchive
    """Which."""

    reasons: tuple[str, ...]
    """The rules that keep it, such as `daily 3 of 7`."""


class DeletionPlan(Model):
    """The answer: what goes, what stays and why."""

    delete: tuple[Deletion, ...] = ()
    """What may be deleted."""

    keep: tuple[Keeping, ...] = ()
    """What stays."""

    without_receipt: tuple[ListedArchive, ...] = ()
    """Archives that we never received: reported, never counted, never deleted."""


class IndexRequest(Model):
    """The question of an agent: what of this repository does the catalog not know yet?"""

    client: str
    """The client that asks."""

    job: Name
    """The job whose archives are meant."""

    repository: Name
    """The repository."""

    repository_id: str
    """Borg's id of it."""


class IndexOrder(Model):
    """The answer: which archives to tell, and what they are compared with."""

    base: str | None = None
    """The newest archive whose files are all known, by its id; the next one may tell only what differs from it."""

    wanted: tuple[str, ...] = ()
    """The ids of archives whose files are not known, in the order in which they must be told."""

    known: tuple[ListedArchive, ...] = ()
    """All archives of the client in this repository that are thought to exist."""

    is_blank: bool = False
    """Whether no file of the job's archives there is known, as before the first run and after the loss of a catalog.
    Then archives that a run of the job made count as well where nobody heard of them."""

    interrupted: tuple[str, ...] = ()
    """The ids of runs of the job that ended without a word about what they made there, the newest first. An archive
    that one of them made counts as well."""


class DrillKind(str, Enum):
    """What a drilled file was compared with."""

    LIVE = "live"
    ARCHIVE = "archive"


class DrillFile(Model):
    """One file that a drill restored and compared."""

    path: str
    """The path in the archive, without a leading slash; what is no UTF-8 in it is escaped."""

    compared_with: DrillKind
    """The live source, or the archive's own content hash where the source changed since."""

    matches: bool
    """Whether the SHA-256 of both are the same."""

    sha256: str = ""
    """The SHA-256 of the restored content, in hexadecimal."""


class Drill(Model):
    """A restore done to prove a point."""

    id: str
    """Its identifier."""

    client: str
    """The client that did it."""

    job: Name
    """The job whose point it proved."""

    repository: Name
    """The repository it restored from."""

    archive_id: str
    """The archive it restored."""

    archive_name: str
    """Its name."""

    started_at: AwareDatetime
    """When it began."""

    finished_at: AwareDatetime
    """When it ended."""

    outcome: Outcome
    """`succeeded` when every file matched."""

    reason: str = ""
    """Why, when it is not `succeeded`."""

    sample_size: int = Field(ge=0)
    """How many files were restored and compared."""

    population: int = Field(ge=0)
    """How many regular files the archive holds."""

    left_out: int = 0
    """How many files could not be sampled because their names cannot be listed faithfully."""

    sample_bytes: int = 0
    """How much was restored."""

    seed: str = ""
    """What the random choice was made from; the same seed chooses the same files of the archive again."""

    files: tuple[DrillFile, ...] = ()
    """The files, those that did not match first; at most 1,000."""

    assertions: tuple[AssertionResult, ...] = ()
    """What was declared to hold, and what came of it."""


class PromiseState(str, Enum):
    """What became of an expected run."""

    OPEN = "open"
    """Not yet due, or due and still within its grace."""

    KEPT = "kept"
    """A run answered it."""

    LATE = "late"
    """A run answered it after its grace."""

    MISSED = "missed"
    """No run answered it before the next was due."""

    WITHDRAWN = "withdrawn"
    """The schedule changed before it was due."""


class Promise(Model):
    """A run that is due at a time."""

    client: str
    job: Name
    due_at: AwareDatetime
    state: PromiseState = PromiseState.OPEN
    run_id: str | None = None


__all__ = [
    "Deletion",
    "DeletionPlan",
    "DeletionRequest",
    "Drill",
    "DrillFile",
    "DrillKind",
    "IndexOrder",
    "IndexRequest",
    "Keeping",
    "ListedArchive",
    "Point",
    "Promise",
    "PromiseState",
    "ReceiptKind",
]
