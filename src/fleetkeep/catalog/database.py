# SPDX-License-Identifier: GPL-3.0-or-later
"""The door to the catalog: opened durable, migrated when it is older, refused when it is newer.

Only this file knows that the database is SQLite, and only this file translates its errors.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry

from fleetkeep.errors import (
    CatalogBusy,
    CatalogCorrupt,
    CatalogForbidden,
    CatalogNewer,
    CatalogReadOnly,
    CatalogUnreadable,
    CatalogUnsafe,
    FleetkeepError,
    StorageFull,
)

BUSY_SECONDS = 60

#: What every connection must be, as SQLite names it. FULL, because with NORMAL a power cut loses acknowledged events.
_SETTINGS = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}

_MIGRATIONS = Path(__file__).parent / "migrations"
_READING = "fleetkeep_reading"

#: SQLite's words for a file that is damaged, whatever asked it.
_CORRUPTION = ("malformed", "not a database", "file is encrypted")


class Catalog:
    """The catalog of one file; threads may share it."""

    def __init__(self, path: Path, engine: Engine, patience_seconds: float) -> None:
        self.path = path
        self._patience_seconds = patience_seconds
        self._engine = engine
        self._reading = engine.execution_options(**{_READING: True})

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction: all that is done in it stands durably when the block ends, or nothing where it raises.

        Writers wait for each other. Raises ``CatalogBusy``, ``CatalogUnreadable``, ``StorageFull``.
        """
        with _translated(self.path, self._patience_seconds), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A consistent view of one moment; it neither waits for writers nor holds them up."""
        with _translated(self.path, self._patience_seconds), self._reading.begin() as connection:
            yield connection

    def close(self) -> None:
        """Let go of the file."""
        self._engine.dispose()


def open_catalog(path: Path, patience_seconds: float | None = None) -> Catalog:
    """The catalog at ``path``, created or migrated if need be; the file is readable by its owner alone.

    ``patience_seconds`` is how long each question waits for others that hold the catalog, ``BUSY_SECONDS`` if not
    given. Raises ``CatalogNewer``, ``CatalogUnreadable``, ``CatalogReadOnly``, ``CatalogUnsafe``, ``CatalogBusy``,
    ``StorageFull``.
    """
    patience = BUSY_SECONDS if patience_seconds is None else patience_seconds
    with _translated(path, patience):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _make_private(path)
    catalog = Catalog(path, _engine(path, patience), patience)
    try:
        if _version(catalog) != head():
            _migrate(catalog)
    except BaseException:
        catalog.close()
        raise
    return catalog


def put_aside(path: Path, inode: int) -> Path | None:
    """Rename a broken catalog and what belongs to it, so that a new one can begin; gives its new place.

    ``inode`` is that of the file that was found broken: where another process was faster, nothing happens and ``None``
    is given. Nothing is ever overwritten or removed. Raises ``OSError``.
    """
    with _exclusive(path):
        if not path.exists() or path.stat().st_ino != inode:
            return None
        number = 1
        while (aside := path.with_name(f"{path.name}.broken-{number}")).exists():
            number += 1
        path.replace(aside)
        for suffix in ("-wal", "-shm"):
            companion = path.with_name(path.name + suffix)
            if companion.exists():
                companion.replace(aside.with_name(aside.name + suffix))
        return aside


def head() -> str:
    """The newest schema that this program knows, such as ``0001``."""
    return max(file.name[:4] for file in (_MIGRATIONS / "versions").glob("[0-9]*.py"))


def _make_private(path: Path) -> None:
    """Have a file that only its owner reads; SQLite gives its companions the same mode."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if os.fstat(descriptor).st_mode & 0o077:
            os.fchmod(descriptor, 0o600)
    finally:
        os.close(descriptor)


def _engine(path: Path, patience_seconds: float) -> Engine:
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": patience_seconds})
    event.listen(engine, "connect", _prepare(path))
    event.listen(engine, "begin", _begin)
    return engine


def _prepare(path: Path) -> Callable[[sqlite3.Connection, ConnectionPoolEntry], None]:
    def prepare(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
        connection.isolation_level = None  # ``_begin`` begins transactions; sqlite3 itself would begin them too late
        for setting, needed in _SETTINGS.items():
            connection.execute(f"PRAGMA {setting} = {needed}")
            found = connection.execute(f"PRAGMA {setting}").fetchone()[0]
            if found != needed:
                raise CatalogUnsafe(path=path, setting=setting, found=found, needed=needed)

    return prepare


def _begin(connection: Connection) -> None:
    """Take the write lock at once where something will be written: a lock taken later can fail with no wait at all."""
    reading = connection.get_execution_options().get(_READING)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def _version(catalog: Catalog) -> str | None:
    """The schema that the file has; ``None`` for a new file. Raises ``CatalogNewer``."""
    with catalog.read() as connection:
        tables = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'").scalars().all()
        if not tables:
            return None
        if "alembic_version" not in tables:
            raise CatalogUnreadable(path=catalog.path, reason="it is a database of another program")
        found: str | None = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    if found is None or found > head():
        raise CatalogNewer(path=catalog.path, found=found, known=head())
    return found


def _migrate(catalog: Catalog) -> None:
    """Bring the schema up in one transaction, one process at a time: a power cut leaves the old schema or the new."""
    from .migrations import upgrade  # alembic costs half a second, and is needed once for each release

    with _exclusive(catalog.path), catalog.write() as connection:
        upgrade(connection)


@contextmanager
def _exclusive(path: Path) -> Iterator[None]:
    descriptor = os.open(path.with_name(f"{path.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _translated(path: Path, patience_seconds: float) -> Iterator[None]:
    """SQLite's errors in our words; those that say something of a single statement pass through."""
    try:
        yield
    except FleetkeepError:
        raise
    except DBAPIError as error:
        translated = _in_our_words(path, error.orig, patience_seconds)
        if translated is None:
            raise
        raise translated from error
    except (OSError, sqlite3.Error) as error:
        translated = _in_our_words(path, error, patience_seconds)
        raise translated or CatalogUnreadable(path=path, reason=_reason(error)) from error


def _in_our_words(path: Path, error: Any, patience_seconds: float) -> FleetkeepError | None:
    reason = _reason(error)
    if isinstance(error, PermissionError):
        return CatalogForbidden(path=path)
    if "locked" in reason or "busy" in reason:
        return CatalogBusy(path=path, seconds=f"{patience_seconds:g}")
    if "disk is full" in reason or "No space left" in reason or ("I/O error" in reason and _is_full(path)):
        return StorageFull(what="the catalog", location=path)
    if "Read-only" in reason or "readonly" in reason:
        return CatalogReadOnly(path=path, reason=reason)
    # Integrity and data errors are of one statement; the others say that the file itself is not usable.
    own = isinstance(
        error, (sqlite3.IntegrityError, sqlite3.DataError, sqlite3.ProgrammingError, sqlite3.InterfaceError)
    )
    if any(words in reason for words in _CORRUPTION):
        return CatalogCorrupt(path=path, reason=reason)
    return None if own else CatalogUnreadable(path=path, reason=reason)


def _is_full(path: Path) -> bool:
    """Whether nothing more fits beside the file; SQLite calls that an I/O error where it cannot make a companion."""
    try:
        status = os.statvfs(path.parent)
    except OSError:
        return False
    return status.f_bavail == 0


def _reason(error: Any) -> str:
    return str(getattr(error, "strerror", None) or error) or type(error).__name__


__all__ = ["BUSY_SECONDS", "Catalog", "head", "open_catalog", "put_aside"]
