# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a job: lock, guard, hooks, every repository in a thread of its own, hooks again, and the record of it all."""

from __future__ import annotations

import contextlib
import traceback
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime

from pydantic import ValidationError

from fleetkeep.borg.command import LOCK_WAIT_SECONDS
from fleetkeep.borg.process import Cancellation
from fleetkeep.clock import Clock
from fleetkeep.errors import FleetkeepError, HookFailed, JobBusy
from fleetkeep.ids import new_id
from fleetkeep.link import RunFinished, RunStarted
from fleetkeep.model import Hook, Job, Outcome, Run, Stage, StageName, Trigger, worst

from .access import host_borg
from .director_port import Director
from .facts import RunFacts, digest_of, load_facts, merge_facts, write_facts
from .files import remove_file, write_file
from .guard import GuardDecision, is_inside, observe_sources, plan_guard
from .hooks import run_hook
from .ledger import Ledger
from .lock import Held, hold
from .orphans import end_orphans
from .paths import Paths
from .repository_run import RepositoryResult, run_repository
from .repository_session import RunContext
from .run_events import Emitter, ProgressSink, RunLog, ignore
from .state import load_desired, load_repository

#: After a cancellation, the hooks that always run have this long each.
LAST_HOOK_SECONDS = 10

KILLED = "The run was killed before it could end: a power cut, a crash, or somebody ended its process."
_SCHEDULED = (Trigger.SCHEDULE, Trigger.CATCH_UP)


def run_job(
    job: Job,
    *,
    paths: Paths,
    director: Director,
    clock: Clock,
    trigger: Trigger,
    due_at: datetime | None = None,
    progress: ProgressSink = ignore,
    cancellation: Cancellation | None = None,
    accept_changes: bool = False,
    lock_wait_seconds: int = LOCK_WAIT_SECONDS,
) -> Run:
    """Run a job once and give how it ended; whatever happens is recorded in the spool.

    Arguments:
        job: The job, as applied to this host.
        paths: Where everything lies.
        director: Takes the record and says what may be deleted; one that does not answer costs no backup.
        clock: The time.
        trigger: What started it.
        due_at: The moment it was due, if a schedule started it.
        progress: Takes the events of the run as they come.
        cancellation: Ends the run within two seconds when somebody asks to; the ``after`` hooks then still run.
        accept_changes: Take moved mounts and a smaller size as the right ones from now on.
        lock_wait_seconds: How long Borg waits for a repository that another host writes to.

    Raises JobBusy when the job is running already and a person asked (a schedule gets a ``skipped`` run), and
    NothingApplied.
    """
    client = load_desired(paths).client
    run = Run(
        id=new_id(), client=client, job=job.name, trigger=trigger, outcome=Outcome.RUNNING, due_at=due_at,
        started_at=clock.now(),
    )  # fmt: skip
    options = _Options(accept_changes, lock_wait_seconds, cancellation or Cancellation(), progress)
    with contextlib.closing(Ledger(paths.spool, director, client, clock, options.cancellation)) as ledger:
        try:
            with hold(paths.job_lock(job.name)):
                return _Runner(job, run, paths, ledger, clock, options).run()
        except Held as held:
            busy = JobBusy(job=job.name, holder=held.holder)
            if trigger not in _SCHEDULED:
                raise busy from None
            return _skip(run, str(busy), ledger, clock)


def _skip(run: Run, reason: str, ledger: Ledger, clock: Clock) -> Run:
    skipped = run.model_copy(update={"outcome": Outcome.SKIPPED, "reason": reason, "finished_at": clock.now()})
    ledger.tell(RunFinished(run=skipped))
    return skipped


@dataclass(frozen=True)
class _Options:
    accept_changes: bool
    lock_wait_seconds: int
    cancellation: Cancellation
    progress: ProgressSink


