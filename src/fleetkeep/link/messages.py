# SPDX-License-Identifier: GPL-3.0-or-later
"""What an agent tells its Director. Each message goes through the spool and is delivered at least once, in order;
the Director applies each (client, token) once."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from fleetkeep.model import ArchiveFacts, DesiredState, Drill, Outcome, Run
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


class RunFinished(Model):
    """A run ended."""

    kind: Literal["run_finished"] = "run_finished"
    run: Run


class DrillFinished(Model):
    """A drill ended."""

    kind: Literal["drill_finished"] = "drill_finished"
    drill: Drill


Message = Annotated[
    StateApplied | RunStarted | ArchiveReceived | ArchivesDeleted | RunFinished | DrillFinished,
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
    "ArchiveReceived",
    "ArchivesDeleted",
    "DrillFinished",
    "Envelope",
    "Message",
    "RunFinished",
    "RunStarted",
    "StateApplied",
]
