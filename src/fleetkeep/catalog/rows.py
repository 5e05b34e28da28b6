# SPDX-License-Identifier: GPL-3.0-or-later
"""What several files of queries share."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Table, insert, select


def ensure_row(connection: Connection, table: Table, keys: dict[str, Any], values: dict[str, Any]) -> int:
    """The number of the row with these keys, which is made if it is not there. Writers are one at a time."""
    where = [table.c[name] == value for name, value in keys.items()]
    number: int | None = connection.scalar(select(table.c.number).where(*where))
    if number is None:
        number = connection.execute(insert(table).values(keys | values).returning(table.c.number)).scalar_one()
    return number


__all__ = ["ensure_row"]
