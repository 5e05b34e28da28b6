# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings a catalog of any earlier release to the schema of this one. Imports alembic: import this only to migrate."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection


def upgrade(connection: Connection, revision: str = "head") -> None:
    """Migrate within the transaction of ``connection``; nothing is committed here."""
    command.upgrade(_configuration(connection), revision)


def _configuration(connection: Connection) -> Config:
    configuration = Config()
    configuration.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    configuration.set_main_option("path_separator", "os")
    configuration.attributes["connection"] = connection
    return configuration


__all__ = ["upgrade"]
