# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run tells its Director, through the spool. Nothing that goes wrong here ever costs a backup."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

from fleetkeep.clock import Clock
from fleetkeep.errors import DirectorUnreachable, FleetkeepError
from fleetkeep.link import Message
from fleetkeep.model import DeletionPlan, DeletionRequest

from .director_port import Director
from .spool import Spool, drain


class Ledger:
    """Spool and Director of one run; its threads share it, one at a time."""

    def __init__(self, path: Path, director: Director, client: str, clock: Clock) -> None:
        """Open the spool at ``path``; one that cannot be opened is a ``problem`` and no error."""
        self._director = director
        self._client = client
        self._clock = clock
        self._lock = threading.Lock()
        self._courier: threading.Thread | None = None
        self._last_sequence = 0
        self._undelivered = ""
        self._unrecorded = ""
        self._spool: Spool | None = None
        try:
            self._spool = Spool(path)
            if self._spool.set_aside:
                self._unrecorded = f"The spool was broken and is kept as {self._spool.set_aside}; a new one was begun."
        except (FleetkeepError, sqlite3.Error, OSError) as error:
            self._unrecorded = f"Nothing can be recorded in {path} ({error})."

    @property
    def problem(self) -> str:
        """What is wrong with the record, in one sentence; empty when nothing is."""
        if self._unrecorded or not self._undelivered:
            return self._unrecorded
        return str(DirectorUnreachable(reason=self._undelivered))

    @property
    def loss(self) -> str:
        """Why the record has a gap that nobody can fill any more; empty when it has none."""
        return self._unrecorded

    def tell(self, message: Message) -> None:
        """Write a message down and deliver what is pending; what cannot be told now waits in the spool."""
        with self._lock:
            if self._write(message):
                self._drain()

    def tell_soon(self, message: Message) -> None:
        """Write a message down now and deliver it beside the work; what is told later waits for it."""
        with self._lock:
            if not self._write(message):
                return
        self._courier = threading.Thread(target=self._drain_locked, name="ledger")
        self._courier.start()

    def is_told(self) -> bool:
        """Whether the Director has everything that was told here."""
        with self._lock:
            return self._is_told()

    def deletion_plan(self, request: DeletionRequest) -> DeletionPlan:
        """What may be deleted. Raises ``DirectorUnreachable`` when the Director does not know all that happened."""
        with self._lock:
            if not self._is_told():
                raise DirectorUnreachable(reason=self._unrecorded or self._undelivered or "It does not answer.")
            try:
                return self._director.deletion_plan(request)
            except Exception as error:  # whatever the far side of the port raises
                raise DirectorUnreachable(reason=_words(error)) from error

    def close(self) -> None:
        """Close the spool; what is pending stays in it."""
        if self._courier is not None:
            self._courier.join()
        with self._lock:
            if self._spool is not None:
                self._spool.close()

    def _is_told(self) -> bool:
        """Messages of other processes in the same spool do not count."""
        return self._spool is not None and self._spool.is_acknowledged(self._last_sequence)

    def _write(self, message: Message) -> bool:
        """Append to the spool; whether it is there."""
        if self._spool is None:
            return False
        try:
            self._last_sequence = self._spool.append(message, self._client, self._clock).sequence
        except (sqlite3.Error, OSError) as error:
            self._unrecorded = f"The record of this run is not complete ({error})."
            return False
        return True

    def _drain_locked(self) -> None:
        with self._lock:
            self._drain()

    def _drain(self) -> None:
        assert self._spool is not None  # noqa: S101 - the callers wrote to it
        try:
            drain(self._spool, self._director)
            self._undelivered = ""
        except Exception as error:  # whatever the far side of the port raises
            self._undelivered = _words(error)


def _words(error: Exception) -> str:
    said = " ".join(str(error).split())[:300] or type(error).__name__
    return said.rstrip(".") + "."


__all__ = ["Ledger"]
