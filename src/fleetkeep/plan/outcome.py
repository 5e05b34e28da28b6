# SPDX-License-Identifier: GPL-3.0-or-later
"""How a backup really ended: exit code, listing and plausibility together; pure.

An exit code lies both ways: borg reports an error although the archive is there, and success although nothing
useful is in it. So an archive counts when the repository lists it, and it is trusted when its size is plausible.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fleetkeep.model import ListedArchive, Outcome

#: Less than this share of the last good run's files or bytes needs a person.
PLAUSIBLE_SHARE = 0.5


@dataclass(frozen=True)
class Size:
    """How much an archive holds."""

    files: int
    original_bytes: int


@dataclass(frozen=True)
class Evidence:
    """What is known after ``borg create`` and ``borg list``."""

    archive_name: str
    """The name that the archive was to have."""

    succeeded: bool
    """Whether the exit code is a success, perhaps with warnings."""

    warned: bool = False
    """Whether the exit code reports warnings."""

    cancelled: bool = False
    """Whether it was ended because somebody asked to."""

    failure: str = ""
    """The sentence about an exit code that is an error."""

    archive_id: str | None = None
    """The id that ``borg create`` reported."""

    listed: Sequence[ListedArchive] | None = None
    """What the repository lists; ``None`` when it could not be listed."""

    listing_failure: str = ""
    """The sentence about a listing that failed."""

    warning_count: int = 0
    """How many files were warned about."""

    last_warning: str = ""
    """Borg's last words of warning, if it warned about no file."""


@dataclass(frozen=True)
class Verdict:
    """How the backup ended in one repository."""

    outcome: Outcome
    reason: str = ""
    """Why, in one sentence, when it is not ``succeeded``."""

    archive_id: str | None = None
    """The id of the archive, if the repository lists it."""

    holds_retention: bool = False
    """Whether nothing may be deleted on the strength of this backup."""


def reconcile_outcome(evidence: Evidence) -> Verdict:
    """What exit code and listing say together."""
    if evidence.cancelled:
        return Verdict(Outcome.CANCELLED, "The run was cancelled.", holds_retention=True)
    if evidence.listed is None:
        return _failed(evidence.failure or _unconfirmed(evidence))
    found = next((entry for entry in evidence.listed if entry.name == evidence.archive_name), None)
    if found is None:
        return _failed(evidence.failure or f"borg reported success, but archive {evidence.archive_name} is not there.")
    if evidence.archive_id not in (None, found.id):
        return _failed(
            f"Archive {evidence.archive_name} is there with the id {found.id}, but borg made {evidence.archive_id}."
        )
    if not evidence.succeeded:
        reason = f"borg reported an error, but the archive is there: {evidence.failure}"
        return Verdict(Outcome.WARNING, reason, found.id, holds_retention=True)
    if evidence.warned:
        return Verdict(Outcome.WARNING, _warning_words(evidence), found.id)
    return Verdict(Outcome.SUCCEEDED, archive_id=found.id)


def judge_size(verdict: Verdict, size: Size, before: Size | None) -> Verdict:
    """The same verdict, or a warning that holds retention when the archive is empty or shrank by more than half.

    Arguments:
        verdict: What exit code and listing say; one that is not good stays as it is.
        size: What the archive holds.
        before: What the last good archive of the same sources held, if there is one.
    """
    doubt = _doubt(size, before)
    if not doubt or not verdict.outcome.is_good:
        return verdict
    reason = f"{doubt} {verdict.reason}".strip()
    return Verdict(Outcome.WARNING, reason, verdict.archive_id, holds_retention=True)


def _doubt(size: Size, before: Size | None) -> str:
    ending = "Nothing is deleted until a run with --accept-changes says that this is right."
    if size.files == 0 and (before is None or before.files):
        return f"The archive holds no file. {ending}"
    if before is None:
        return ""
    if size.files < before.files * PLAUSIBLE_SHARE:
        return f"The archive holds {size.files:,} files, the last good one {before.files:,}. {ending}"
    if size.original_bytes < before.original_bytes * PLAUSIBLE_SHARE:
        return f"The archive holds {size.original_bytes:,} bytes, the last good one {before.original_bytes:,}. {ending}"
    return ""


def _failed(reason: str) -> Verdict:
    return Verdict(Outcome.FAILED, reason, holds_retention=True)


def _unconfirmed(evidence: Evidence) -> str:
    return f"borg reported success, but the repository cannot be listed to confirm it: {evidence.listing_failure}"


def _warning_words(evidence: Evidence) -> str:
    if evidence.warning_count == 1:
        return "Borg warned about 1 file; everything else is in the archive."
    if evidence.warning_count:
        return f"Borg warned about {evidence.warning_count:,} files; everything else is in the archive."
    return f"Borg warned: {evidence.last_warning or 'it gave no reason'}"


__all__ = ["PLAUSIBLE_SHARE", "Evidence", "Size", "Verdict", "judge_size", "reconcile_outcome"]
