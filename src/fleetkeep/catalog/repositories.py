# SPDX-License-Identifier: GPL-3.0-or-later
"""Repositories, as each client names them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, select, update

from fleetkeep.model import DesiredState, Repository

from . import tables
from .rows import ensure_row


@dataclass(frozen=True)
class DeclaredRepository:
    """A repository in force."""

    client: str
    repository: Repository


def ensure_repository(connection: Connection, client: int, name: str) -> int:
    """The key of a client's repository, which is made when a message names it for the first time."""
    return ensure_row(connection, tables.repository, {"client": client, "name": name}, {})


def declare_repositories(
    connection: Connection, client: int, state: DesiredState, repository_ids: Mapping[str, str]
) -> None:
    """Set which repositories a client has, and Borg's ids of those that are known; the others keep theirs."""
    table = tables.repository
    connection.execute(update(table).where(table.c.client == client).values(declaration=None))
    for name, repository in state.repositories.items():
        number = ensure_repository(connection, client, name)
        values = {"declaration": repository.model_dump_json()}
        if name in repository_ids:
            values["borg_id"] = repository_ids[name]
        connection.execute(update(table).where(table.c.number == number).values(values))


def list_declared(connection: Connection) -> list[DeclaredRepository]:
    """Every repository that is declared, by client and name."""
    table = tables.repository
    query = (
        select(tables.client.c.name.label("client_name"), table.c.declaration)
        .join(tables.client, table.c.client == tables.client.c.number)
        .where(table.c.declaration.is_not(None))
        .order_by(tables.client.c.name, table.c.name)
    )
    return [
        DeclaredRepository(row.client_name, Repository.model_validate_json(row.declaration))
        for row in connection.execute(query)
    ]


def know_repository(connection: Connection, repository: int, borg_id: str) -> None:
    """Remember Borg's id of what now lies where a repository is declared."""
    table = tables.repository
    connection.execute(update(table).where(table.c.number == repository).values(borg_id=borg_id))


__all__ = ["DeclaredRepository", "declare_repositories", "ensure_repository", "know_repository", "list_declared"]
