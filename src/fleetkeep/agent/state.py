# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what was applied to this host; only ``apply`` writes it."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from fleetkeep.errors import (
    JournalUnreadable,
    NotAllowed,
    NothingApplied,
    StateUnreadable,
    UnknownJob,
    UnknownRepository,
)
from fleetkeep.model import DesiredState, Job, Owned, Repository

from .paths import Paths

ModelType = TypeVar("ModelType", bound=BaseModel)


def load_owned(paths: Paths) -> Owned:
    """The ownership journal; an empty one where nothing was applied yet.

    Raises ``JournalUnreadable``, ``NotAllowed``.
    """
    try:
        return _load(paths.owned, Owned, "the ownership journal") or Owned()
    except StateUnreadable as error:
        raise JournalUnreadable(path=paths.owned, reason=error.details["reason"]) from None


def load_desired(paths: Paths) -> DesiredState:
    """The desired state that was applied last. Raises ``NothingApplied``, ``StateUnreadable``."""
    desired = _load(paths.desired, DesiredState, "a desired state")
    if desired is None:
        raise NothingApplied(prefix=paths.prefix)
    return desired


def load_job(paths: Paths, name: str) -> Job:
    """One job of this host. Raises ``UnknownJob``, ``NothingApplied``, ``StateUnreadable``."""
    job = _load(paths.job(name), Job, "a job") if "/" not in name else None
    if job is None:
        known = sorted(load_desired(paths).jobs)
        raise UnknownJob(job=name, known=", ".join(known) or "none")
    return job


def load_jobs(paths: Paths) -> dict[str, Job]:
    """All jobs of this host by name; none where nothing was applied."""
    files = sorted(paths.job("any").parent.glob("*.json"))
    jobs = [_load(file, Job, "a job") for file in files]
    return {job.name: job for job in jobs if job is not None}


def load_repository(paths: Paths, name: str) -> Repository:
    """One repository of this host. Raises ``UnknownRepository``, ``NothingApplied``, ``StateUnreadable``."""
    repository = _load(paths.repository(name), Repository, "a repository") if "/" not in name else None
    if repository is None:
        known = sorted(load_desired(paths).repositories)
        raise UnknownRepository(repository=name, known=", ".join(known) or "none")
    return repository


def applied_repository(paths: Paths, name: str) -> Repository | None:
    """A repository as it was applied last, or ``None`` where that is missing or cannot be read."""
    try:
        return _load(paths.repository(name), Repository, "a repository")
    except StateUnreadable:
        return None


def repository_id(paths: Paths, name: str) -> str | None:
    """Borg's id of a repository as this host knows it, or ``None`` before it was created."""
    known = load_owned(paths).repositories.get(name)
    return known.id if known else None


def _load(path: Path, kind: type[ModelType], words: str) -> ModelType | None:
    """The model in a file, or ``None`` where there is no file."""
    try:
        return kind.model_validate_json(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except ValidationError as error:
        raise StateUnreadable(path=path, kind=words, reason=error.errors()[0]["msg"]) from None
    except PermissionError:
        raise NotAllowed(path=path) from None
    except OSError as error:
        raise StateUnreadable(path=path, kind=words, reason=error.strerror or str(error)) from None


__all__ = [
    "applied_repository",
    "load_desired",
    "load_job",
    "load_jobs",
    "load_owned",
    "load_repository",
    "repository_id",
]
