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
from fleetkeep.errors import FleetkeepError
from fleetkeep.model import Job, Schedule, Trigger
from fleetkeep.plan.calendar import jitter_of, occurrences

from .files import write_file
from .paths import Paths
from .state import load_desired, load_job

#: A moment that passed this recently is still started as scheduled; an older one is a catch-up.
PUNCTUAL = timedelta(minutes=2)
#: The longest sleep: after it the jobs are read again, so that an apply needs to restart nothing.
LONGEST_WAIT = timedelta(seconds=30)
#: Clocks are set back by less than this without harm.
CLOCK_ERROR = timedelta(hours=1)


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
    moment = next(occurrences(job.schedule, now - delay), None)
    return moment + delay if moment else None


def answered_until(job: Job, client: str, answered: datetime | None, now: datetime) -> datetime:
    """From when on the moments of a job count: after the one that was answered last.

    A job that is new here misses nothing that is still to come. A moment far ahead is of a clock that was wrong once;
    waiting for it would be to sleep for years.
    """
    if answered is None or answered > now + CLOCK_ERROR:
        return now - (jitter_of(job.schedule, client, job.name) if job.schedule else timedelta(0))
    return answered


@dataclass
class Scheduler:
    """The loop: ``command`` is the program that starts a run, such as ``[/usr/bin/fleetkeep]``.

    Nothing that lies wrong on this host ends it: it says so once, keeps the other jobs going, and looks again.
    """

    paths: Paths
    clock: Clock
    command: Sequence[str]
    report: Callable[[str], None]
    children: list[tuple[str, subprocess.Popen[bytes]]] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)
    answered: dict[str, datetime] | None = None
    told: set[str] = field(default_factory=set)
    trouble: set[str] = field(default_factory=set)

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
        self.told, self.trouble = self.trouble, set()
        self._reap()
        try:
            client = load_desired(self.paths).client
        except FleetkeepError as error:
            self._tell(str(error))
            return LONGEST_WAIT
        now, (jobs, names) = self.clock.now(), self._jobs()
        known = self._answered() if self.answered is None else self.answered
        answered = {name: moment for name, moment in known.items() if name in names}
        for job in jobs:
            answered[job.name] = answered_until(job, client, answered.get(job.name), now)
            start = plan_start(job, client, answered[job.name], now)
            if start and self._start(start):
                answered[job.name] = start.due_at
        self._remember(answered)
        moments = [moment for job in jobs if (moment := next_start(job, client, now))]
        return max(min([LONGEST_WAIT, *(moment - now for moment in moments)]), timedelta(seconds=1))

    def _jobs(self) -> tuple[list[Job], set[str]]:
        """The jobs with a schedule, and their names with those of jobs that cannot be read just now."""
        jobs: list[Job] = []
        names: set[str] = set()
        for file in sorted(self.paths.job("any").parent.glob("*.json")):
            try:
                job = load_job(self.paths, file.stem)
            except FleetkeepError as error:
                self._tell(str(error))
                names.add(file.stem)
                continue
            if job.schedule:
                jobs.append(job)
                names.add(job.name)
        return jobs, names

    def _tell(self, sentence: str) -> None:
        """Report trouble when it begins, not at each step."""
        self.trouble.add(sentence)
        if sentence not in self.told:
            self.report(sentence)
        self.told.add(sentence)

    def _start(self, start: Start) -> bool:
        arguments = ["run", start.job, "--trigger", start.trigger.value, "--due", start.due_at.isoformat()]
        environment = settings.child_environment({"FLEETKEEP_PREFIX": str(self.paths.prefix)})
        try:
            child = subprocess.Popen(
                [*self.command, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env=environment,
                start_new_session=True,
            )
        except OSError as error:
            self._tell(f"cannot start {start.job}: {error}")
            return False
        self.report(f"start {start.job}, due {start.due_at.isoformat(timespec='minutes')} ({start.trigger.value})")
        self.children.append((start.job, child))
        return True

    def _reap(self) -> None:
        for job, child in self.children:
            if (status := child.poll()) is not None:
                self.report(f"ended {job}, exit status {status}")
        self.children = [(job, child) for job, child in self.children if child.returncode is None]

    def _answered(self) -> dict[str, datetime]:
        try:
            known: Mapping[str, str] = json.loads(self._memory().read_text())
            moments = {name: datetime.fromisoformat(moment) for name, moment in known.items()}
        except (OSError, ValueError, TypeError, AttributeError):
            return {}
        return {name: moment for name, moment in moments.items() if moment.tzinfo}

    def _remember(self, answered: dict[str, datetime]) -> None:
        """Keep what was answered over a restart; where that cannot be written, this process still knows."""
        if answered == self.answered:
            return
        self.answered = answered
        text = json.dumps({name: moment.isoformat() for name, moment in answered.items()}, indent=2)
        try:
            write_file(self._memory(), text)
        except OSError as error:
            self._tell(f"{self._memory()} cannot be written ({error}); after a restart runs may be started again")

    def _memory(self) -> Path:
        return self.paths.state / "answered.json"


__all__ = ["Scheduler", "Start", "answered_until", "next_start", "plan_start"]
