# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run says while it is at work: one kind of event, taken by the terminal, by programs and by the run's log."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO, Protocol

from fleetkeep.clock import Clock

from .files import make_folder


@dataclass(frozen=True)
class RunEvent:
    """Something that happened in a run.

    ``event`` is one of: ``run_started``, ``stage_started``, ``stage_finished``, ``source_left_out``, ``hook_output``,
    ``waiting``, ``progress``, ``percent``, ``file_warning``, ``message``, ``archive``, ``archives_deleted``,
    ``repository_finished``, ``run_finished``.
    """

    event: str
    """A constant that names it."""

    at: datetime
    """When it happened, by the clock of this host."""

    run: str
    """The run's identifier."""

    repository: str | None = None
    """The repository it is about, if it is about one."""

    data: Mapping[str, object] = field(default_factory=dict)
    """What belongs to this kind of event."""

    def as_json(self) -> str:
        """One line of JSON, in ASCII, without a line break at its end."""
        head = {"event": self.event, "at": self.at.isoformat(), "run": self.run}
        if self.repository is not None:
            head["repository"] = self.repository
        return json.dumps({**head, **self.data}, ensure_ascii=True, default=str)


class ProgressSink(Protocol):
    """Takes the events of a run, one at a time and in their order, from any of its threads.

    An ``OSError`` (a terminal that went away) ends its listening and never the run.
    """

    def __call__(self, event: RunEvent) -> None: ...


def ignore(event: RunEvent) -> None:
    """A sink for whoever does not care."""


class Emitter:
    """Stamps events and hands them to every sink that still listens."""

    def __init__(self, run_id: str, clock: Clock, sinks: Sequence[ProgressSink]) -> None:
        self._run_id = run_id
        self._clock = clock
        self._sinks = list(sinks)
        self._lock = threading.Lock()

    def emit(self, event: str, repository: str | None = None, **data: object) -> None:
        """Say that something happened."""
        with self._lock:
            stamped = RunEvent(event, self._clock.now(), self._run_id, repository, data)
            self._sinks = [sink for sink in self._sinks if _hands_over(sink, stamped)]


def _hands_over(sink: ProgressSink, event: RunEvent) -> bool:
    try:
        sink(event)
    except OSError:
        return False
    return True


class RunLog:
    """The events of a run as JSON lines in a file that only its owner reads; how far Borg is, is left out.

    A log that cannot be written costs no backup: ``problem`` then says why there is none.
    """

    def __init__(self, path: Path) -> None:
        self.problem = ""
        self._file: IO[str] | None = None
        try:
            make_folder(path.parent)
            path.parent.chmod(0o700)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            self._file = os.fdopen(descriptor, "a", encoding="ascii", buffering=1)
        except OSError as error:
            self.problem = f"{path}: {error.strerror}"

    def __call__(self, event: RunEvent) -> None:
        if self._file is not None and event.event not in ("progress", "percent"):
            self._file.write(event.as_json() + "\n")

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()


__all__ = ["Emitter", "ProgressSink", "RunEvent", "RunLog", "ignore"]
