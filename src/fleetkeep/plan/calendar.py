# SPDX-License-Identifier: GPL-3.0-or-later
"""When a schedule comes due, as moments and as systemd timer lines.

The rule where clocks change, the same for every schedule and for both forms:

- a due minute that the clock skips comes due at the first valid minute after the gap;
- a due minute that the clock shows twice comes due at its first occurrence, and not again.

So a daily job runs exactly once on each local day. Minutes that become due together are one occurrence.
"""

from __future__ import annotations

import calendar
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from zoneinfo import ZoneInfo

from cronsim import CronSim

from fleetkeep.model import Schedule

UTC = timezone.utc
_MINUTE, _DAY = timedelta(minutes=1), timedelta(days=1)
_WEEKDAYS = ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat")

#: The years whose clock changes stand for all to come: after 28 years, dates fall on the same weekdays again.
_CYCLE = range(2026, 2054)


@dataclass(frozen=True)
class Gap:
    """A change of the clock that skips local time, as it recurs: these days of a month, on one weekday."""

    year: int | None
    """The year it happens in; ``None`` for every year."""

    month: int
    """1 is January."""

    days: tuple[int, ...]
    """The days of the month it can fall on."""

    weekday: int
    """0 is Sunday, as in cron."""

    begin: int
    """The first skipped minute of the local day."""

    end: int
    """The first valid minute after the gap, counted from the same midnight; 1440 is the next one."""

    offset: timedelta
    """How far the local clock is ahead of UTC after the gap."""


@dataclass(frozen=True)
class Days:
    """Days on which a schedule is due, as one systemd calendar expression can write them."""

    weekdays: frozenset[int] = frozenset(range(7))
    """0 is Sunday, as in cron."""

    days: frozenset[int] = frozenset(range(1, 32))
    """Days of the month."""

    from_end: tuple[int, ...] = ()
    """Days counted from the last of the month, which is 1; then ``days`` is not looked at."""


def occurrences(schedule: Schedule, after: datetime) -> Iterator[datetime]:
    """The moments strictly after ``after`` at which the schedule comes due, aware, in UTC, rising, without jitter.

    Ends only where the schedule itself does (50 years without a due day).
    """
    zone = ZoneInfo(schedule.timezone)
    last = after
    # One minute earlier, because a gap may end within a minute (the local mean times of before 1972).
    start = (after - _MINUTE).astimezone(zone).replace(tzinfo=None)
    for local in CronSim(schedule.cron, start):
        moment = _first_valid(local, zone)
        if moment > last:
            yield moment
            last = moment


def jitter_of(schedule: Schedule, client: str, job: str) -> timedelta:
    """By how much later this client starts this job: whole seconds up to the schedule's jitter, always the same.

    >>> jitter_of(Schedule(cron="0 2 * * *", jitter="45m"), "web1", "system")
    datetime.timedelta(seconds=27)
    """
    digest = hashlib.sha256(f"{client}\0{job}".encode()).digest()
    return timedelta(seconds=int.from_bytes(digest[:8], "big") % (int(schedule.jitter.total_seconds()) + 1))


def to_on_calendar(schedule: Schedule) -> list[str]:
    """The values of ``OnCalendar=`` that elapse when the schedule comes due, without jitter.

    >>> to_on_calendar(Schedule(cron="30 4 1 * 1-5"))
    ['Mon..Fri *-*-* 04:30:00 UTC', '*-*-01 04:30:00 UTC']

    systemd by itself skips a due minute that the clock skips; each such change of the clock that meets the schedule
    gets a line of its own, for the first valid minute:

    >>> to_on_calendar(Schedule(cron="30 2 * * *", timezone="Europe/Berlin"))
    ['*-*-* 02:30:00 Europe/Berlin', 'Sun *-03-25..31 01:00:00 UTC']

    Raises ``ValueError`` for a last weekday of the month (``5L``) that must also be one of certain days of the month.
    """
    cron = CronSim(schedule.cron, datetime(2026, 1, 1, tzinfo=UTC))
    choices = _choices(cron)
    months = "*" if len(cron.months) == 12 else _field(cron.months)
    clock = f"{_clock_field(cron.hours, 24)}:{_clock_field(cron.minutes, 60)}:00 {schedule.timezone}"
    lines = [f"{_date(choice, months)} {clock}" for choice in choices]
    for gap in _gaps(schedule.timezone):
        if gap.month in cron.months and _meets(gap, cron):
            lines += [line for choice in choices for line in _gap_lines(gap, choice)]
    return list(dict.fromkeys(lines))


