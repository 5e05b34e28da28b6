# SPDX-License-Identifier: GPL-3.0-or-later
"""Recovery kits: who keeps them, where, and whether they still open what they are for."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, insert, select, update

from fleetkeep.model import Kit

from . import tables


def is_recorded(connection: Connection, client: int, kit_id: str) -> bool:
    """Whether a kit of a client is known."""
    table = tables.kit
    return connection.scalar(select(table.c.number).where(table.c.client == client, table.c.id == kit_id)) is not None


def record_kit(connection: Connection, kit: Kit, *, client: int, repository: int) -> None:
    """Write a kit down."""
    values = kit.model_dump(exclude={"client", "repository", "repository_id"})
    statement = insert(tables.kit).values(
        client=client, repository=repository, borg_repository_id=kit.repository_id, **values
    )
    connection.execute(statement)


def mark_tested(connection: Connection, client: int, kit_id: str, at: datetime) -> None:
    """Remember that a kit opened its repository, if it is known; an older test never takes the place of a newer."""
    table = tables.kit
    older = (table.c.tested_at.is_(None)) | (table.c.tested_at < at)
    connection.execute(update(table).where(table.c.client == client, table.c.id == kit_id, older).values(tested_at=at))


def retire_kit(connection: Connection, client: int, kit_id: str, at: datetime) -> None:
    """One kit is stale, if it is known and was not before."""
    table = tables.kit
    which = (table.c.client == client, table.c.id == kit_id, table.c.retired_at.is_(None))
    connection.execute(update(table).where(*which).values(retired_at=at))


def retire_others(connection: Connection, *, repository: int, borg_id: str, fingerprint: str, at: datetime) -> None:
    """Every kit of a repository that is for another key, or for what lay there before, is stale."""
    table = tables.kit
    other = (table.c.fingerprint != fingerprint) | (table.c.borg_repository_id != borg_id)
    which = (table.c.repository == repository, table.c.retired_at.is_(None), other)
    connection.execute(update(table).where(*which).values(retired_at=at))


def list_kits(connection: Connection, *, repository: str | None = None, retired: bool = True) -> list[Kit]:
    """The kits, the one that was made last first."""
    query = _kits().order_by(tables.kit.c.made_at.desc(), tables.kit.c.number.desc())
    if repository is not None:
        query = query.where(tables.repository.c.name == repository)
    if not retired:
        query = query.where(tables.kit.c.retired_at.is_(None))
    return [_kit(row) for row in connection.execute(query)]


def _kits() -> Select[Any]:
    return (
        select(
            tables.kit,
            tables.client.c.name.label("client_name"),
            tables.repository.c.name.label("repository_name"),
        )
        .join(tables.client, tables.kit.c.client == tables.client.c.number)
        .join(tables.repository, tables.kit.c.repository == tables.repository.c.number)
    )


def _kit(row: Any) -> Kit:
    return Kit(
        id=row.id,
        client=row.client_name,
        repository=row.repository_name,
        repository_id=row.borg_repository_id,
        made_at=row.made_at,
        owner=row.owner,
        place=row.place,
        fingerprint=row.fingerprint,
        tested_at=row.tested_at,
        retired_at=row.retired_at,
    )


__all__ = ["is_recorded", "list_kits", "mark_tested", "record_kit", "retire_kit", "retire_others"]
