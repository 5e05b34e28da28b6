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
        """Open the spool at ``path``; one that cannot be opened is a problem of its own, see ``problem``."""
        self.problem = ""
        self._director = director
        self._client = client
        self._clock = clock
        self._lock = threading.Lock()
        self._spool: Spool | None = None
        try:
            self._spool = Spool(path)
            if self._spool.set_aside:
                self.problem = f"The spool was broken and is kept as {self._spool.set_aside}; a new one was begun."
        except (FleetkeepError, sqlite3.Error, OSError) as error:
            self.problem = f"Nothing can be recorded in {path} ({error})."

    def tell(self, message: Message) -> None:
        """Write a message down and deliver what is pending; what cannot be told now waits in the spool."""
        with self._lock:
            if self._spool is None:
                return
            try:
                self._spool.append(message, self._client, self._clock)
            except (sqlite3.Error, OSError) as error:
                self.problem = f"The record of this run is not complete ({error})."
                return
            self._drain()

    def is_told(self) -> bool:
        """Whether the Director has everything."""
        with self._lock:
            return self._spool is not None and self._spool.is_empty()

    def deletion_plan(self, request: DeletionRequest) -> DeletionPlan:
        """What may be deleted. Raises ``DirectorUnreachable`` when the Director does not know all that happened."""
        with self._lock:
            if self._spool is None or not self._spool.is_empty():
                raise DirectorUnreachable(reason=self.problem or "It does not answer.")
            try:
                return self._director.deletion_plan(request)
            except Exception as error:  # whatever the far side of the port raises
                raise DirectorUnreachable(reason=_words(error)) from error

    def close(self) -> None:
        """Close the spool; what is pending stays in it."""
        with self._lock:
            if self._spool is not None:
                self._spool.close()

    def _drain(self) -> None:
        assert self._spool is not None  # noqa: S101 - the callers look
        try:
            drain(self._spool, self._director)
        except Exception as error:  # whatever the far side of the port raises
            self.problem = str(DirectorUnreachable(reason=_words(error)))


def _words(error: Exception) -> str:
    said = " ".join(str(error).split())[:300] or type(error).__name__
    return said.rstrip(".") + "."


__all__ = ["Ledger"]
