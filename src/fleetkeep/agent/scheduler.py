# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent's own scheduler, for hosts without systemd: decides what is due, starts ``fleetkeep run``, waits.

``plan_start`` is pure; ``Scheduler`` is the loop around it. A job is never started twice at once: the run's own lock
refuses that, and a schedule that is faster than its job skips.
"""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from fleetkeep import settings
from fleetkeep.clock import Clock
from fleetkeep.model import Job, Schedule, Trigger
from fleetkeep.plan.calendar import jitter_of, occurrences

from .files import write_file
from .paths import Paths
from .state import load_desired, load_jobs

#: A moment that passed this recently is still started as scheduled; an older one is a catch-up.
PUNCTUAL = timedelta(minutes=2)
#: The longest sleep: after it the jobs are read again, so that an apply needs to restart nothing.
LONGEST_WAIT = timedelta(seconds=30)


@dataclass(frozen=True)
class Start:
    """A run to start now."""

    job: str
    due_at: datetime
    trigger: Trigger


def plan_start(job: Job, client: str, answered: datetime, now: datetime) -> Start | None:
    """The run of a job that is to be started now, or ``None``.

    ``answered`` is the due moment that was answered last (or when the job was first seen): however many moments passed
    since, one run answers them all.
    """
    if job.schedule is None:
        return None
    delay = jitter_of(job.schedule, client, job.name)
    due_at = _latest(job.schedule, answered, now - delay)
    if due_at is None:
        return None
    late = now - delay - due_at > PUNCTUAL
    if late and not job.schedule.catch_up:
        return None
    return Start(job=job.name, due_at=due_at, trigger=Trigger.CATCH_UP if late else Trigger.SCHEDULE)


def _latest(schedule: Schedule, after: datetime, until: datetime) -> datetime | None:
    """The last due moment after one moment and not later than another."""
    latest = None
    for moment in occurrences(schedule, after):
        if moment > until:
            break
        latest = moment
    return latest


def next_start(job: Job, client: str, now: datetime) -> datetime | None:
    """The next moment at which a job starts, with its delay on this client; ``None`` when nothing schedules it."""
    if job.schedule is None:
        return None
    delay = jitter_of(job.schedule, client, job.name)
    return next(occurrences(job.schedule, now - delay), now) + delay


@dataclass
class Scheduler:
    """The loop: ``command`` is the program that starts a run, such as ``[/usr/bin/fleetkeep]``."""

    paths: Paths
    clock: Clock
    command: Sequence[str]
    report: Callable[[str], None]
    children: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    stopped: threading.Event = field(default_factory=threading.Event)

    def stop(self) -> None:
        """End the loop soon; runs that are at work go on by themselves."""
        self.stopped.set()

    def run(self) -> None:
        """Start what is due until ``stop`` is called."""
        while not self.stopped.is_set():
            wait = self.step()
            self.stopped.wait(wait.total_seconds())

    def step(self) -> timedelta:
        """Start what is due now and say how long nothing will be."""
        now = self.clock.now()
        jobs = load_jobs(self.paths)
        client = load_desired(self.paths).client if jobs else ""
        answered = self._answered()
        self._reap()
        for job in jobs.values():
            start = plan_start(job, client, answered.setdefault(job.name, now), now)
            if start:
                answered[job.name] = start.due_at
                self._start(start)
        self._remember({name: moment for name, moment in answered.items() if name in jobs})
        moments = [moment for job in jobs.values() if (moment := next_start(job, client, now))]
        return max(min([LONGEST_WAIT, *(moment - now for moment in moments)]), timedelta(seconds=1))

    def _start(self, start: Start) -> None:
        arguments = ["run", start.job, "--trigger", start.trigger.value, "--due", start.due_at.isoformat()]
        self.report(f"start {start.job}, due {start.due_at.isoformat(timespec='minutes')} ({start.trigger.value})")
        environment = settings.child_environment({"FLEETKEEP_PREFIX": str(self.paths.prefix)})
        self.children[start.job] = subprocess.Popen(
            [*self.command, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            env=environment,
            start_new_session=True,
        )

    def _reap(self) -> None:
        for job, child in list(self.children.items()):
            if (status := child.poll()) is not None:
                del self.children[job]
                self.report(f"ended {job}, exit status {status}")

    def _answered(self) -> dict[str, datetime]:
        try:
            known: Mapping[str, str] = json.loads(self._memory().read_text())
            return {name: datetime.fromisoformat(moment) for name, moment in known.items()}
        except (OSError, ValueError):
            return {}

    def _remember(self, answered: Mapping[str, datetime]) -> None:
        text = json.dumps({name: moment.isoformat() for name, moment in answered.items()}, indent=2)
        path = self._memory()
        if not path.exists() or path.read_text() != text:
            write_file(path, text)

    def _memory(self) -> Path:
        return self.paths.state / "answered.json"


__all__ = ["Scheduler", "Start", "next_start", "plan_start"]
