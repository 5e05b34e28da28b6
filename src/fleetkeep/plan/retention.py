# SPDX-License-Identifier: GPL-3.0-or-later
"""Which archives may go: decided from the order and times in which we received them.

The laws of this file:

- An archive's own time is never read. A client can forge it, and seven future-dated archives would otherwise push every
  real one out of ``daily: 7``.
- An archive without a receipt is reported, never counted, never deleted.
- The order of recording says which archive is newer, so that a clock that was wrong for a day cannot make the archive
  of today look old. A receipt that lies in the future is kept and not counted.
- Whatever the rules say, these stay: the newest archive, the newest that succeeded, the newest that a drill proved,
  and ``minimum``.

The counting rules give the verdicts of ``borg prune`` for the same moments: a finer rule chooses first, what it keeps
does not count for a coarser one, and a rule that is not used up keeps the oldest archive as well.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from fleetkeep.model import Deletion, DeletionPlan, DeletionRequest, Keeping, Outcome, Point, Retention
from fleetkeep.model.base import render_duration
from fleetkeep.model.retention import PERIODS

#: Why archives stay, by archive id.
Reasons = dict[str, tuple[str, ...]]

#: The period that a moment lies in; two archives of one period compete for one place.
_PERIOD_OF: dict[str, Callable[[datetime], Hashable]] = {
    "hourly": lambda moment: (moment.date(), moment.hour, moment.utcoffset()),
    "daily": lambda moment: moment.date(),
    "weekly": lambda moment: tuple(moment.isocalendar())[:2],
    "monthly": lambda moment: (moment.year, moment.month),
    "quarterly": lambda moment: (moment.year, (moment.month - 1) // 3),
    "yearly": lambda moment: moment.year,
}


def plan_deletion(points: Sequence[Point], request: DeletionRequest, now: datetime) -> DeletionPlan:
    """What stays, what may go and why, for every archive that the repository lists.

    ``points``: receipts of the repository in the order of their recording, oldest first; those of other jobs and
    clients may be among them, they stay. What exists is said by ``request.listed`` alone, so a receipt whose archive is
    gone has no weight, and one that was reported as deleted but is listed counts.
    ``now``: aware; the clock that also wrote the receipts.
    """
    received = _received(points, request)
    own = [point for point in reversed(received.values()) if _is_own(point, request)]
    reasons = _reasons(own, request.retention, ZoneInfo(request.timezone), now)
    keep, delete, without_receipt = [], [], []
    for archive in request.listed:
        point = received.get(archive.id)
        if point is None or point.archive.name != archive.name:
            without_receipt.append(archive)
        elif not _is_own(point, request):
            keep.append(Keeping(archive=archive, reasons=(f"belongs to job {point.job} of {point.client}",)))
        elif point.archive.id in reasons:
            keep.append(Keeping(archive=archive, reasons=reasons[archive.id]))
        else:
            delete.append(Deletion(archive=archive, reason=_why_deleted(point, request)))
    return DeletionPlan(delete=tuple(delete), keep=tuple(keep), without_receipt=tuple(without_receipt))


def _received(points: Iterable[Point], request: DeletionRequest) -> dict[str, Point]:
    """The receipts of listed archives by id. A listed name that differs from the receipt's is no match.

    In a shared repository two clients may claim one archive; each is then asked as if it were its own.
    """
    listed = {(archive.id, archive.name) for archive in request.listed}
    matching = [
        point
        for point in points
        if point.archive.repository == request.repository and (point.archive.id, point.archive.name) in listed
    ]
    own = {point.archive.id: point for point in matching if _is_own(point, request)}
    return own | {point.archive.id: point for point in matching if point.archive.id not in own}


def _is_own(point: Point, request: DeletionRequest) -> bool:
    return (point.client, point.job) == (request.client, request.job)


def _reasons(newest_first: Sequence[Point], retention: Retention, zone: ZoneInfo, now: datetime) -> Reasons:
    """The reasons to keep, by archive id; what has none may go."""
    if retention.forever:
        return {point.archive.id: ("forever",) for point in newest_first}
    future = [point for point in newest_first if point.received_at > now]
    present = [point for point in newest_first if point.received_at <= now]
    counted = [point for point in present if point.outcome.is_good]
    kept: Reasons = {point.archive.id: ("received in the future, not counted",) for point in future}
    kept |= _within(present, retention, now)
    for rule in ("last", *PERIODS):
        kept |= _counted_rule(rule, getattr(retention, rule), counted, zone, kept)
    kept |= _guards(present, counted, kept)
    return kept | _minimum(counted, retention.minimum, kept)


def _within(present: Sequence[Point], retention: Retention, now: datetime) -> Reasons:
    if retention.within is None:
        return {}
    reason = f"within {render_duration(retention.within)}"
    return {point.archive.id: (reason,) for point in present if now - point.received_at <= retention.within}


def _counted_rule(rule: str, limit: int, newest_first: Sequence[Point], zone: ZoneInfo, kept: Reasons) -> Reasons:
    """What one rule keeps beyond ``kept``: the newest archive of each period, at most ``limit`` of them."""
    chosen: list[str] = []
    seen: set[Hashable] = set()
    for point in newest_first:
        if len(chosen) == limit:
            break
        period = _period(rule, point, zone)
        if period not in seen and point.archive.id not in kept:
            chosen.append(point.archive.id)
        seen.add(period)
    result: Reasons = {archive_id: (f"{rule} {place} of {limit}",) for place, archive_id in enumerate(chosen, 1)}
    oldest = newest_first[-1].archive.id if newest_first else ""
    if oldest and len(chosen) < limit and oldest not in kept and oldest not in result:
        result[oldest] = (f"{rule} {len(chosen) + 1} of {limit}, the oldest",)
    return result


def _period(rule: str, point: Point, zone: ZoneInfo) -> Hashable:
    if rule == "last":
        return point.archive.id
    return _PERIOD_OF[rule](point.received_at.astimezone(zone))


def _guards(present: Sequence[Point], counted: Sequence[Point], kept: Reasons) -> Reasons:
    """What stays although no rule keeps it."""
    found = {
        "newest": counted[:1],
        "newest that succeeded": [point for point in counted if point.outcome is Outcome.SUCCEEDED][:1],
        "newest proven": [point for point in present if point.proven_at is not None][:1],
        "no good archive is newer": _newer_than_good(present),
    }
    result: Reasons = {}
    for reason, points in found.items():
        for point in points:
            if point.archive.id not in kept:
                result[point.archive.id] = (*result.get(point.archive.id, ()), reason)
    return result


def _newer_than_good(present: Sequence[Point]) -> list[Point]:
    """Archives of failed runs that no good archive has replaced yet."""
    result = []
    for point in present:
        if point.outcome.is_good:
            break
        result.append(point)
    return result


def _minimum(counted: Sequence[Point], minimum: int, kept: Reasons) -> Reasons:
    """The newest of the others, until ``minimum`` good archives stay."""
    missing = minimum - sum(point.archive.id in kept for point in counted)
    spare = [point for point in counted if point.archive.id not in kept]
    return {point.archive.id: (f"minimum {minimum}",) for point in spare[: max(0, missing)]}


def _why_deleted(point: Point, request: DeletionRequest) -> str:
    moment = point.received_at.astimezone(ZoneInfo(request.timezone)).strftime("%Y-%m-%d %H:%M")
    if not point.outcome.is_good:
        return f"its run {point.outcome.value} (received {moment}), and a good archive is newer"
    return f"received {moment}, no longer kept by {render_retention(request.retention)}"


def render_retention(retention: Retention) -> str:
    """The rules in one line.

    >>> render_retention(Retention(daily=7, weekly=4))
    'daily 7, weekly 4'
    """
    if retention.forever:
        return "forever"
    parts = [f"within {render_duration(retention.within)}"] if retention.within else []
    parts += [f"{rule} {count}" for rule in ("last", *PERIODS) if (count := getattr(retention, rule))]
    parts += [f"minimum {retention.minimum}"] if retention.minimum > 1 else []
    return ", ".join(parts)


__all__ = ["plan_deletion", "render_retention"]
