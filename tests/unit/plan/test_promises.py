# SPDX-License-Identifier: GPL-3.0-or-later
"""Which runs are expected, from a schedule and a moment alone."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from builders import DAY, HOUR, MINUTE, NOW, at
from hypothesis import given, settings
from hypothesis import strategies as st

from fleetkeep.model import PromiseState, Schedule
from fleetkeep.plan.promises import AHEAD, Due, answered_state, diff_promises, grace_of, plan_due

DAILY = Schedule(cron="0 2 * * *")
HOURLY = Schedule(cron="0 * * * *", jitter="10m")
CRONS = ["0 2 * * *", "*/10 * * * *", "0 * * * *", "30 2 * * 0", "0 0 1 * *", "0 0 29 2 *", "30 2 * * *"]
MOMENTS = st.integers(0, 2000 * 24 * 60).map(lambda minutes: at("2026-01-01T00:00") + minutes * MINUTE)
SCHEDULES = st.builds(Schedule, cron=st.sampled_from(CRONS), timezone=st.sampled_from(["UTC", "Europe/Berlin"]))


@pytest.mark.parametrize(
    ("interval", "jitter", "grace"),
    [
        (10 * MINUTE, "0s", 15 * MINUTE),
        (HOUR, "10m", 25 * MINUTE),
        (4 * HOUR, "0s", 30 * MINUTE),
        (DAY, "45m", 105 * MINUTE),
        (31 * DAY, "0s", HOUR),
    ],
)
def test_grace(interval: timedelta, jitter: str, grace: timedelta) -> None:
    assert grace_of(Schedule(cron="0 2 * * *", jitter=jitter), interval) == grace


def test_a_daily_run_is_late_after_an_hour_and_missed_when_the_next_is_due() -> None:
    assert plan_due(DAILY, NOW, NOW)[0] == Due(
        due_at=at("2026-11-21T02:00"), late_after=at("2026-11-21T03:00"), missed_after=at("2026-11-22T02:00")
    )


def test_a_run_of_every_few_minutes_is_not_missed_before_it_is_late() -> None:
    due = plan_due(Schedule(cron="*/5 * * * *"), NOW, NOW)[0]
    assert due.late_after - due.due_at == due.missed_after - due.due_at == 15 * MINUTE


def test_a_rare_run_is_expected_years_ahead() -> None:
    assert [due.due_at for due in plan_due(Schedule(cron="0 0 29 2 *"), NOW, NOW)] == [
        at("2028-02-29T00:00"),
        at("2032-02-29T00:00"),
    ]


def test_after_three_days_off_every_hour_of_them_is_expected() -> None:
    backlog = [due.due_at for due in plan_due(HOURLY, NOW - 3 * DAY, NOW) if due.due_at <= NOW]
    assert len(backlog) == 72 and backlog[-1] == NOW


def test_an_answer_is_kept_until_the_grace_ends_and_late_from_then_on() -> None:
    assert answered_state(NOW, NOW) is PromiseState.KEPT
    assert answered_state(NOW, NOW + timedelta(microseconds=1)) is PromiseState.LATE


def test_a_new_schedule_withdraws_what_the_old_one_said() -> None:
    coming = [due.due_at for due in plan_due(HOURLY, NOW, NOW)]
    change = diff_promises(DAILY, coming, NOW)
    assert [due.due_at for due in change.make] == []  # 02:00 is due by both
    assert set(change.withdraw) == set(coming) - {at("2026-11-21T02:00"), at("2026-11-22T02:00")}
    assert diff_promises(None, coming, NOW).withdraw == tuple(coming)


def test_what_was_promised_while_the_clock_was_ahead_is_left_until_its_time_comes() -> None:
    far = NOW + 300 * DAY
    assert diff_promises(DAILY, [far], NOW).withdraw == ()


@settings(deadline=None, max_examples=40)
@given(SCHEDULES, MOMENTS)
def test_the_next_two_and_all_of_two_days_are_expected(schedule: Schedule, now: datetime) -> None:
    expected = plan_due(schedule, now, now)
    later = plan_due(schedule, now, now + DAY)
    assert len(expected) >= 2 and all(due.due_at > now for due in expected)
    assert {due.due_at for due in later if due.due_at <= now + AHEAD} <= {due.due_at for due in expected}
    for first, second in pairwise(expected):
        assert first.due_at < first.late_after <= first.missed_after and first.missed_after >= second.due_at


@settings(deadline=None, max_examples=40)
@given(SCHEDULES, MOMENTS)
def test_what_is_promised_needs_no_change(schedule: Schedule, now: datetime) -> None:
    coming = [due.due_at for due in plan_due(schedule, now, now)]
    change = diff_promises(schedule, coming, now)
    assert change.make == () and change.withdraw == ()


@settings(deadline=None, max_examples=40)
@given(SCHEDULES, MOMENTS, st.integers(0, 3 * 24 * 60))
def test_looking_again_later_continues_without_a_gap(schedule: Schedule, now: datetime, minutes: int) -> None:
    """Whatever the time between two looks, together they promise what one look would have."""
    then = now + minutes * MINUTE
    first = {due.due_at for due in plan_due(schedule, now, now)}
    backlog = {due.due_at for due in plan_due(schedule, now, then) if due.due_at <= then}
    made = {due.due_at for due in diff_promises(schedule, [moment for moment in first if moment > then], then).make}
    assert first | backlog | made == first | {due.due_at for due in plan_due(schedule, now, then)}
