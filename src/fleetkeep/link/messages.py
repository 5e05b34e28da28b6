# SPDX-License-Identifier: GPL-3.0-or-later
"""What an agent tells its Director. Each message goes through the spool and is delivered at least once, in order;
the Director applies each (client, token) once."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from fleetkeep.model import ArchiveFacts, DesiredState, Drill, Kit, KitProof, Outcome, Restoration, Run, Verification
from fleetkeep.model.base import Model, Name


class StateApplied(Model):
    """The client was brought to this desired state."""

    kind: Literal["state_applied"] = "state_applied"
    at: AwareDatetime
    state: DesiredState
    repository_ids: dict[Name, str] = {}
    """Borg's id of each repository that is known, by its declared name."""


class RunStarted(Model):
    """A run began; ``run.outcome`` is ``running``."""

    kind: Literal["run_started"] = "run_started"
    run: Run


class ArchiveReceived(Model):
    """An archive was made and is listed by its repository. The Director's time of recording it is its receipt."""

    kind: Literal["archive_received"] = "archive_received"
    job: Name
    run_id: str
    outcome: Outcome
    archive: ArchiveFacts


class ArchivesDeleted(Model):
    """Archives were deleted by a deletion plan."""

    kind: Literal["archives_deleted"] = "archives_deleted"
    at: AwareDatetime
    repository: Name
    repository_id: str
    archive_ids: tuple[str, ...]


class ArchivesVanished(Model):
    """Archives are not listed any more, though no deletion plan let them go."""

    kind: Literal["archives_vanished"] = "archives_vanished"
    at: AwareDatetime
    repository: Name
    repository_id: str
    archive_ids: tuple[str, ...]


class ArchiveFound(Model):
    """An archive was found in its repository, of which the Director may never have heard."""

    kind: Literal["archive_found"] = "archive_found"
    job: Name
    run_id: str
    archive: ArchiveFacts


class FilesIndexed(Model):
    """A part of what is in an archive; the parts of one archive come in their order."""

    kind: Literal["files_indexed"] = "files_indexed"
    job: Name
    repository: Name
    repository_id: str
    archive_id: str
    base: str | None = None
    """The archive, by its id, from which the lines lead to this one; without one they are a whole listing."""

    attempt: str
    """Names this telling of the archive; the first part of another one makes it begin anew."""

    part: int = Field(ge=1)
    """The number of the part, from 1 on."""

    lines: str = ""
    """What is there and what is gone, see ``link.files``."""

    entries: int | None = Field(default=None, ge=0)
    """How many entries the archive has; the last part says it."""


class RunFinished(Model):
    """A run ended."""

    kind: Literal["run_finished"] = "run_finished"
    run: Run


class DrillFinished(Model):
    """A drill ended."""

    kind: Literal["drill_finished"] = "drill_finished"
    drill: Drill


class KitMade(Model):
    """A recovery kit was made; those of the same repository with another key are stale from then on."""

    kind: Literal["kit_made"] = "kit_made"
    kit: Kit


class KitTested(Model):
    """A recovery kit was tested against its repository."""

    kind: Literal["kit_tested"] = "kit_tested"
    proof: KitProof


class KeyChanged(Model):
    """The key of a repository was encrypted with another passphrase; kits with another fingerprint are stale."""

    kind: Literal["key_changed"] = "key_changed"
    at: AwareDatetime
    repository: Name
    repository_id: str
    fingerprint: str


class VerificationFinished(Model):
    """A check or comparison ended, or a part of one."""

    kind: Literal["verification_finished"] = "verification_finished"
    verification: Verification


class RestoreFinished(Model):
    """A restore ended, or was stopped after it began."""

    kind: Literal["restore_finished"] = "restore_finished"
    restoration: Restoration


Message = Annotated[
    StateApplied
    | RunStarted
    | ArchiveReceived
    | ArchivesDeleted
    | ArchivesVanished
    | ArchiveFound
    | FilesIndexed
    | RunFinished
    | DrillFinished
    | KitMade
    | KitTested
    | KeyChanged
    | VerificationFinished
    | RestoreFinished,
    Field(discriminator="kind"),
]


class Envelope(Model):
    """A message on its way: who, which one, when."""

    client: str
    """The client that says it."""

    sequence: int = Field(ge=1)
    """The spool's number of it; rises by one, never used twice in one spool."""

    token: str
    """A random identifier, so that a restored or reset spool can never hide a message behind an old number."""

    recorded_at: AwareDatetime
    """When the client's clock said it was written down."""

    message: Message
    """What is said."""


__all__ = [
    "ArchiveFound",
    "ArchiveReceived",
    "ArchivesDeleted",
    "ArchivesVanished",
    "DrillFinished",
    "Envelope",
    "FilesIndexed",
    "KeyChanged",
    "KitMade",
    "KitTested",
    "Message",
    "RestoreFinished",
    "RunFinished",
    "RunStarted",
    "StateApplied",
    "VerificationFinished",
]
