# SPDX-License-Identifier: GPL-3.0-or-later
"""Repositories, as each client names them."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, update

from fleetkeep.model import DesiredState

from . import tables
from .rows import ensure_row


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


def know_repository(connection: Connection, repository: int, borg_id: str) -> None:
    """Remember Borg's id of what now lies where a repository is declared."""
    table = tables.repository
    connection.execute(update(table).where(table.c.number == repository).values(borg_id=borg_id))


__all__ = ["declare_repositories", "ensure_repository", "know_repository"]
