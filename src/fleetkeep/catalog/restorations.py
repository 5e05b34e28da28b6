# SPDX-License-Identifier: GPL-3.0-or-later
"""Restores that were done. A row is never changed."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection, insert, select

from fleetkeep.model import Restoration

from . import tables


def is_recorded(connection: Connection, client: int, identifier: str) -> bool:
    """Whether a restore of a client is known."""
    table = tables.restoration
    query = select(table.c.number).where(table.c.client == client, table.c.id == identifier)
    return connection.scalar(query) is not None


def record_restoration(connection: Connection, restoration: Restoration, *, client: int, repository: int) -> None:
    """Write a restore down."""
    values = restoration.model_dump(exclude={"client", "repository", "asked"})
    statement = insert(tables.restoration).values(
        client=client, repository=repository, asked=json.dumps(restoration.asked), **values
    )
    connection.execute(statement)


def list_restorations(
    connection: Connection, *, client: str | None = None, repository: str | None = None, limit: int
) -> list[Restoration]:
    """Restores, the one that was recorded last first."""
    table = tables.restoration
    query = (
        select(table, tables.client.c.name.label("client_name"), tables.repository.c.name.label("repository_name"))
        .join(tables.client, table.c.client == tables.client.c.number)
        .join(tables.repository, table.c.repository == tables.repository.c.number)
        .order_by(table.c.number.desc())
        .limit(limit)
    )
    if client is not None:
        query = query.where(tables.client.c.name == client)
    if repository is not None:
        query = query.where(tables.repository.c.name == repository)
    return [_restoration(row) for row in connection.execute(query)]


def _restoration(row: Any) -> Restoration:
    values = {name: getattr(row, name) for name in Restoration.model_fields if name not in ("client", "repository")}
    asked = tuple(json.loads(row.asked))
    return Restoration(**{**values, "asked": asked, "client": row.client_name, "repository": row.repository_name})


__all__ = ["is_recorded", "list_restorations", "record_restoration"]
