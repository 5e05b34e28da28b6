# SPDX-License-Identifier: GPL-3.0-or-later
"""When schedules come due: plain days, changes of the clock in every zone, and the text of systemd's lines."""

from __future__ import annotations

import doctest
from datetime import date, datetime, timedelta, timezone
from itertools import islice, pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetkeep.model import Schedule
from fleetkeep.plan import calendar
from fleetkeep.plan.calendar import jitter_of, occurrences, to_on_calendar

UTC = timezone.utc
DAY = timedelta(days=1)
ZONES = sorted(available_timezones())


def due(cron: str, zone: str, after: str, count: int) -> list[str]:
    """The next occurrences, as UTC text."""
    moments = occurrences(Schedule(cron=cron, timezone=zone), datetime.fromisoformat(f"{after}+00:00"))
    return [moment.strftime("%Y-%m-%dT%H:%M") for moment in islice(moments, count)]


# --- named cases ---


def test_a_minute_that_the_clock_skips_is_due_at_the_first_valid_one() -> None:
    assert due("30 2 * * *", "Europe/Berlin", "2026-03-27T12:00", 3) == [
        "2026-03-28T01:30",
        "2026-03-29T01:00",  # 03:00 summer time
        "2026-03-30T00:30",
    ]


def test_a_minute_that_the_clock_shows_twice_is_due_once() -> None:
    assert due("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00", 2) == ["2026-10-25T00:30", "2026-10-26T01:30"]
    assert due("30 2 * * *", "Europe/Berlin", "2026-10-25T00:30", 1) == ["2026-10-26T01:30"]


def test_skipped_minutes_become_due_together_once() -> None:
    assert due("*/20 2,3 * * *", "Europe/Berlin", "2026-03-29T00:00", 3) == [
        "2026-03-29T01:00",
        "2026-03-29T01:20",
        "2026-03-29T01:40",
    ]


def test_a_moment_is_not_its_own_successor_and_seconds_do_not_matter() -> None:
    assert due("0 2 * * *", "UTC", "2026-01-01T02:00", 1) == ["2026-01-02T02:00"]
    assert due("0 2 * * *", "UTC", "2026-01-01T01:59:59.5", 1) == ["2026-01-01T02:00"]
    assert due("0 2 * * *", "UTC", "2026-01-01T02:00:00.5", 1) == ["2026-01-02T02:00"]


def test_a_moment_just_before_the_end_of_a_gap_within_a_minute_finds_it() -> None:
    """Liberia's clock jumped from 00:00:00 to 00:44:30; the first whole minute after it is 00:45."""
    assert due("10 0 * * *", "Africa/Monrovia", "1972-01-07T00:44:45", 1) == ["1972-01-07T00:45"]


@pytest.mark.parametrize(
    ("cron", "after", "expected"),
    [
        ("0 0 29 2 *", "2097-01-01T00:00", "2104-02-29T00:00"),
        ("0 0 31 * *", "2026-03-31T00:00", "2026-05-31T00:00"),
        ("0 0 L 2 *", "2027-12-01T00:00", "2028-02-29T00:00"),
        ("59 23 31 12 *", "2037-12-31T23:59", "2038-12-31T23:59"),
        ("0 0 1 * 1", "2026-11-02T00:00", "2026-11-09T00:00"),
        ("0 0 * * 7", "2026-11-20T00:00", "2026-11-22T00:00"),
    ],
)
def test_odd_days(cron: str, after: str, expected: str) -> None:
    assert due(cron, "UTC", after, 1) == [expected]


def test_a_schedule_without_a_further_day_ends() -> None:
    assert due("0 0 29 2 *", "UTC", "2096-02-29T00:00", 9)[0] == "2104-02-29T00:00"
    assert due("0 0 30 2 1", "UTC", "2026-11-20T00:00", 1) == ["2027-02-01T00:00"]  # day of month or of week


