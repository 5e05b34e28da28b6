# SPDX-License-Identifier: GPL-3.0-or-later
"""What all tables of the catalog share: how their constraints are called, and how one names a row of another."""

from __future__ import annotations

from sqlalchemy import ForeignKey, MetaData

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)


def reference(target: str, *, cascade: bool = False) -> ForeignKey:
    """A column that names a row of another table by its number."""
    return ForeignKey(f"{target}.number", ondelete="CASCADE" if cascade else None)


__all__ = ["metadata", "reference"]
