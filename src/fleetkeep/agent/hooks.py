# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs one hook: an argument list in a session of its own, with a time limit for it and all its children."""

from __future__ import annotations

import contextlib
import os
import selectors
import shlex
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fleetkeep.borg.events import clean_text
from fleetkeep.borg.process import Cancellation
from fleetkeep.clock import SystemClock
from fleetkeep.model import Hook
from fleetkeep.settings import child_environment

#: What is kept of a hook's output.
LARGEST_OUTPUT_BYTES = 64 * 1024

#: A hook that was asked to end is killed after this time.
GRACE_SECONDS = 1.0

_TICK_SECONDS = 0.1
_READ_BYTES = 65_536


@dataclass(frozen=True)
class HookResult:
    """How a hook ended."""

    command: str
    """The command as a person would type it."""

    exit_code: int | None
    """``None`` when it could not be started; 128 + number of a signal that ended it."""

    output: str
    """The first 64 KiB of both its outputs, without control characters."""

    duration_seconds: float
    problem: str = ""
    """What went wrong, such as ``ended with exit code 1``; empty when nothing did."""

    cancelled: bool = False
    """Whether it was ended because somebody asked to."""


def run_hook(
    hook: Hook,
    environment: Mapping[str, str],
    *,
    cancellation: Cancellation | None = None,
    longest_seconds: float | None = None,
    working_directory: Path | None = None,
) -> HookResult:
    """Run a hook to its end, its timeout or a cancellation, whichever comes first.

    Arguments:
        hook: The command and its timeout.
        environment: What it learns of the run; never a secret.
        cancellation: Ends it when somebody asks to; without one it is left to its timeout.
        longest_seconds: A limit that is shorter than its own timeout.
        working_directory: Where it runs; without one, where this process does.
    """
    clock = SystemClock()
    began = clock.monotonic()
    command = shlex.join(hook.command)
    try:
        process = subprocess.Popen(
            hook.command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=child_environment(environment),
            start_new_session=True,
            cwd=working_directory,
        )
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        return HookResult(command, None, "", clock.monotonic() - began, f"cannot be started ({reason})")
    limit = min(hook.timeout.total_seconds(), longest_seconds or float("inf"))
    watch = _Watch(process, began + limit, cancellation)
    try:
        watch.run()
    finally:
        watch.end()
    return HookResult(
        command=command,
        exit_code=process.returncode if process.returncode >= 0 else 128 - process.returncode,
        output=clean_text(watch.output.decode("utf-8", "surrogateescape"), longest=LARGEST_OUTPUT_BYTES),
        duration_seconds=clock.monotonic() - began,
        problem=_problem(watch, process.returncode, limit),
        cancelled=watch.cancelled,
    )


def _problem(watch: _Watch, returncode: int, limit: float) -> str:
    if watch.cancelled:
        return "was cancelled"
    if watch.timed_out:
        return f"did not end within {limit:g} seconds"
    if returncode < 0:
        return f"was ended by {signal.Signals(-returncode).name}"
    return f"ended with exit code {returncode}" if returncode else ""


class _Watch:
    """Reads a hook's output and ends its group when its time is over."""

    def __init__(self, process: subprocess.Popen[bytes], deadline: float, cancellation: Cancellation | None) -> None:
        self.output = bytearray()
        self.timed_out = False
        self.cancelled = False
        self._process = process
        self._deadline = deadline
        self._cancellation = cancellation
        self._clock = SystemClock()

    def run(self) -> None:
        """Return when the hook has ended, or must end."""
        stream = self._process.stdout
        assert stream is not None  # noqa: S101 - it was asked for as a pipe
        with selectors.DefaultSelector() as selector:
            selector.register(stream, selectors.EVENT_READ)
            while self._process.poll() is None and not self._must_end():
                self._read(selector)
            self._read(selector, timeout=0)

    def end(self) -> None:
        """End what is left of it after a timeout or cancellation; a hook that ended well may leave a daemon."""
        if self._process.poll() is None:
            self._signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(GRACE_SECONDS)
        if self._process.poll() is None or self.timed_out or self.cancelled:
            self._signal(signal.SIGKILL)
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _must_end(self) -> bool:
        self.cancelled = self._cancellation is not None and self._cancellation.is_cancelled
        self.timed_out = not self.cancelled and self._clock.monotonic() >= self._deadline
        return self.cancelled or self.timed_out

    def _read(self, selector: selectors.BaseSelector, timeout: float = _TICK_SECONDS) -> None:
        """Take what is there; the rest of a long output is read and dropped, so that the hook never blocks."""
        if not selector.get_map():
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout)
            return
        for key, _ in selector.select(timeout):
            block = os.read(key.fd, _READ_BYTES)
            self.output += block[: LARGEST_OUTPUT_BYTES - len(self.output)]
            if not block:
                selector.unregister(key.fileobj)

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)


__all__ = ["GRACE_SECONDS", "LARGEST_OUTPUT_BYTES", "HookResult", "run_hook"]
