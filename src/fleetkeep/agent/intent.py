# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run is about to delete, noted before it does: one that is killed in between leaves nobody a riddle.

Without the note, the next run would find archives gone of which nobody here told that they were deleted, and would
have to suspect somebody else.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pydantic import ValidationError

from fleetkeep.model.base import Model

from .files import remove_file, write_file


class Intent(Model):
    """Archives of one repository that a run of a job is about to delete."""

    repository_id: str
    """Borg's id of the repository."""

    archive_ids: tuple[str, ...] = ()
    """Borg's ids of the archives."""


def intended(path: Path, repository_id: str) -> frozenset[str]:
    """The archives whose deletion was begun and not told; none where the note is lost or of another repository."""
    try:
        intent = Intent.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return frozenset()
    return frozenset(intent.archive_ids) if intent.repository_id == repository_id else frozenset()


def intend(path: Path, repository_id: str, archive_ids: Iterable[str]) -> None:
    """Note archives before they are deleted, beside those that were noted before. Raises ``OSError``."""
    ids = intended(path, repository_id) | set(archive_ids)
    write_file(path, Intent(repository_id=repository_id, archive_ids=tuple(sorted(ids))).model_dump_json() + "\n")


def forget(path: Path, repository_id: str, archive_ids: Iterable[str]) -> None:
    """Take archives out of the note: it was told what became of them. Raises ``OSError``."""
    left = intended(path, repository_id) - set(archive_ids)
    if left:
        write_file(path, Intent(repository_id=repository_id, archive_ids=tuple(sorted(left))).model_dump_json() + "\n")
    else:
        remove_file(path)


__all__ = ["Intent", "forget", "intend", "intended"]
