# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients, their jobs and the states they were brought to. Every query takes the connection of a transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from fleetkeep.model import DesiredState, Job

from . import tables
from .rows import ensure_row


@dataclass(frozen=True)
class KnownJob:
    """A job of the catalog with its keys."""

    number: int
    client: str
    name: str

    declared: Job | None
    """The resolved job in force; ``None`` when it is declared no longer, or was only heard of by its runs."""

    declared_since: datetime | None
    """When the client was last brought from not having it to having it."""

    promised_until: datetime | None
    """Up to here every expected run has its promise."""


def hear_of_client(connection: Connection, name: str, at: datetime) -> int:
    """The key of a client, which is made when it is heard of for the first time."""
    number = ensure_row(connection, tables.client, {"name": name}, {"first_heard_at": at, "last_heard_at": at})
    connection.execute(update(tables.client).where(tables.client.c.number == number).values(last_heard_at=at))
    return number


def ensure_job(connection: Connection, client: int, name: str) -> int:
    """The key of a client's job, which is made when a message names it for the first time."""
    return ensure_row(connection, tables.job, {"client": client, "name": name}, {})


def list_clients(connection: Connection) -> list[str]:
    """The names of all clients that were ever heard of."""
    return list(connection.scalars(select(tables.client.c.name).order_by(tables.client.c.name)))


def latest_digest(connection: Connection, client: int) -> str | None:
    """The digest of the state that a client was brought to last."""
    table = tables.applied_state
    return connection.scalar(
        select(table.c.digest).where(table.c.client == client).order_by(table.c.number.desc()).limit(1)
    )


def record_state(
    connection: Connection, client: int, state: DesiredState, *, applied_at: datetime, received_at: datetime
) -> None:
    """Remember the state that a client was brought to, unless it is the one that it was in."""
    if latest_digest(connection, client) == state.digest:
        return
    connection.execute(
        insert(tables.applied_state).values(
            client=client,
            digest=state.digest,
            applied_at=applied_at,
            received_at=received_at,
            state=state.model_dump_json(),
        )
    )


def declare_job(connection: Connection, job: KnownJob, declared: Job | None, at: datetime) -> None:
    """Set what is declared of a job; ``None`` when it is declared no longer."""
    values: dict[str, Any] = {"declaration": None if declared is None else declared.model_dump_json()}
    if (job.declared is None) != (declared is None):
        values["declared_since"] = None if declared is None else at
    connection.execute(update(tables.job).where(tables.job.c.number == job.number).values(values))


def list_jobs(connection: Connection, *, client: int | None = None, declared_only: bool = False) -> list[KnownJob]:
    """Jobs by client and name, of one client or of all."""
    query = (
        select(tables.job, tables.client.c.name.label("client_name"))
        .join(tables.client, tables.job.c.client == tables.client.c.number)
        .order_by(tables.client.c.name, tables.job.c.name)
    )
    if client is not None:
        query = query.where(tables.job.c.client == client)
    if declared_only:
        query = query.where(tables.job.c.declaration.is_not(None))
    return [_known_job(row) for row in connection.execute(query)]


def set_promised_until(connection: Connection, job: int, moment: datetime) -> None:
    """Remember up to when every expected run of a job has its promise."""
    connection.execute(update(tables.job).where(tables.job.c.number == job).values(promised_until=moment))


def _known_job(row: Any) -> KnownJob:
    return KnownJob(
        number=row.number,
        client=row.client_name,
        name=row.name,
        declared=None if row.declaration is None else Job.model_validate_json(row.declaration),
        declared_since=row.declared_since,
        promised_until=row.promised_until,
    )


__all__ = [
    "KnownJob",
    "declare_job",
    "ensure_job",
    "hear_of_client",
    "latest_digest",
    "list_clients",
    "list_jobs",
    "record_state",
    "set_promised_until",
]
