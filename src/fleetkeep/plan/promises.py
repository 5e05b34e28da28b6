# SPDX-License-Identifier: GPL-3.0-or-later
"""Which runs are to be expected: written down before they are due, so that a missed one is a fact and no guess."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from fleetkeep.model import PromiseState, Schedule

from .calendar import occurrences

#: How far ahead every expected run has its promise, and how many there are at least.
AHEAD, AT_LEAST = timedelta(hours=48), 2

#: Of a time in which nobody looked, this much is told: a clock that once stood years ahead promises no years of runs.
BACKLOG = timedelta(days=40)

#: A run may begin this much before its promise is due, because two clocks are never the same.
EARLY = timedelta(minutes=2)


@dataclass(frozen=True)
class Due:
    """An expected run."""

    due_at: datetime
    """When it is due, in UTC."""

    late_after: datetime
    """A run that begins later answers it late."""

    missed_after: datetime
    """Without an answer until then, it is missed: when the next is due, and not before it would be late."""


@dataclass(frozen=True)
class PromiseChange:
    """How promises that are not due yet differ from what the schedule says now."""

    make: tuple[Due, ...]
    withdraw: tuple[datetime, ...]


def grace_of(schedule: Schedule, interval: timedelta) -> timedelta:
    """How much later than due a run may begin and still be in time.

    The jitter, and beyond it an eighth of the time until the next run, at least 15 minutes and at most an hour: a host
    that boots slowly is not late, and a job of every few minutes is not excused for an hour.

    >>> grace_of(Schedule(cron="0 2 * * *", jitter="45m"), timedelta(days=1))
    datetime.timedelta(seconds=6300)
    """
    return schedule.jitter + min(max(timedelta(minutes=15), interval / 8), timedelta(hours=1))


def plan_due(schedule: Schedule, after: datetime, now: datetime) -> list[Due]:
    """The runs due after a moment, up to ``AHEAD`` of now, and at least ``AT_LEAST`` that are still to come."""
    result: list[Due] = []
    moments = occurrences(schedule, after)
    due_at = next(moments, None)
    while due_at is not None and (due_at <= now + AHEAD or sum(due.due_at > now for due in result[-2:]) < AT_LEAST):
        following = next(moments, None)
        late_after = due_at + grace_of(schedule, following - due_at if following else AHEAD)
        result.append(Due(due_at, late_after, max(following or late_after, late_after)))
        due_at = following
    return result


def diff_promises(schedule: Schedule | None, coming: Collection[datetime], now: datetime) -> PromiseChange:
    """What to change so that the promises after now are those of the schedule.

    ``coming``: the due moments after now that are promised. They differ when the schedule was changed, or the rules of
    its time zone were.
    """
    wanted = {due.due_at: due for due in plan_due(schedule, now, now)} if schedule else {}
    # What lies beyond was promised when the clock stood later; whether it is right shows when its time comes near.
    horizon = max([now + AHEAD, *wanted])
    known = [moment for moment in coming if schedule is None or moment <= horizon]
    return PromiseChange(
        make=tuple(due for moment, due in wanted.items() if moment not in coming),
        withdraw=tuple(sorted(moment for moment in known if moment not in wanted)),
    )


def answered_state(late_after: datetime, started_at: datetime) -> PromiseState:
    """What becomes of a promise that a run answers."""
    return PromiseState.LATE if started_at > late_after else PromiseState.KEPT


__all__ = [
    "AHEAD",
    "AT_LEAST",
    "BACKLOG",
    "EARLY",
    "Due",
    "PromiseChange",
    "answered_state",
    "diff_promises",
    "grace_of",
    "plan_due",
]
