# SPDX-License-Identifier: GPL-3.0-or-later
"""Promises: the runs that are expected, and what became of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, func, insert, or_, select, update

from fleetkeep.model import Promise, PromiseState
from fleetkeep.plan.promises import Due

from . import tables
from .runs import CONCLUSIVE

_UNANSWERED = (PromiseState.OPEN, PromiseState.MISSED)


@dataclass(frozen=True)
class KnownPromise:
    """A promise with its key and its limits."""

    number: int
    due_at: datetime
    late_after: datetime
    state: PromiseState
    run_id: str | None


def make_promises(connection: Connection, job: int, expected: Sequence[Due]) -> None:
    """Write expected runs down. One that was withdrawn is expected again; any other that stands stays as it is."""
    table = tables.promise
    for due in expected:
        limits = {"late_after": due.late_after, "missed_after": due.missed_after}
        there = table.c.job == job, table.c.due_at == due.due_at
        state: PromiseState | None = connection.scalar(select(table.c.state).where(*there))
        if state is None:
            connection.execute(
                insert(table).values(job=job, due_at=due.due_at, state=PromiseState.OPEN, run_id=None, **limits)
            )
        elif state is PromiseState.WITHDRAWN:
            connection.execute(update(table).where(*there).values(state=PromiseState.OPEN, **limits))


def withdraw_promises(connection: Connection, job: int, *, after: datetime) -> None:
    """Withdraw what is due after a moment and no run has answered."""
    table = tables.promise
    connection.execute(
        update(table)
        .where(table.c.job == job, table.c.due_at > after, table.c.state.in_(_UNANSWERED))
        .values(state=PromiseState.WITHDRAWN)
    )


def withdraw_moments(connection: Connection, job: int, moments: Sequence[datetime]) -> None:
    """Withdraw single promises that no run has answered."""
    table = tables.promise
    for moment in moments:
        connection.execute(
            update(table)
            .where(table.c.job == job, table.c.due_at == moment, table.c.state.in_(_UNANSWERED))
            .values(state=PromiseState.WITHDRAWN)
        )


def coming_moments(connection: Connection, job: int, *, after: datetime) -> list[datetime]:
    """When the open promises after a moment are due."""
    table = tables.promise
    query = select(table.c.due_at).where(table.c.job == job, table.c.due_at > after, table.c.state == PromiseState.OPEN)
    return list(connection.scalars(query.order_by(table.c.due_at)))


def promise_due_at(connection: Connection, job: int, due_at: datetime) -> KnownPromise | None:
    """The promise of exactly this moment."""
    return _first(connection, _known().where(tables.promise.c.job == job, tables.promise.c.due_at == due_at))


def latest_promise(connection: Connection, job: int, until: datetime) -> KnownPromise | None:
    """The last promise that was due until a moment and was not withdrawn."""
    table = tables.promise
    query = _known().where(table.c.job == job, table.c.due_at <= until, table.c.state != PromiseState.WITHDRAWN)
    return _first(connection, query.order_by(table.c.due_at.desc()).limit(1))


def answer_promise(connection: Connection, number: int, state: PromiseState, run_id: str) -> None:
    """Write down which run answered a promise."""
    table = tables.promise
    connection.execute(update(table).where(table.c.number == number).values(state=state, run_id=run_id))


def miss_promises(connection: Connection, now: datetime) -> None:
    """Write down as missed what nobody answered in time."""
    table = tables.promise
    connection.execute(
        update(table)
        .where(table.c.state == PromiseState.OPEN, table.c.missed_after <= now)
        .values(state=PromiseState.MISSED)
    )


def list_promises(
    connection: Connection,
    *,
    client: str | None = None,
    job: str | None = None,
    after: datetime | None = None,
    until: datetime | None = None,
    states: Sequence[PromiseState] = (),
) -> list[Promise]:
    """Promises by client, job and the moment they are due; withdrawn ones only when they are asked for."""
    table = tables.promise
    query = (
        select(table, tables.job.c.name.label("job_name"), tables.client.c.name.label("client_name"))
        .join(tables.job, table.c.job == tables.job.c.number)
        .join(tables.client, tables.job.c.client == tables.client.c.number)
        .order_by(tables.client.c.name, tables.job.c.name, table.c.due_at)
    )
    if client is not None:
        query = query.where(tables.client.c.name == client)
    if job is not None:
        query = query.where(tables.job.c.name == job)
    if after is not None:
        query = query.where(table.c.due_at > after)
    if until is not None:
        query = query.where(table.c.due_at <= until)
    wanted = states or [state for state in PromiseState if state is not PromiseState.WITHDRAWN]
    return [_promise(row) for row in connection.execute(query.where(table.c.state.in_(wanted)))]


def next_due(connection: Connection, now: datetime) -> dict[int, datetime]:
    """By key of the job, when it is due next."""
    table = tables.promise
    query = select(table.c.job, func.min(table.c.due_at)).where(
        table.c.state == PromiseState.OPEN, table.c.due_at > now
    )
    return {job: moment for job, moment in connection.execute(query.group_by(table.c.job))}


def unanswered(connection: Connection, now: datetime) -> dict[int, list[datetime]]:
    """By key of the job, what was due since its last conclusive run began, is late by now, and nobody answered."""
    table, run = tables.promise, tables.run
    ended = select(run.c.job, func.max(run.c.started_at).label("at")).where(run.c.outcome.in_(CONCLUSIVE))
    latest = ended.group_by(run.c.job).subquery()
    query = (
        select(table.c.job, table.c.due_at)
        .outerjoin(latest, latest.c.job == table.c.job)
        .where(
            table.c.state.in_(_UNANSWERED),
            table.c.late_after <= now,
            or_(latest.c.at.is_(None), table.c.due_at > latest.c.at),
        )
        .order_by(table.c.due_at)
    )
    result: dict[int, list[datetime]] = defaultdict(list)
    for job, moment in connection.execute(query):
        result[job].append(moment)
    return result


def _known() -> Select[Any]:
    table = tables.promise
    return select(table.c.number, table.c.due_at, table.c.late_after, table.c.state, table.c.run_id)


def _first(connection: Connection, query: Select[Any]) -> KnownPromise | None:
    row = connection.execute(query).first()
    return None if row is None else _known_promise(row)


def _known_promise(row: Any) -> KnownPromise:
    return KnownPromise(row.number, row.due_at, row.late_after, row.state, row.run_id)


def _promise(row: Any) -> Promise:
    return Promise(client=row.client_name, job=row.job_name, due_at=row.due_at, state=row.state, run_id=row.run_id)


__all__ = [
    "KnownPromise",
    "answer_promise",
    "coming_moments",
    "latest_promise",
    "list_promises",
    "make_promises",
    "miss_promises",
    "next_due",
    "promise_due_at",
    "unanswered",
    "withdraw_moments",
    "withdraw_promises",
]
