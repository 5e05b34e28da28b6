# SPDX-License-Identifier: GPL-3.0-or-later
"""What a check looks at next, and what its findings mean. The time of a budget is spent on what was proven least."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from fleetkeep.model import ListedArchive, Outcome, Point, Verification, VerificationKind

from .words import render_count, render_seconds

#: So many damaged paths, and so many messages of Borg, are kept as evidence.
NAMES_KEPT = 100

#: So many names are told in a reason.
NAMES_TOLD = 3

_NEVER = datetime.min.replace(tzinfo=timezone.utc)
_BEGAN_AT = re.compile(r"skipping to segments >= (\d+)")
_CHECKED_TO = re.compile(r"last segment checked is (\d+)|finished segment check at segment (-?\d+)")
_PARTLY = "finished partial segment check"


@dataclass(frozen=True)
class Round:
    """What the parts of a check have found since the last complete one."""

    position: int = 0
    """How many items of an archive were read."""

    reasons: tuple[str, ...] = ()
    """What was wrong in them."""

    damaged: tuple[str, ...] = ()
    """The paths that were damaged."""

    last_complete_at: datetime | None = None
    """When the last complete one ended, whatever it found."""


def open_round(past: Sequence[Verification], kind: VerificationKind, archive_id: str = "") -> Round:
    """How far the check of a repository or of an archive is.

    Arguments:
        past: Verifications of the repository, the newest first, from the last complete one of each kind on.
        kind: The kind of check.
        archive_id: The archive; empty for the repository as a whole.
    """
    mine = [one for one in past if (one.kind, one.archive_id) == (kind, archive_id)]
    parts = [one for one in mine if not one.is_complete]
    whole = next((one for one in mine if one.is_complete), None)
    return Round(
        position=parts[0].count("items_read") if parts else 0,
        reasons=tuple(dict.fromkeys(part.reason for part in reversed(parts) if part.outcome is Outcome.FAILED)),
        damaged=tuple(dict.fromkeys(path for part in reversed(parts) for path in part.words("damaged"))),
        last_complete_at=whole.finished_at if whole else None,
    )


def order_archives(points: Sequence[Point], past: Sequence[Verification], kind: VerificationKind) -> list[Point]:
    """The archives in the order in which they are checked: what was begun, what was never checked (the newest first),
    what was checked longest ago."""

    def rank(place_and_point: tuple[int, Point]) -> tuple[int, datetime, int]:
        place, point = place_and_point
        found = open_round(past, kind, point.archive.id)
        was_begun = found.position > 0 or bool(found.reasons)
        return (0 if was_begun else 1, found.last_complete_at or _NEVER, place)

    newest_first = sorted(points, key=lambda point: point.received_at, reverse=True)
    return [point for _, point in sorted(enumerate(newest_first), key=rank)]


@dataclass(frozen=True)
class Segments:
    """How far Borg's check of the segments came, by its own words."""

    first: int = 0
    last: int = -1
    is_complete: bool = True


def parse_segments(messages: Sequence[str]) -> Segments:
    """What Borg 1.4 says of a check of segments with ``--info``.

    >>> parse_segments(["skipping to segments >= 3", "finished partial segment check, last segment checked is 7"])
    Segments(first=3, last=7, is_complete=False)
    """
    began = next((match for match in map(_BEGAN_AT.search, messages) if match), None)
    ended = next((match for match in map(_CHECKED_TO.search, messages) if match), None)
    return Segments(
        first=int(began[1]) if began else 0,
        last=int(ended[1] or ended[2]) if ended else -1,
        is_complete=not any(_PARTLY in message for message in messages),
    )


def missing_archives(points: Sequence[Point], listed: Sequence[ListedArchive]) -> tuple[str, ...]:
    """The names of archives that were received and never deleted, but that the repository lists no longer."""
    there = {archive.id for archive in listed}
    return tuple(point.archive.name for point in points if point.archive.id not in there)


def named(paths: Sequence[str], noun: str, many: str = "") -> str:
    """A count of paths with the first of them.

    >>> named(["a", "b", "c", "d"], "file")
    '4 files (a, b, c and more)'
    """
    shown = ", ".join(paths[:NAMES_TOLD])
    return f"{render_count(len(paths), noun, many)} ({shown}{' and more' if len(paths) > NAMES_TOLD else ''})"


def render_check(check: Verification) -> str:
    """One result as a line for people; its names are harmless already."""
    took = render_seconds((check.finished_at - check.started_at).total_seconds())
    subject = f"archive {check.archive_name}" if check.archive_name else "segments"
    if check.outcome is Outcome.FAILED:
        return f"{check.repository}: {_of(check)} NOT sound: {check.reason}"
    if check.kind is VerificationKind.REPOSITORY:
        how_far = f"to segment {check.count('last_segment'):,}" if check.is_complete else _so_far(check)
        return f"{check.repository}: {subject} sound {how_far}, in {took}"
    if check.kind is VerificationKind.ARCHIVE:
        return f"{check.repository}: {_of(check)} sound, {render_count(check.count('items'), 'item')}, in {took}"
    read = f"{check.count('items_read'):,} of {render_count(check.count('items'), 'item')}"
    rest = "" if check.is_complete else "; the next call goes on there"
    return f"{check.repository}: {_of(check)} sound, {read}, in {took}{rest}"


def _of(check: Verification) -> str:
    if check.kind is VerificationKind.REPOSITORY:
        return "segments"
    return f"{'metadata' if check.kind is VerificationKind.ARCHIVE else 'content'} of {check.archive_name}"


def _so_far(check: Verification) -> str:
    first, last = check.count("first_segment"), check.count("last_segment")
    return f"from {first:,} to {last:,}; the next call goes on there"


__all__ = [
    "NAMES_KEPT",
    "Round",
    "Segments",
    "missing_archives",
    "named",
    "open_round",
    "order_archives",
    "parse_segments",
    "render_check",
]
