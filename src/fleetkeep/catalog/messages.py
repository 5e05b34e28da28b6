# SPDX-License-Identifier: GPL-3.0-or-later
"""Which messages were taken, and those that could not be applied."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, insert, select

from fleetkeep.link import Envelope

from . import tables


@dataclass(frozen=True)
class Quarantined:
    """A message that could not be applied."""

    client: str
    received_at: datetime
    reason: str
    envelope: str
    """The message as JSON."""


def is_received(connection: Connection, client: int, token: str) -> bool:
    """Whether a message was taken before; by its token, because a reset spool uses numbers again."""
    table = tables.received
    return (
        connection.scalar(select(table.c.sequence).where(table.c.client == client, table.c.token == token)) is not None
    )


def remember_received(connection: Connection, client: int, envelope: Envelope, at: datetime) -> None:
    """Take a message as done."""
    connection.execute(
        insert(tables.received).values(client=client, token=envelope.token, sequence=envelope.sequence, received_at=at)
    )


def put_in_quarantine(connection: Connection, client: int, envelope: Envelope, at: datetime, reason: str) -> None:
    """Keep a message that cannot be applied, with the reason."""
    connection.execute(
        insert(tables.quarantine).values(
            client=client,
            token=envelope.token,
            received_at=at,
            reason=reason,
            envelope=envelope.model_dump_json(),
        )
    )


def count_quarantined(connection: Connection) -> dict[str, int]:
    """How many messages of each client could not be applied."""
    query = (
        select(tables.client.c.name, func.count())
        .join(tables.quarantine, tables.quarantine.c.client == tables.client.c.number)
        .group_by(tables.client.c.name)
    )
    return {name: count for name, count in connection.execute(query)}


def list_quarantined(connection: Connection) -> list[Quarantined]:
    """The messages that could not be applied, oldest first."""
    query = (
        select(tables.quarantine, tables.client.c.name)
        .join(tables.client, tables.quarantine.c.client == tables.client.c.number)
        .order_by(tables.quarantine.c.number)
    )
    return [Quarantined(row.name, row.received_at, row.reason, row.envelope) for row in connection.execute(query)]


__all__ = [
    "Quarantined",
    "count_quarantined",
    "is_received",
    "list_quarantined",
    "put_in_quarantine",
    "remember_received",
]
