# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes are values: what would be done to one host, in order, each with its reason."""

from __future__ import annotations

import hashlib
from enum import Enum

from fleetkeep.model.base import Model


class Action(str, Enum):
    """What a change does."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


class Kind(str, Enum):
    """What a change is about, in the order in which things need each other."""

    ACCOUNT = "account"
    ACCESS = "access"
    SSHD = "sshd"
    IDENTITY = "key"
    HOST_KEY = "host key"
    PASSPHRASE = "passphrase"  # noqa: S105 - the name of a kind, not a secret
    REPOSITORY = "repository"
    JOB = "job"
    UNIT = "unit"
    TIMER = "timer"


class FieldChange(Model):
    """One value inside a changed thing."""

    path: str
    """Where in it, such as `retention.daily`."""

    before: str | None = None
    """What it was; nothing when it is new."""

    after: str | None = None
    """What it becomes; nothing when it goes."""


class Change(Model):
    """One step of a plan."""

    action: Action
    """What it does."""

    kind: Kind
    """What it is about."""

    name: str
    """The declared name, or the unit's name."""

    summary: str = ""
    """What a person wants to know of it in the plan's line."""

    reason: str = ""
    """Why it is needed, when that is not plain: `edited on this host`, say."""

    fields: tuple[FieldChange, ...] = ()
    """The values that differ."""

    path: str = ""
    """The file it writes or removes, below the prefix; empty when there is none."""

    before: str = ""
    """The file's text before; never a secret."""

    after: str = ""
    """The file's text after; never a secret."""


class Orphan(Model):
    """A repository that is declared no longer: it stays, with every archive, until a person removes it."""

    name: str
    """The name under which it was declared."""

    location: str
    """Where it is."""

    id: str
    """Borg's id of it."""


class Plan(Model):
    """The ordered changes between the actual and the desired state of one client."""

    client: str
    """The client's name in the inventory."""

    changes: tuple[Change, ...] = ()
    """In the order in which they are carried out."""

    orphans: tuple[Orphan, ...] = ()
    """Repositories that stay although nothing declares them."""

    jobs_before: int = 0
    """How many jobs the host has now."""

    @property
    def digest(self) -> str:
        """SHA-256 of the plan, in hexadecimal: two equal plans have one digest."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()

    def count(self, action: Action) -> int:
        """How many changes there are of one action."""
        return sum(change.action is action for change in self.changes)

    def removed_jobs(self) -> list[str]:
        """The names of the jobs that the plan removes."""
        return [c.name for c in self.changes if c.kind is Kind.JOB and c.action is Action.DELETE]


__all__ = ["Action", "Change", "FieldChange", "Kind", "Orphan", "Plan"]
