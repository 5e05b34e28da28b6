# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run tells its Director, through the spool. Nothing that goes wrong here ever costs a backup."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from fleetkeep.borg.process import Cancellation
from fleetkeep.clock import Clock
from fleetkeep.errors import DirectorUnreachable, FleetkeepError
from fleetkeep.link import Message
from fleetkeep.model import DeletionPlan, DeletionRequest, IndexOrder, IndexRequest

from .director_port import Director
from .spool import Spool, drain

#: After a cancellation, so long is waited for the Director to take the last words.
LAST_WORDS_SECONDS = 0.7

_TICK_SECONDS = 0.2

Answer = TypeVar("Answer")


class Ledger:
    """Spool and Director of one run; its threads share it, one at a time."""

    def __init__(
        self,
        path: Path,
        director: Director,
        client: str,
        clock: Clock,
        cancellation: Cancellation | None = None,
    ) -> None:
        """Open the spool at ``path``; one that cannot be opened is a ``problem`` and no error.

        After a cancellation nobody waits long for a Director that does not answer.
        """
        self._director = director
        self._client = client
        self._clock = clock
        self._cancellation = cancellation or Cancellation()
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._couriers: list[threading.Thread] = []
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
        if self._write(message):
            self._wait_for(self._send())

    def tell_soon(self, message: Message) -> None:
        """Write a message down now and deliver it beside the work; what is told later waits for it."""
        if self._write(message):
            self._send()

    def is_told(self) -> bool:
        """Whether the Director has everything that was told here."""
        with self._lock:
            return self._is_told()

    def note(self, message: Message) -> None:
        """Write a message down now; it is delivered before what is told next."""
        self._write(message)

    def deletion_plan(self, request: DeletionRequest) -> DeletionPlan:
        """What may be deleted. Raises ``DirectorUnreachable`` when the Director does not know all that happened."""
        return self._ask(lambda director: director.deletion_plan(request))

    def index_order(self, request: IndexRequest) -> IndexOrder:
        """Which archives to tell from the inside. Raises ``DirectorUnreachable`` as ``deletion_plan`` does."""
        return self._ask(lambda director: director.index_order(request))

    def _ask(self, question: Callable[[Director], Answer]) -> Answer:
        with self._lock:
            if not self._is_told():
                raise DirectorUnreachable(reason=self._unrecorded or self._undelivered or "It does not answer.")
            try:
                return question(self._director)
            except Exception as error:  # whatever the far side of the port raises
                raise DirectorUnreachable(reason=_words(error)) from error

    def close(self) -> None:
        """Close the spool; what is pending stays in it."""
        for courier in self._couriers:
            self._wait_for(courier, last_words_seconds=0)
        # A courier that still waits for the Director ends with this process; the spool is whole at any moment.
        if self._spool is not None and not any(courier.is_alive() for courier in self._couriers):
            self._spool.close()

    def _is_told(self) -> bool:
        """Messages of other processes in the same spool do not count."""
        return self._spool is not None and self._spool.is_acknowledged(self._last_sequence)

    def _write(self, message: Message) -> bool:
        """Append to the spool; whether it is there."""
        if self._spool is None:
            return False
        with self._writing:
            try:
                self._last_sequence = self._spool.append(message, self._client, self._clock).sequence
            except (sqlite3.Error, OSError) as error:
                self._unrecorded = f"The record of this run is not complete ({error})."
                return False
        return True

    def _send(self) -> threading.Thread:
        """Deliver what is pending, beside the work."""
        courier = threading.Thread(target=self._drain, name="ledger", daemon=True)
        self._couriers.append(courier)
        courier.start()
        return courier

    def _wait_for(self, courier: threading.Thread, last_words_seconds: float = LAST_WORDS_SECONDS) -> None:
        """Wait until what was sent arrived or failed, but only a moment once somebody wants the end."""
        while courier.is_alive() and not self._cancellation.is_cancelled:
            courier.join(_TICK_SECONDS)
        courier.join(last_words_seconds)

    def _drain(self) -> None:
        assert self._spool is not None  # noqa: S101 - the callers wrote to it
        with self._lock:
            try:
                drain(self._spool, self._director)
                self._undelivered = ""
            except Exception as error:  # whatever the far side of the port raises
                self._undelivered = _words(error)


def _words(error: Exception) -> str:
    said = " ".join(str(error).split())[:300] or type(error).__name__
    return said.rstrip(".") + "."


__all__ = ["Ledger"]
