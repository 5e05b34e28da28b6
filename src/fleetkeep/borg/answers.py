# SPDX-License-Identifier: GPL-3.0-or-later
"""What borg prints with ``--json``: of an archive (``create``, ``info``) and of a repository (``list``); pure.

Source: captured output of Borg 1.4.5.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fleetkeep.clock import UTC

_CHECKPOINT = re.compile(r"\.checkpoint(\.\d+)?$")


@dataclass(frozen=True)
class ArchiveName:
    """An archive as a repository lists it."""

    id: str
    name: str

    @property
    def is_checkpoint(self) -> bool:
        """Whether it is what an interrupted backup left, to be continued by the next."""
        return bool(_CHECKPOINT.search(self.name))


@dataclass(frozen=True)
class ArchiveAnswer:
    """An archive as ``borg create`` and ``borg info`` describe it."""

    id: str
    name: str
    repository_id: str
    started_at: datetime
    finished_at: datetime
    files: int
    original_bytes: int
    compressed_bytes: int
    deduplicated_bytes: int


def parse_archive(output: bytes) -> ArchiveAnswer | None:
    """What the output of ``borg create --json`` or ``borg info --json REPOSITORY::ARCHIVE`` says of the archive.

    ``None`` when it is not such an output. Borg ran with ``TZ=UTC``: its times have no zone.
    """
    try:
        content = json.loads(output)
        archive = content["archive"] if "archive" in content else content["archives"][0]
        statistics = archive["stats"]
        return ArchiveAnswer(
            id=str(archive["id"]),
            name=str(archive["name"]),
            repository_id=str(content["repository"]["id"]),
            started_at=_moment(archive["start"]),
            finished_at=_moment(archive["end"]),
            files=int(statistics["nfiles"]),
            original_bytes=int(statistics["original_size"]),
            compressed_bytes=int(statistics["compressed_size"]),
            deduplicated_bytes=int(statistics["deduplicated_size"]),
        )
    except (ValueError, KeyError, TypeError, IndexError, RecursionError):
        return None


def parse_listing(output: bytes) -> tuple[ArchiveName, ...] | None:
    """The archives in the output of ``borg list --json REPOSITORY``; ``None`` when it is not such an output.

    >>> parse_listing(b'{"archives": [{"id": "4788", "name": "a1", "start": "2026-11-21T22:00:27.000000"}]}')
    (ArchiveName(id='4788', name='a1'),)
    """
    try:
        return tuple(ArchiveName(str(entry["id"]), str(entry["name"])) for entry in json.loads(output)["archives"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


@dataclass(frozen=True)
class RepositoryAnswer:
    """A repository as ``borg list`` describes it."""

    id: str
    encryption: str
    archives: tuple[ArchiveName, ...]
    """The oldest first, by their own times."""


def parse_repository(output: bytes) -> RepositoryAnswer | None:
    """What ``borg list --json REPOSITORY`` says of the repository and its archives; ``None`` when it says nothing."""
    archives = parse_listing(output)
    if archives is None:
        return None
    try:
        content = json.loads(output)
        return RepositoryAnswer(str(content["repository"]["id"]), str(content["encryption"]["mode"]), archives)
    except (KeyError, TypeError):
        return None


def _moment(text: Any) -> datetime:
    return datetime.fromisoformat(str(text)).replace(tzinfo=UTC)


__all__ = [
    "ArchiveAnswer",
    "ArchiveName",
    "RepositoryAnswer",
    "parse_archive",
    "parse_listing",
    "parse_repository",
]
