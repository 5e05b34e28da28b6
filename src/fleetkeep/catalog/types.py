# SPDX-License-Identifier: GPL-3.0-or-later
"""How values of ours stand in the database: the same in SQLite and PostgreSQL, exact, and sorted as they compare."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from enum import Enum
from typing import Any, Generic, TypeVar

from sqlalchemy import BigInteger, Integer, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

E = TypeVar("E", bound=Enum)

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MICROSECOND = timedelta(microseconds=1)

#: A surrogate key. SQLite numbers rows by itself only where the type is plain INTEGER.
Key = BigInteger().with_variant(Integer(), "sqlite")


class Moment(TypeDecorator[datetime]):
    """A moment in UTC as whole microseconds since 1970: exact, sortable, and not bound to a text form."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else microseconds_of(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        return None if value is None else moment_of(value)


class Word(TypeDecorator[E], Generic[E]):
    """One of an enumeration's values, as its word."""

    impl = Text
    cache_ok = True

    def __init__(self, enumeration: type[E]) -> None:
        super().__init__()
        self.enumeration = enumeration

    def process_bind_param(self, value: E | None, dialect: Dialect) -> Any:
        return None if value is None else self.enumeration(value).value

    def process_result_value(self, value: Any, dialect: Dialect) -> E | None:
        return None if value is None else self.enumeration(value)


def microseconds_of(moment: datetime) -> int:
    """Whole microseconds since 1970.

    Raises ``ValueError`` for a moment without a time zone, ``OverflowError`` for one that UTC cannot express.
    """
    if moment.utcoffset() is None:
        raise ValueError("a moment without a time zone cannot be recorded")
    return (moment.astimezone(timezone.utc) - _EPOCH) // _MICROSECOND


def moment_of(microseconds: int) -> datetime:
    """The moment so many microseconds after 1970, in UTC."""
    return _EPOCH + microseconds * _MICROSECOND


__all__ = ["Key", "Moment", "Word", "microseconds_of", "moment_of"]