# --- moments ---


def _first_valid(local: datetime, zone: ZoneInfo) -> datetime:
    """The first moment at which the local clock shows ``local``, or the first minute after a gap that hides it."""
    moment = local.replace(tzinfo=zone).astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) == local:
        return moment
    early, late = local.replace(tzinfo=zone, fold=1).astimezone(UTC), moment
    return _gap_end(early, late, zone)


def _gap_end(early: datetime, late: datetime, zone: ZoneInfo) -> datetime:
    """The first whole local minute at or after the change of the clock that lies between two moments."""
    before = early.astimezone(zone).utcoffset()
    while late - early > timedelta(seconds=1):
        middle = early + timedelta(seconds=(late - early) // timedelta(seconds=2))
        early, late = (middle, late) if middle.astimezone(zone).utcoffset() == before else (early, middle)
    seconds = late.astimezone(zone).second
    return late + timedelta(seconds=-seconds % 60)


# --- systemd ---


def _choices(cron: CronSim) -> list[Days]:
    """The due days as alternatives. Cron's two day fields both bind if one begins with a star, else either does."""
    month_days, weekdays = _month_days(cron), _weekdays(cron)
    if not cron.day_and:
        return weekdays + month_days
    return [both for first in month_days for second in weekdays if (both := _intersect(first, second))]


def _month_days(cron: CronSim) -> list[Days]:
    plain = frozenset(day for day in cron.days if isinstance(day, int) and day > 0)
    result = [Days(days=plain)] if plain else []
    if CronSim.LAST in cron.days:
        result.append(Days(from_end=(1,)))
    if CronSim.LAST_WEEKDAY in cron.days:
        result += [Days(weekdays=frozenset(range(1, 6)), from_end=(1,)), Days(frozenset({5}), from_end=(2, 3))]
    return result


def _weekdays(cron: CronSim) -> list[Days]:
    plain = frozenset(day % 7 for day in cron.weekdays if isinstance(day, int))
    result = [Days(weekdays=plain)] if plain else []
    for day in sorted(day for day in cron.weekdays if isinstance(day, tuple)):
        weekday, number = frozenset({day[0] % 7}), day[1]
        if number == CronSim.LAST:
            result.append(Days(weekdays=weekday, from_end=tuple(range(1, 8))))
        else:
            result.append(Days(weekdays=weekday, days=frozenset(range(7 * number - 6, min(7 * number, 31) + 1))))
    return result


def _intersect(first: Days, second: Days) -> Days | None:
    weekdays, days = first.weekdays & second.weekdays, first.days & second.days
    from_end = first.from_end or second.from_end
    if first.from_end and second.from_end:
        from_end = tuple(day for day in first.from_end if day in second.from_end)
    elif from_end and len(days) < 31:
        raise ValueError("days counted from the end of the month cannot be bound to other days of the month as well")
    return Days(weekdays, days, from_end) if weekdays and days else None


def _date(choice: Days, months: str) -> str:
    if choice.from_end:
        days = f"~{_field(choice.from_end)}"
    else:
        days = "-*" if len(choice.days) == 31 else f"-{_field(choice.days)}"
    return f"{_weekday_field(choice.weekdays)}*-{months}{days}"


def _weekday_field(weekdays: frozenset[int]) -> str:
    """Weekdays as systemd writes them, with a blank after; nothing for all.

    >>> _weekday_field(frozenset({0, 1, 2, 3}))
    'Mon..Wed,Sun '
    """
    if len(weekdays) == 7:
        return ""
    parts = _stretches((day - 1) % 7 for day in weekdays)  # systemd's weeks begin on Monday
    names = [_WEEKDAYS[(day + 1) % 7] for day in range(7)]
    return ",".join(names[low] if low == high else f"{names[low]}..{names[high]}" for low, high in parts) + " "


def _field(values: Iterable[int]) -> str:
    """A set of numbers. Never as steps: systemd before 251 skips days when steps of days meet the end of a month, and
    252 finds no next elapse for some steps of months.

    >>> _field({1, 2, 3, 9})
    '01..03,09'
    """
    parts = _stretches(values)
    return ",".join(f"{begin:02}" if begin == end else f"{begin:02}..{end:02}" for begin, end in parts)


def _clock_field(values: set[int], limit: int) -> str:
    """Hours or minutes, below ``limit``.

    >>> _clock_field({0, 15, 30, 45}, 60)
    '00/15'
    """
    numbers = sorted(values)
    if len(numbers) == limit:
        return "*"
    step = numbers[1] - numbers[0] if len(numbers) > 2 else 0
    if step > 1 and numbers == list(range(numbers[0], limit, step)):
        return f"{numbers[0]:02}/{step}"
    return _field(numbers)


def _stretches(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """Runs of consecutive numbers, as first and last."""
    result: list[tuple[int, int]] = []
    for number in sorted(set(numbers)):
        if result and result[-1][1] == number - 1:
            result[-1] = (result[-1][0], number)
        else:
            result.append((number, number))
    return result


# --- gaps of the clock ---


def _meets(gap: Gap, cron: CronSim) -> bool:
    """Whether the schedule is due within the gap, and not at the gap's end anyway."""
    due = {60 * hour + minute for hour in cron.hours for minute in cron.minutes}
    return any(gap.begin <= minute < gap.end for minute in due) and gap.end not in due


def _gap_lines(gap: Gap, choice: Days) -> list[str]:
    """The lines for the first valid minute after a gap, on the days that ``choice`` shares with it.

    In UTC, because systemd's own arithmetic fails at gaps: from the day before, ``02:50 Pacific/Chatham`` gives
    "Resource deadlock avoided", and only another line of the same timer still elapses then.
    """
    ends = [
        datetime(gap.year or _CYCLE.start, gap.month, day, tzinfo=UTC) + _MINUTE * gap.end - gap.offset
        for day in _shared_days(gap, choice)
    ]
    return [
        f"{_WEEKDAYS[(gap.weekday + (gap.end * _MINUTE - gap.offset) // _DAY) % 7]} {gap.year or '*'}-{month:02}-"
        f"{_field(end.day for end in ends if end.month == month)} {ends[0]:%H:%M}:00 UTC"
        for month in sorted({end.month for end in ends})
    ]


def _shared_days(gap: Gap, choice: Days) -> list[int]:
    if gap.weekday not in choice.weekdays:
        return []
    if not choice.from_end:
        return [day for day in gap.days if day in choice.days]
    # A zone that changes its clock in February does so by year, so the length of the month is certain.
    length = calendar.monthrange(gap.year or _CYCLE.start, gap.month)[1]
    return [day for day in gap.days if length + 1 - day in choice.from_end]


@lru_cache(maxsize=64)
def _gaps(zone_name: str) -> tuple[Gap, ...]:
    """The gaps of a zone from 2026 on; what one rule makes in every year is one gap."""
    seen: dict[Gap, list[datetime]] = {}
    for begin, end, offset in _gaps_of_cycle(ZoneInfo(zone_name)):
        midnight = begin.replace(hour=0, minute=0)
        rule = Gap(
            year=None,
            month=begin.month,
            days=(),
            weekday=begin.isoweekday() % 7,
            begin=(begin - midnight) // _MINUTE,
            end=(end - midnight) // _MINUTE,
            offset=offset,
        )
        seen.setdefault(rule, []).append(begin)
    return tuple(gap for rule, moments in seen.items() for gap in _recurring(rule, moments))


def _recurring(rule: Gap, moments: list[datetime]) -> list[Gap]:
    days = sorted({moment.day for moment in moments})
    if len(moments) == len(_CYCLE) and days[-1] - days[0] == 6:
        return [replace(rule, days=tuple(days))]
    return [replace(rule, year=moment.year, days=(moment.day,)) for moment in moments]


def _gaps_of_cycle(zone: ZoneInfo) -> Iterator[tuple[datetime, datetime, timedelta]]:
    """Begin and end of each gap in the years of the cycle, in local time, and the offset from UTC after it."""
    moment, step = datetime(_CYCLE.start, 1, 1, tzinfo=UTC), timedelta(days=7)
    finish = datetime(_CYCLE.stop, 1, 1, tzinfo=UTC)
    while moment < finish:
        before, after = _offset(moment, zone), _offset(moment + step, zone)
        if after > before:
            end = _gap_end(moment, moment + step, zone).astimezone(zone).replace(tzinfo=None)
            yield end - (after - before), end, after
        moment += step


def _offset(moment: datetime, zone: ZoneInfo) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta(0)


__all__ = ["jitter_of", "occurrences", "to_on_calendar"]
