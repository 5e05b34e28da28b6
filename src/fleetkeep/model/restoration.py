# SPDX-License-Identifier: GPL-3.0-or-later
"""Restores that were done: who brought what back, when, and where to."""

from __future__ import annotations

from pydantic import AwareDatetime

from .base import Model, Name
from .run import Outcome


class Restoration(Model):
    """A restore, as it is recorded; also one that was stopped on its way."""

    id: str
    """Its identifier."""

    client: str
    """The client on which it was done."""

    repository: Name
    """The declared name of the repository that it read."""

    archive_id: str
    """Borg's id of the archive."""

    archive_name: str
    """The name of the archive."""

    user: str
    """Who did it, as the host knows the user; with sudo, the one who called it."""

    started_at: AwareDatetime
    """When it began."""

    finished_at: AwareDatetime
    """When it ended."""

    form: str
    """What it made: `folder`, `tar`, `zip` or `file`."""

    target: str
    """The folder below which it wrote, `/` for the original place; of a stream its file, `-` for standard output."""

    asked: tuple[str, ...] = ()
    """Paths and patterns that were asked for, the first 100; none means all."""

    outcome: Outcome
    """`succeeded`; `warning` when some paths could not be restored as they were; `failed` when some differ from the
    archive, or when it was stopped; `cancelled` when somebody asked for that."""

    reason: str = ""
    """Why it was stopped."""

    files: int = 0
    """How many regular files it wrote; 0 when it was stopped."""

    size_bytes: int = 0
    """The size of their content."""

    report_sha256: str = ""
    """The hash of its report, which names each path with its own; empty where none was asked for."""

    stream_sha256: str = ""
    """Of a stream, the hash of all that was written."""


__all__ = ["Restoration"]
