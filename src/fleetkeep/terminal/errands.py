# SPDX-License-Identifier: GPL-3.0-or-later
"""Questions that take time: asked in threads, so that the interface never waits, and answered as messages."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any, TypeVar

from textual.app import App
from textual.message import Message

from fleetkeep.borg.process import Cancellation
from fleetkeep.errors import FleetkeepError, HostProblem
from fleetkeep.plan.words import printable

Answer = TypeVar("Answer")
Say = Callable[[str], None]


class Told(Message):
    """Something that a thread has to say to the interface."""

    def __init__(self, act: Callable[[], None]) -> None:
        super().__init__()
        self.act = act


class Errands(App[None]):
    """An application that asks one question of each kind at a time; a new one takes the place of the old."""

    def __init__(self) -> None:
        super().__init__()
        self._wishes: dict[str, Cancellation] = {}

    def ask(
        self,
        kind: str,
        work: Callable[[Cancellation], Answer],
        then: Callable[[Answer], None],
        *,
        say: Say,
        waiting: str = "",
    ) -> None:
        """Have ``work`` done in a thread and ``then`` called with its answer, or ``say`` with what went wrong."""
        self.give_up(kind)
        wish = self._wishes[kind] = Cancellation()
        if waiting:
            say(waiting)

        def run() -> None:
            try:
                answer = work(wish)
            except Exception as error:
                # The name of an exception is gone once its block ends.
                sentence = sentence_of(error)
                self._tell(kind, wish, lambda: say(sentence))
            else:
                self._tell(kind, wish, lambda: then(answer))

        self.run_worker(run, thread=True, group=kind, exit_on_error=False)

    def give_up(self, kind: str) -> None:
        """Stop a question, if there is one; nobody hears its answer."""
        if (before := self._wishes.pop(kind, None)) is not None:
            before.cancel()

    def reporter(self, show: Callable[..., None]) -> Callable[..., None]:
        """What a thread may call to have ``show`` called by the interface."""

        def report(*values: Any) -> None:
            self.post_message(Told(lambda: show(*values)))

        return report

    def on_told(self, message: Told) -> None:
        """Do what a thread asks for."""
        message.act()

    def on_unmount(self) -> None:
        """Nothing outlives the browser."""
        for kind in list(self._wishes):
            self.give_up(kind)

    def _tell(self, kind: str, wish: Cancellation, act: Callable[[], None]) -> None:
        def act_if_wanted() -> None:
            if self._wishes.get(kind) is wish:
                act()

        self.post_message(Told(act_if_wanted))


def sentence_of(error: Exception) -> str:
    """What went wrong, as one sentence."""
    if isinstance(error, FleetkeepError):
        return printable(f"{error} [{error.code}]")
    if isinstance(error, OSError):
        problem = HostProblem(what=error.filename or "This host", reason=error.strerror or error)
    elif isinstance(error, sqlite3.Error):
        problem = HostProblem(what="The catalog", reason=error)
    else:
        problem = HostProblem(what="This did not work", reason=f"{type(error).__name__}: {error}")
    return printable(f"{problem} [{problem.code}]")


__all__ = ["Errands", "Told", "sentence_of"]