def test_examples_in_the_docstrings() -> None:
    assert doctest.testmod(calendar).failed == 0


def test_jitter_is_stable_spread_and_within_its_limit() -> None:
    schedule = Schedule(cron="0 0 * * *", jitter="45m")
    delays = [jitter_of(schedule, f"host{n}", "system") for n in range(10_000)]
    assert min(delays) >= timedelta(0) and max(delays) <= timedelta(minutes=45)
    fullest = max(sum(delay.total_seconds() // 60 == minute for delay in delays) for minute in range(45))
    assert fullest < 2 * 10_000 / 45
    assert jitter_of(schedule, "host1", "system") == delays[1] != jitter_of(schedule, "host1", "database")
    assert jitter_of(Schedule(cron="0 0 * * *"), "host1", "system") == timedelta(0)


# --- laws, in every zone ---

moments = st.integers(86_400, 4_100_000_000).map(lambda second: datetime.fromtimestamp(second, UTC))  # 1970 to 2099
crons = st.builds(
    "{} {} {} {} {}".format,
    st.sampled_from(["0", "30", "*/20", "5,55", "59"]),
    st.sampled_from(["2", "*", "0", "23", "*/6", "1-3"]),
    st.sampled_from(["*", "31", "1,15", "*/2", "L"]),
    st.sampled_from(["*", "3", "JAN-JUN", "10,11"]),
    st.sampled_from(["*", "0", "7", "MON-FRI", "6"]),
)


@given(st.sampled_from(ZONES), moments, st.sampled_from(["30 2 * * *", "0 0 * * *", "59 23 * * *", "15 3 * * *"]))
def test_a_daily_job_runs_once_on_each_local_day(zone: str, after: datetime, cron: str) -> None:
    found = list(islice(occurrences(Schedule(cron=cron, timezone=zone), after), 40))
    days = [moment.astimezone(ZoneInfo(zone)).date() for moment in found]
    missing = {first + n * DAY for first, last in pairwise(days) for n in range(1, (last - first).days)}
    # A day may be absent because no clock showed it, or because its minute was skipped into the next day.
    assert all(_minute_is_skipped(day, cron, zone) for day in missing)
    assert all(_minute_is_skipped(day - DAY, cron, zone) for day in days if days.count(day) > 1)


def _minute_is_skipped(day: date, cron: str, zone: str) -> bool:
    minute, hour = (int(field) for field in cron.split()[:2])
    local = datetime(day.year, day.month, day.day, hour, minute, tzinfo=ZoneInfo(zone))
    shown = local.astimezone(UTC).astimezone(ZoneInfo(zone))
    return (shown.hour, shown.minute, shown.day) != (hour, minute, day.day)


@given(st.sampled_from(ZONES), moments, crons)
def test_occurrences_rise_and_do_not_depend_on_where_one_begins(zone: str, after: datetime, cron: str) -> None:
    schedule = Schedule(cron=cron, timezone=zone)
    found = list(islice(occurrences(schedule, after), 6))
    assert all(first < second for first, second in pairwise([after, *found]))
    for first, second in pairwise(found):
        assert next(occurrences(schedule, first)) == second
        assert next(occurrences(schedule, second - timedelta(microseconds=1))) == second


@given(st.sampled_from(ZONES), moments, crons)
def test_each_occurrence_is_a_due_local_minute_or_the_end_of_a_gap(zone: str, after: datetime, cron: str) -> None:
    minutes, hours = cron.split()[:2]
    for moment in islice(occurrences(Schedule(cron=cron, timezone=zone), after), 6):
        local = moment.astimezone(ZoneInfo(zone))
        wanted = next(occurrences(Schedule(cron=f"{minutes} {hours} * * *"), _as_utc(local) - timedelta(minutes=1)))
        before = (moment - timedelta(minutes=1)).astimezone(ZoneInfo(zone))
        assert local.fold == 0 and local.second == 0
        assert wanted == _as_utc(local) or before.utcoffset() < local.utcoffset()  # type: ignore[operator]


def _as_utc(local: datetime) -> datetime:
    return local.replace(tzinfo=UTC)


# --- systemd's lines ---


@pytest.mark.parametrize(
    ("cron", "zone", "lines"),
    [
        ("0 2 * * *", "UTC", ["*-*-* 02:00:00 UTC"]),
        ("*/15 * * * *", "UTC", ["*-*-* *:00/15:00 UTC"]),
        ("5-59/20 8-18/5 * * *", "UTC", ["*-*-* 08,13,18:05/20:00 UTC"]),
        ("0 3 1 */3 *", "UTC", ["*-01,04,07,10-01 03:00:00 UTC"]),
        ("0 3 * JAN,jun MON-WED,sat", "UTC", ["Mon..Wed,Sat *-01,06-* 03:00:00 UTC"]),
        ("0 3 * * 0", "UTC", ["Sun *-*-* 03:00:00 UTC"]),
        ("0 3 * * 5-7", "UTC", ["Fri..Sun *-*-* 03:00:00 UTC"]),
        ("0 3 13 * 5", "UTC", ["Fri *-*-* 03:00:00 UTC", "*-*-13 03:00:00 UTC"]),
        ("0 3 */2 * 5", "UTC", ["Fri *-*-" + ",".join(f"{day:02}" for day in range(1, 32, 2)) + " 03:00:00 UTC"]),
        ("0 3 L * *", "UTC", ["*-*~01 03:00:00 UTC"]),
        ("0 3 LW * *", "UTC", ["Mon..Fri *-*~01 03:00:00 UTC", "Fri *-*~02..03 03:00:00 UTC"]),
        ("0 3 * * 5L", "UTC", ["Fri *-*~01..07 03:00:00 UTC"]),
        ("0 3 * * 1#2,3#5", "UTC", ["Mon *-*-08..14 03:00:00 UTC", "Wed *-*-29..31 03:00:00 UTC"]),
        ("0 * * * *", "Europe/Berlin", ["*-*-* *:00:00 Europe/Berlin"]),
        ("30 2 * * 1", "Europe/Berlin", ["Mon *-*-* 02:30:00 Europe/Berlin"]),
        ("30 2 1 * *", "Europe/Berlin", ["*-*-01 02:30:00 Europe/Berlin"]),
        ("30 2 * 4-9 *", "Europe/Berlin", ["*-04..09-* 02:30:00 Europe/Berlin"]),
        (
            "30 2 9,10 * *",
            "America/New_York",
            ["*-*-09..10 02:30:00 America/New_York", "Sun *-03-09..10 07:00:00 UTC"],
        ),
        ("30 23 * 3 *", "America/Nuuk", ["*-03-* 23:30:00 America/Nuuk", "Sun *-03-25..31 01:00:00 UTC"]),
    ],
)
def test_lines(cron: str, zone: str, lines: list[str]) -> None:
    assert to_on_calendar(Schedule(cron=cron, timezone=zone)) == lines


def test_a_zone_whose_clock_follows_the_moon_gets_a_line_for_each_year() -> None:
    lines = to_on_calendar(Schedule(cron="30 2 * * *", timezone="Africa/Casablanca"))
    assert lines[0] == "*-*-* 02:30:00 Africa/Casablanca"
    assert "Sun 2026-03-22 02:00:00 UTC" in lines and len(lines) > 25


def test_the_last_weekday_of_certain_days_is_refused() -> None:
    """By the schedule itself, and by the rendering of one that was not checked."""
    with pytest.raises(ValueError, match="a last weekday of the month goes with"):
        Schedule(cron="0 3 */2 * 5L")
    unchecked = Schedule.model_construct(cron="0 3 */2 * 5L", timezone="UTC")
    with pytest.raises(ValueError, match="counted from the end of the month"):
        to_on_calendar(unchecked)
