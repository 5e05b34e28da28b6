# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks and comparisons: what was looked at, what was found, and when."""

from __future__ import annotations

from enum import Enum

from pydantic import AwareDatetime

from .base import Model, Name
from .run import Outcome

EvidenceValue = bool | int | str | tuple[str, ...]
"""A count, a word, or a list of words such as paths; none of it can drive a terminal."""


class VerificationKind(str, Enum):
    """What was verified."""

    REPOSITORY = "repository"
    """The segments of a repository, by Borg's own check."""

    ARCHIVE = "archive"
    """The metadata of an archive, by Borg's own check."""

    DATA = "data"
    """The content of an archive: every chunk read, decrypted and compared with its id."""

    CATALOG = "catalog"
    """An archive against what the catalog says of it."""

    DISK = "disk"
    """Live files against what the catalog says of an archive."""

    SPOT = "spot"
    """A sample of live files against the content of an archive."""

    KIT = "kit"
    """A recovery kit against the repository that it should open."""


class Verification(Model):
    """A check or a comparison, with its result and its evidence."""

    id: str
    """Its identifier."""

    client: str
    """The client that did it."""

    repository: Name
    """The repository that it looked at."""

    kind: VerificationKind
    """What was verified."""

    archive_id: str = ""
    """Borg's id of the archive that it looked at; empty when it is about the repository as a whole."""

    archive_name: str = ""
    """The name of that archive."""

    started_at: AwareDatetime
    """When it began."""

    finished_at: AwareDatetime
    """When it ended."""

    outcome: Outcome
    """`succeeded` when all is as it should be; `warning` when it only found what may be so; else `failed`."""

    reason: str = ""
    """Why, when it is not `succeeded`."""

    is_complete: bool = True
    """False for a part: its time was over, and the next one goes on where it ended."""

    evidence: dict[str, EvidenceValue] = {}
    """What was counted and found, by name."""

    def count(self, name: str) -> int:
        """A number of the evidence; 0 when it has none of this name."""
        value = self.evidence.get(name, 0)
        return value if isinstance(value, int) else 0

    def words(self, name: str) -> tuple[str, ...]:
        """A list of the evidence; empty when it has none of this name."""
        value = self.evidence.get(name, ())
        return value if isinstance(value, tuple) else ()


class PointCheck(Model):
    """The last result of one kind of verification of an archive."""

    kind: VerificationKind
    """What was verified."""

    at: AwareDatetime
    """When it ended."""

    outcome: Outcome
    """How it ended."""


__all__ = ["EvidenceValue", "PointCheck", "Verification", "VerificationKind"]
