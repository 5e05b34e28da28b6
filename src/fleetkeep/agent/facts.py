# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts of the last good run of a job: what the source guard, the plausibility check and the progress bar compare with.

Losing them is no error: the next good run writes new ones.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from pydantic import AwareDatetime, ValidationError

from fleetkeep.model import Sources
from fleetkeep.model.base import Model, Name
from fleetkeep.plan.outcome import Size

from .files import write_file
from .paths import Paths


class Mount(Model):
    """A mounted file system."""

    point: str
    """Where it is mounted."""

    kind: str
    """Its type, such as ``ext4``."""

    source: str
    """What is mounted, such as ``/dev/sda1`` or ``server:/export``."""


class RepositoryFacts(Model):
    """What the last good archive in one repository was like."""

    files: int
    original_bytes: int
    duration_seconds: float
    """How long ``borg create`` took."""

    @property
    def size(self) -> Size:
        return Size(self.files, self.original_bytes)


class RunFacts(Model):
    """The last good run of a job."""

    finished_at: AwareDatetime
    """When it ended."""

    sources_digest: str
    """The digest of the sources as they were declared then; sizes of other sources are not comparable."""

    mounts: dict[str, Mount] = {}
    """The mount that each source path was on."""

    repositories: dict[Name, RepositoryFacts] = {}
    """By repository."""


def digest_of(sources: Sources) -> str:
    """SHA-256 of the declared sources, in hexadecimal."""
    return hashlib.sha256(sources.model_dump_json().encode()).hexdigest()


def load_facts(paths: Paths, job: str) -> RunFacts | None:
    """The facts of the last good run, or ``None`` where there are none that can be read."""
    try:
        return RunFacts.model_validate_json(paths.facts(job).read_bytes())
    except (OSError, ValidationError):
        return None


def write_facts(paths: Paths, job: str, facts: RunFacts) -> None:
    """Remember the facts of a good run. Raises ``OSError``."""
    write_file(paths.facts(job), facts.model_dump_json(indent=2))


def merge_facts(before: RunFacts | None, now: RunFacts, left_out: Sequence[str] = ()) -> RunFacts:
    """New facts, with what is still true of the old ones: repositories that this run did not reach.

    The mounts of sources that were ``left_out`` this time stay the ones to compare with.
    """
    if before is None:
        return now
    mounts = {path: mount for path, mount in before.mounts.items() if path in left_out}
    repositories = before.repositories if before.sources_digest == now.sources_digest else {}
    return now.model_copy(update={"mounts": now.mounts | mounts, "repositories": {**repositories, **now.repositories}})


__all__ = ["Mount", "RepositoryFacts", "RunFacts", "digest_of", "load_facts", "merge_facts", "write_facts"]
