# SPDX-License-Identifier: GPL-3.0-or-later
"""The desired state: what the fleet files resolve to for one host."""

from __future__ import annotations

import hashlib
from enum import Enum
from typing import Literal

from pydantic import model_validator
from typing_extensions import Self

from .base import Model, Name
from .job import Job
from .repository import Repository
from .storage import Storage


class SchedulerChoice(str, Enum):
    """What starts the runs of a client."""

    AUTO = "auto"
    """systemd timers where systemd runs, else the agent's own scheduler."""

    SYSTEMD = "systemd"
    AGENT = "agent"


class DesiredState(Model):
    """Everything that one host should have; no secret is in it."""

    version: Literal[1] = 1
    """The version of this form."""

    client: str
    """The client's name in the inventory."""

    repositories: dict[Name, Repository] = {}
    """The repositories that the client's jobs use."""

    jobs: dict[Name, Job] = {}
    """The client's jobs."""

    storages: dict[Name, Storage] = {}
    """The storages that this host is."""

    scheduler: SchedulerChoice = SchedulerChoice.AUTO
    """What starts the runs."""

    @model_validator(mode="after")
    def _references_hold(self) -> Self:
        for job in self.jobs.values():
            for repository in job.repositories:
                if repository not in self.repositories:
                    raise ValueError(f"job {job.name} names repository {repository}, which the client does not have")
        return self

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical form, in hexadecimal: two states are equal when their digests are."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()


__all__ = ["DesiredState", "SchedulerChoice"]
