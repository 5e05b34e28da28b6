# SPDX-License-Identifier: GPL-3.0-or-later
"""The only way out of the agent: messages are written down durably, in order, before anything depends on them.

A message leaves the spool when the Director has committed it. What was appended survives a power cut; numbers are
never used twice in one spool, and a random token tells messages apart should a spool ever begin anew.
"""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

from pydantic import ValidationError

from fleetkeep.clock import Clock
from fleetkeep.errors import SpoolUnsafe
from fleetkeep.ids import new_id
from fleetkeep.link import Envelope, Message

from .director_port import Director
from .files import make_folder

#: How many messages are delivered at once.
BATCH = 200

#: And so much text: each delivery is one transaction, and others wait for it.
BATCH_LETTERS = 1 << 20

_BUSY_SECONDS = 30
_FULL = 2
_SCHEMA = """
CREATE TABLE IF NOT EXISTS message (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,  -- AUTOINCREMENT: a number is never used again
    envelope TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS unreadable (
    sequence INTEGER PRIMARY KEY,
    envelope TEXT NOT NULL
);
"""


class Spool:
    """The messages of this host that its Director has not committed yet.

    Several processes may use one spool at a time. The threads of a process share an object.
    """

    def __init__(self, path: Path) -> None:
        """Open the spool, or begin one; a file that is broken is kept aside, see ``set_aside``.

        Raises ``SpoolUnsafe`` when it would not be durable, ``sqlite3.OperationalError`` and ``OSError`` when it
        cannot be opened.
        """
        self.set_aside: Path | None = None
        self._path = path
        self._lock = threading.Lock()
        make_folder(path.parent)
        try:
            self._connection = _connect(path)
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise
            self.set_aside = _put_aside(path)
            self._connection = _connect(path)

    def append(self, message: Message, client: str, clock: Clock) -> Envelope:
        """Write a message down; it is durable when this returns."""
        token, recorded_at = new_id(), clock.now()
        with self._lock, self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            cursor = self._connection.execute("INSERT INTO message (envelope) VALUES ('')")
            envelope = Envelope(
                client=client, sequence=cursor.lastrowid or 0, token=token, recorded_at=recorded_at, message=message
            )
            self._connection.execute(
                "UPDATE message SET envelope = ? WHERE sequence = ?", (envelope.model_dump_json(), envelope.sequence)
            )
        return envelope

    def pending(self, limit: int = BATCH) -> list[Envelope]:
        """The oldest messages that are not acknowledged, in their order.

        One that cannot be read any more (a release that knew more kinds wrote it, say) is put aside in the table
        ``unreadable``, so that it does not hold up the others.
        """
        envelopes = []
        for sequence, text in self._oldest(limit):
            try:
                envelopes.append(Envelope.model_validate_json(text))
            except ValidationError:
                self._put_row_aside(sequence)
        return envelopes

    def _oldest(self, limit: int) -> list[tuple[int, str]]:
        """The oldest messages, so many or so much text; one at least."""
        rows, room = [], BATCH_LETTERS
        question = "SELECT sequence, envelope FROM message ORDER BY sequence LIMIT ?"
        with self._lock:
            for sequence, text in self._connection.execute(question, (limit,)):
                rows.append((sequence, text))
                room -= len(text)
                if room < 0:
                    break
        return rows

    def acknowledge(self, sequence: int) -> None:
        """Forget every message up to this number."""
        with self._lock, self._connection:
            self._connection.execute("DELETE FROM message WHERE sequence <= ?", (sequence,))

    def is_empty(self) -> bool:
        """Whether every message was acknowledged."""
        with self._lock:
            return self._connection.execute("SELECT 1 FROM message LIMIT 1").fetchone() is None

    def is_acknowledged(self, sequence: int) -> bool:
        """Whether every message up to this number was acknowledged."""
        question = "SELECT 1 FROM message WHERE sequence <= ? LIMIT 1"
        with self._lock:
            return self._connection.execute(question, (sequence,)).fetchone() is None

    def close(self) -> None:
        """Close the file; what was appended stays."""
        with self._lock:
            self._connection.close()

    def _put_row_aside(self, sequence: int) -> None:
        with self._lock, self._connection:
            self._connection.execute(
                "INSERT OR REPLACE INTO unreadable SELECT sequence, envelope FROM message WHERE sequence = ?",
                (sequence,),
            )
            self._connection.execute("DELETE FROM message WHERE sequence = ?", (sequence,))


def drain(spool: Spool, director: Director) -> None:
    """Deliver every pending message. What the Director raises goes on to the caller; the spool then keeps the rest."""
    while envelopes := spool.pending():
        committed = director.deliver(envelopes)
        spool.acknowledge(committed)
        if committed < envelopes[-1].sequence:
            return


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, check_same_thread=False, isolation_level=None)
    try:
        path.chmod(0o600)
        journal = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        connection.execute("PRAGMA synchronous = FULL")
        level = connection.execute("PRAGMA synchronous").fetchone()[0]
        if journal != "wal" or level != _FULL:
            raise SpoolUnsafe(path=path, found=f"journal {journal}, synchronous {level}")
        verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if verdict != "ok":
            raise sqlite3.DatabaseError(verdict)
        with closing(connection.cursor()) as cursor:
            cursor.executescript(_SCHEMA)
        connection.execute("SELECT sequence, envelope FROM message LIMIT 1")
    except BaseException:
        connection.close()
        raise
    return connection


def _put_aside(path: Path) -> Path:
    """Rename a broken spool and what belongs to it; the first free number is used, so that nothing is overwritten."""
    number = 1
    while (aside := path.with_name(f"{path.name}.broken-{number}")).exists():
        number += 1
    path.replace(aside)
    for suffix in ("-wal", "-shm"):
        companion = path.with_name(path.name + suffix)
        if companion.exists():
            companion.replace(aside.with_name(aside.name + suffix))
    return aside


__all__ = ["BATCH", "Spool", "drain"]
