# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent's own scheduler: what is started, when, and how often."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetkeep.agent.scheduler import answered_until, next_start, plan_start
from fleetkeep.model import Job, Schedule, Trigger
from fleetkeep.plan.calendar import jitter_of


def job(cron: str = "0 2 * * *", **schedule: object) -> Job:
    return Job(
        name="system",
        sources={"paths": ["/etc"]},
        repositories=("offsite",),
        retention={"daily": 7},
        schedule=Schedule(cron=cron, **schedule),
    )


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=timezone.utc)


ANSWERED = at("2026-11-20 02:00")


@pytest.mark.parametrize(
    ("now", "due", "trigger"),
    [
        ("2026-11-21 01:59:59", None, None),
        ("2026-11-21 02:00:00", "2026-11-21 02:00", Trigger.SCHEDULE),
        ("2026-11-21 02:01:59", "2026-11-21 02:00", Trigger.SCHEDULE),
        ("2026-11-21 09:00:00", "2026-11-21 02:00", Trigger.CATCH_UP),
        ("2026-11-28 09:00:00", "2026-11-28 02:00", Trigger.CATCH_UP),
    ],
)
def test_one_run_answers_every_moment_that_passed(now: str, due: str | None, trigger: Trigger | None) -> None:
    start = plan_start(job(), "web1", ANSWERED, at(now))
    assert (start and (start.due_at, start.trigger)) == (due and (at(due), trigger))


def test_without_catch_up_a_late_moment_passes() -> None:
    assert plan_start(job(catch_up=False), "web1", ANSWERED, at("2026-11-21 09:00")) is None
    assert plan_start(job(catch_up=False), "web1", ANSWERED, at("2026-11-22 02:00")) is not None


def test_a_job_without_a_schedule_never_starts_by_itself() -> None:
    by_hand = job().model_copy(update={"schedule": None})
    assert plan_start(by_hand, "web1", ANSWERED, at("2027-01-01 00:00")) is None
    assert next_start(by_hand, "web1", ANSWERED) is None


def test_the_delay_of_this_client_is_kept() -> None:
    spread = job(jitter="45m")
    assert spread.schedule
    delay = jitter_of(spread.schedule, "web1", "system")
    assert timedelta(0) < delay <= timedelta(minutes=45)
    moment = at("2026-11-21 02:00") + delay
    assert plan_start(spread, "web1", ANSWERED, moment - timedelta(seconds=1)) is None
    assert plan_start(spread, "web1", ANSWERED, moment) is not None
    assert next_start(spread, "web1", at("2026-11-21 01:00")) == moment


@given(st.lists(st.integers(min_value=1, max_value=200_000), max_size=30))
def test_whenever_it_is_asked_each_day_starts_at_most_once(steps: list[int]) -> None:
    """The clock goes on by any steps; a started moment is never started again, and none is started early."""
    now, answered, started = ANSWERED, ANSWERED, []
    for step in steps:
        now += timedelta(seconds=step)
        start = plan_start(job(), "web1", answered, now)
        if start:
            assert start.due_at <= now
            started.append(start.due_at)
            answered = start.due_at
    assert len(started) == len(set(started)) and started == sorted(started)
    if now - ANSWERED >= timedelta(days=1):
        assert started, "a whole day passed and nothing was started"


def test_a_job_that_is_new_here_misses_nothing_that_is_still_to_come() -> None:
    spread = job(jitter="45m")
    assert spread.schedule
    start = at("2026-11-21 02:00") + jitter_of(spread.schedule, "web1", "system")
    seen = start - timedelta(seconds=5)
    answered = answered_until(spread, "web1", None, seen)
    assert plan_start(spread, "web1", answered, start) is not None
    assert plan_start(spread, "web1", answered_until(spread, "web1", None, start), start) is None


def test_a_clock_that_was_wrong_once_does_not_stop_the_schedule() -> None:
    wrong, now = at("2036-01-01 02:00"), at("2026-11-21 01:00")
    answered = answered_until(job(), "web1", wrong, now)
    assert plan_start(job(), "web1", answered, at("2026-11-21 02:00")) is not None


def test_a_clock_that_is_set_back_a_little_starts_nothing_twice() -> None:
    answered = at("2026-11-21 02:00")
    assert answered_until(job(), "web1", answered, answered - timedelta(seconds=2)) == answered
