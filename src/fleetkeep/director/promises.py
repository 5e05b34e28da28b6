# SPDX-License-Identifier: GPL-3.0-or-later
"""The promise ledger: which runs were expected, and what became of them.

A promise stands before it is due. A run that a schedule started answers it: kept, or late after its grace. When the
next one is due and nobody answered, it is missed; a record that arrives later still answers it. A schedule that changes
withdraws what it no longer says. Nothing that happens to archives ever changes a promise.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from fleetkeep.catalog import clients, promises
from fleetkeep.catalog.clients import KnownJob
from fleetkeep.catalog.database import Catalog
from fleetkeep.model import Job, PromiseState, Run, Schedule, Trigger
from fleetkeep.plan.promises import BACKLOG, EARLY, answered_state, diff_promises, plan_due

_SCHEDULED = (Trigger.SCHEDULE, Trigger.CATCH_UP)
_UNANSWERED = (PromiseState.OPEN, PromiseState.MISSED)


def settle_promises(catalog: Catalog, now: datetime) -> None:
    """Have every expected run written down, ahead of time, and what nobody answered in time as missed."""
    with catalog.write() as connection:
        settle(connection, now)


def settle(connection: Connection, now: datetime, *, client: int | None = None) -> None:
    """The same within a transaction, for one client or all."""
    for job in clients.list_jobs(connection, client=client, declared_only=True):
        _write_down(connection, job, now)
    promises.miss_promises(connection, now)


def change_job(connection: Connection, job: KnownJob, declared: Job | None, *, at: datetime, now: datetime) -> None:
    """Take what is declared of a job from ``at`` on, which may be long ago.

    Promises change only where the schedule did, and those before ``at`` stay. The caller has settled until now.
    """
    clients.declare_job(connection, job, declared, at)
    before, after = _schedule(job.declared), _schedule(declared)
    if before == after:
        return
    promises.withdraw_promises(connection, job.number, after=at)
    clients.set_promised_until(connection, job.number, at)
    _write_down(connection, replace(job, declared=declared, promised_until=at), now)


def answer(connection: Connection, job: int, run: Run) -> None:
    """Let a run that a schedule started answer its promise; the first run that does stays the answer.

    Without a due moment of its own it answers the latest that was due, and so does a late run that makes up for
    several.
    """
    if run.trigger not in _SCHEDULED:
        return
    promise = promises.promise_due_at(connection, job, run.due_at) if run.due_at else None
    promise = promise or promises.latest_promise(connection, job, until=run.started_at + EARLY)
    if promise is not None and promise.state in _UNANSWERED:
        promises.answer_promise(connection, promise.number, answered_state(promise.late_after, run.started_at), run.id)


def _write_down(connection: Connection, job: KnownJob, now: datetime) -> None:
    schedule = _schedule(job.declared)
    if schedule is None:
        return
    wrote = _write_backlog(connection, job, schedule, now)
    change = diff_promises(schedule, promises.coming_moments(connection, job.number, after=now), now)
    promises.withdraw_moments(connection, job.number, change.withdraw)
    promises.make_promises(connection, job.number, change.make)
    if wrote or change.make:
        clients.set_promised_until(connection, job.number, now)


def _write_backlog(connection: Connection, job: KnownJob, schedule: Schedule, until: datetime) -> bool:
    """Write down what came due since the last look, which may be long ago."""
    since = job.promised_until or job.declared_since or until
    backlog = [due for due in plan_due(schedule, max(since, until - BACKLOG), until) if due.due_at <= until]
    promises.make_promises(connection, job.number, backlog)
    return bool(backlog)


def _schedule(job: Job | None) -> Schedule | None:
    return None if job is None else job.schedule


__all__ = ["answer", "change_job", "settle", "settle_promises"]
