# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent's loop over real files and real processes: what lies wrong on a host never ends it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from fleetkeep.agent.files import write_file
from fleetkeep.agent.paths import Paths
from fleetkeep.agent.resources import render_file
from fleetkeep.agent.scheduler import Scheduler
from tests.builders import make_job, make_state

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=timezone.utc)


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.moment = NOON

    def now(self) -> datetime:
        return self.moment

    def monotonic(self) -> float:
        return self.moment.timestamp()


@pytest.fixture
def scheduler(tmp_path: Path) -> Iterator[Scheduler]:
    """The loop of a host with the jobs ``system`` and ``other``, due daily at 02:00."""
    paths, said = Paths(tmp_path), []
    jobs = (make_job("system"), make_job("other"))
    for job in jobs:
        write_file(paths.job(job.name), render_file(job))
    write_file(paths.desired, render_file(make_state(*jobs)))
    loop = Scheduler(paths, Clock(), ["/bin/true"], report=said.append)
    loop.said = said  # type: ignore[attr-defined]
    yield loop
    for _, child in loop.children:
        child.wait()


def next_night(scheduler: Scheduler) -> list[str]:
    """What the loop reports when it is asked once more, at the next 02:00."""
    scheduler.step()
    scheduler.said.clear()  # type: ignore[attr-defined]
    scheduler.clock.moment = scheduler.clock.now().replace(hour=2) + timedelta(days=1)  # type: ignore[attr-defined]
    scheduler.step()
    for _, child in scheduler.children:
        child.wait()
    said: list[str] = list(scheduler.said)  # type: ignore[attr-defined]
    return said


def test_a_moment_is_answered_once(scheduler: Scheduler) -> None:
    assert [line.split(",")[0] for line in next_night(scheduler)] == ["start other", "start system"]
    scheduler.said.clear()  # type: ignore[attr-defined]
    scheduler.step()
    again = Scheduler(scheduler.paths, scheduler.clock, scheduler.command, report=scheduler.report)
    again.step()
    assert not [line for line in scheduler.said if line.startswith("start")]  # type: ignore[attr-defined]


def test_a_broken_job_file_is_told_once_and_the_other_jobs_go_on(scheduler: Scheduler) -> None:
    scheduler.step()
    good = scheduler.paths.job("system").read_text()
    scheduler.paths.job("system").write_text("{")
    scheduler.step()
    assert "system.json cannot be read" in scheduler.said[-1]  # type: ignore[attr-defined]
    assert [line.split(",")[0] for line in next_night(scheduler)] == ["start other"]
    scheduler.paths.job("system").write_text(good)
    scheduler.step()
    started = [line for line in scheduler.said if line.startswith("start system")]  # type: ignore[attr-defined]
    assert started, "what was due while its file was broken is forgotten"


@pytest.mark.parametrize("memory", ["[]", '{"system": 3}', '{"system": "2026-11-20T02:00:00"}', "{"])
def test_a_broken_memory_begins_anew(scheduler: Scheduler, memory: str) -> None:
    write_file(scheduler.paths.state / "answered.json", memory)
    assert len(next_night(scheduler)) == 2


def test_a_memory_that_cannot_be_written_starts_nothing_twice(scheduler: Scheduler) -> None:
    (scheduler.paths.state / "answered.json").mkdir(parents=True)
    assert len([line for line in next_night(scheduler) if line.startswith("start")]) == 2
    scheduler.said.clear()  # type: ignore[attr-defined]
    scheduler.step()
    assert not [line for line in scheduler.said if line.startswith("start")]  # type: ignore[attr-defined]


def test_a_program_that_cannot_be_started_is_tried_again(scheduler: Scheduler) -> None:
    scheduler.command = ["/nowhere/fleetkeep"]
    assert all(line.startswith("cannot start") for line in next_night(scheduler))
    scheduler.command = ["/bin/true"]
    scheduler.step()
    assert "start system" in "\n".join(scheduler.said)  # type: ignore[attr-defined]


def test_a_missing_desired_state_is_waited_for(scheduler: Scheduler) -> None:
    scheduler.paths.desired.unlink()
    for _ in range(3):
        scheduler.step()
    assert len(scheduler.said) == 1  # type: ignore[attr-defined]
