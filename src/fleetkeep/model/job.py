# SPDX-License-Identifier: GPL-3.0-or-later
"""A job as one client runs it: every reference resolved, every default filled in."""

from __future__ import annotations

from pydantic import Field

from .assertion import DrillRules
from .base import Duration, Model, Name
from .hook import Hooks
from .retention import Retention
from .schedule import Schedule
from .source import Sources


class Job(Model):
    """What is backed up, to where, when, and how long it is kept."""

    name: Name
    """The name it is declared by."""

    sources: Sources
    """What is backed up."""

    repositories: tuple[Name, ...] = Field(min_length=1)
    """The repositories that each run writes to, in parallel."""

    retention: Retention
    """Which archives stay."""

    schedule: Schedule | None = None
    """When it runs; without one, only by hand."""

    rpo: Duration | None = None
    """The recovery point objective: a good archive older than this needs a person."""

    compression: str = Field(default="zstd,3", pattern=r"^(auto,)?(none|lz4|(zstd|zlib|lzma)(,\d{1,2})?)$")
    """Borg's compression, such as `lz4`, `zstd,3` or `auto,zstd,9`."""

    hooks: Hooks = Hooks()
    """Commands before, after and on error of a run."""

    drill: DrillRules = DrillRules()
    """What a drill restores, and what must hold of it."""


__all__ = ["Job"]