@dataclass
class _Runner:
    """One run; its lock is held."""

    job: Job
    started: Run
    paths: Paths
    ledger: Ledger
    clock: Clock
    options: _Options
    stages: list[Stage] = field(default_factory=list)
    results: list[RepositoryResult] = field(default_factory=list)
    problems: list[tuple[Outcome, str]] = field(default_factory=list)
    decision: GuardDecision = field(default_factory=GuardDecision)
    before: RunFacts | None = None
    emitter: Emitter = field(init=False)

    def run(self) -> Run:
        """Everything, from the first word to the last."""
        with contextlib.closing(RunLog(self.paths.run_log(self.started.id))) as log:
            self.emitter = Emitter(self.started.id, self.clock, [self.options.progress, log])
            self._begin()
            try:
                self._work()
            except FleetkeepError as error:
                self._fail(str(error))
            except Exception as error:  # a fault of ours must still be recorded, and the hooks must still run
                self._fail(f"Fleetkeep itself failed ({type(error).__name__}: {error}); please report it.")
                self.emitter.emit("message", level="ERROR", message=traceback.format_exc(), message_id="Fault")
            self._hooks_at_the_end()
            return self._finish()

    # --- first and last words ---

    def _begin(self) -> None:
        self._bury_the_dead()
        self._leave_a_mark(self.started)
        self.ledger.tell_soon(RunStarted(run=self.started))
        self.before = load_facts(self.paths, self.job.name)
        expected = self.before.repositories if self.before else {}
        self.emitter.emit(
            "run_started",
            client=self.started.client,
            job=self.job.name,
            trigger=self.started.trigger.value,
            repositories=list(self.job.repositories),
            expected={name: facts.model_dump() for name, facts in expected.items()},
        )

    def _bury_the_dead(self) -> None:
        """Record the end of an earlier run that could not do so itself; it is gone, because we hold its lock."""
        mark = self.paths.running(self.job.name)
        try:
            dead = Run.model_validate_json(mark.read_bytes())
        except (OSError, ValidationError):
            return
        if dead.outcome is not Outcome.RUNNING:  # it ended, but its record did not fit on the disk
            self.ledger.tell(RunFinished(run=dead))
            return
        end_orphans(dead.id, self.clock, self.options.cancellation)
        update = {"outcome": Outcome.FAILED, "reason": KILLED, "finished_at": self.clock.now()}
        self.ledger.tell(RunFinished(run=dead.model_copy(update=update)))

    def _leave_a_mark(self, run: Run) -> None:
        with contextlib.suppress(OSError):
            write_file(self.paths.running(self.job.name), run.model_dump_json())

    def _finish(self) -> Run:
        outcome, reason = self._verdict()
        finished = self.started.model_copy(
            update={
                "outcome": outcome,
                "reason": reason,
                "finished_at": self.clock.now(),
                "stages": tuple(self.stages),
                "repositories": tuple(result.run for result in self.results),
            }
        )
        self._remember()
        self.ledger.tell(RunFinished(run=finished))
        if self.ledger.problem:
            self.emitter.emit("message", level="WARNING", message=self.ledger.problem, message_id="Ledger")
        self.emitter.emit("run_finished", outcome=outcome.value, reason=reason)
        if self.ledger.loss:
            self._leave_a_mark(finished)  # the next run tells it
        else:
            with contextlib.suppress(OSError):
                remove_file(self.paths.running(self.job.name))
        return finished

    def _verdict(self) -> tuple[Outcome, str]:
        runs = [result.run for result in self.results]
        several = len(self.job.repositories) > 1
        found = [(run.outcome, f"{run.repository}: {run.reason}" if several else run.reason) for run in runs]
        found += self.problems
        if self.ledger.loss:
            found.append((Outcome.WARNING, self.ledger.loss))
        if self.options.cancellation.is_cancelled:
            found.append((Outcome.CANCELLED, "The run was cancelled."))
        outcome = worst([each for each, _ in found])
        reasons = dict.fromkeys(reason for each, reason in found if each is outcome)
        return outcome, "" if outcome is Outcome.SUCCEEDED else " ".join(reasons)

    def _remember(self) -> None:
        """Facts of a good run, for the next one to compare with."""
        good = {result.run.repository: result.facts for result in self.results if result.facts}
        if not good:
            return
        facts = RunFacts(
            finished_at=self.clock.now(),
            sources_digest=digest_of(self.job.sources),
            mounts=dict(self.decision.mounts),
            repositories=good,
        )
        with contextlib.suppress(OSError):
            write_facts(self.paths, self.job.name, merge_facts(self.before, facts, self.decision.left_out))

    # --- the work ---

    def _work(self) -> None:
        if not self._guard() or not self._hooks_before():
            return
        context = self._context()
        with ThreadPoolExecutor(max_workers=len(self.job.repositories)) as threads:
            self.results = list(threads.map(lambda name: run_repository(context, name), self.job.repositories))

    def _guard(self) -> bool:
        """Whether the sources may be backed up."""
        began = self.clock.monotonic()
        self.emitter.emit("stage_started", stage=StageName.GUARD.value)
        self.decision = plan_guard(
            self.job,
            observe_sources(self.job),
            self.before,
            [load_repository(self.paths, name) for name in self.job.repositories],
            accept_changes=self.options.accept_changes,
        )
        reason = " ".join(map(str, self.decision.refusals))
        self._end_stage(StageName.GUARD, began, Outcome.FAILED if reason else Outcome.SUCCEEDED, reason)
        for path in self.decision.left_out:
            self.emitter.emit("source_left_out", path=path)
        if reason:
            self._fail(reason)
        return not reason

    def _context(self) -> RunContext:
        comparable = self.before is not None and self.before.sources_digest == digest_of(self.job.sources)
        before = self.before.repositories if self.before is not None and comparable else {}
        own = [str(folder) for folder in (self.paths.borg_cache, self.paths.scratch)]
        return RunContext(
            job=self.job,
            client=self.started.client,
            run_id=self.started.id,
            started_at=self.started.started_at,
            source_paths=self.decision.paths,
            paths=self.paths,
            program=host_borg(self.paths),
            ledger=self.ledger,
            emitter=self.emitter,
            clock=self.clock,
            cancellation=self.options.cancellation,
            lock_wait_seconds=self.options.lock_wait_seconds,
            accept_changes=self.options.accept_changes,
            sizes_before={name: facts.size for name, facts in before.items()},
            own_folders=[folder for folder in own if any(is_inside(folder, path) for path in self.decision.paths)],
        )

    # --- hooks ---

    def _hooks_before(self) -> bool:
        """Run the hooks before the first archive, up to the first that fails; whether the run goes on."""
        for hook in self.job.hooks.before:
            problem = self._hook(StageName.BEFORE, hook, Outcome.RUNNING, self.options.cancellation)
            if problem:
                self._fail(problem)
            if problem or self.options.cancellation.is_cancelled:
                return False
        return not self.options.cancellation.is_cancelled

    def _hooks_at_the_end(self) -> None:
        """Run the hooks that belong to a failure, and those that always run, every one of them."""
        outcome, _ = self._verdict()
        if outcome is Outcome.FAILED and not self.options.cancellation.is_cancelled:
            for hook in self.job.hooks.on_error:
                self._note_problem(self._hook(StageName.ON_ERROR, hook, outcome, self.options.cancellation))
        for hook in self.job.hooks.after:
            self._note_problem(self._hook(StageName.AFTER, hook, outcome, None))

    def _hook(self, stage: StageName, hook: Hook, outcome: Outcome, cancellation: Cancellation | None) -> str:
        """Run one hook as a stage; gives the sentence about its failure, if it failed."""
        began = self.clock.monotonic()
        self.emitter.emit("stage_started", stage=stage.value)
        environment = {
            "FLEETKEEP_JOB": self.job.name,
            "FLEETKEEP_RUN": self.started.id,
            "FLEETKEEP_OUTCOME": outcome.value,
        }
        hurry = LAST_HOOK_SECONDS if self.options.cancellation.is_cancelled else None
        result = run_hook(hook, environment, cancellation=cancellation, longest_seconds=hurry)
        self.emitter.emit("hook_output", command=result.command, output=result.output)
        problem = ""
        if result.problem:
            problem = str(HookFailed(hook=result.command, job=self.job.name, problem=result.problem))
        ended = Outcome.CANCELLED if result.cancelled else Outcome.FAILED if problem else Outcome.SUCCEEDED
        self._end_stage(stage, began, ended, problem, result.exit_code)
        return "" if result.cancelled else problem

    # --- notes ---

    def _fail(self, reason: str) -> None:
        self.problems.append((Outcome.FAILED, reason))

    def _note_problem(self, reason: str) -> None:
        if reason:
            self.problems.append((Outcome.WARNING, reason))

    def _end_stage(
        self, name: StageName, began: float, outcome: Outcome, reason: str = "", exit_code: int | None = None
    ) -> None:
        duration_seconds = round(self.clock.monotonic() - began, 3)
        stage = Stage(name=name, outcome=outcome, reason=reason, exit_code=exit_code, duration_seconds=duration_seconds)
        self.stages.append(stage)
        self.emitter.emit("stage_finished", stage=name.value, **stage.model_dump(mode="json", exclude={"name"}))


__all__ = ["KILLED", "run_job"]
