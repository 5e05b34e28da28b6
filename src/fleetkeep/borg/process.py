# SPDX-License-Identifier: GPL-3.0-or-later
"""Running one borg process; the only file of this package that starts something."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from fleetkeep.clock import SystemClock

from .access import BorgAccess
from .events import Event, LogMessage, parse_event
from .locks import remove_locks_of
from .passphrase import Passphrase

#: A process that was asked to end is killed after this time.
GRACE_SECONDS = 1.2

#: How often a process without output is looked after.
TICK_SECONDS = 0.1

#: A hostile storage could answer without end.
LARGEST_OUTPUT_BYTES = 256 * 1024 * 1024
LONGEST_LINE_BYTES = 1024 * 1024
FIRST_MESSAGES_KEPT = 1_000
LAST_MESSAGES_KEPT = 200

#: Prints the next line of what Borg was given as its input. A shell reads it byte by byte, so the second call finds the
#: second line, and ``printf`` is its own word, so the line is never an argument of a process.
_NEXT_LINE = """sh -c 'IFS= read -r line && printf %s "$line"'"""

_READ_BYTES = 65_536
_SIGNAL_BASE = 128


class Cancellation:
    """A wish to stop, which any thread or signal handler may express once and every process of a run obeys."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def cancel(self) -> None:
        """Ask to stop; asking again changes nothing."""
        self._event.set()

    @property
    def is_cancelled(self) -> bool:
        """Whether somebody asked to stop."""
        return self._event.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait until somebody asks to stop, at most this long; whether somebody did."""
        return self._event.wait(seconds)


@dataclass(frozen=True)
class BorgResult:
    """How a borg process ended."""

    exit_code: int
    """Borg's modern exit code: 0, 1 and 100-127 with warnings, 2-99 errors, 128 + number of a signal."""

    stdout: bytes = b""
    """Its standard output, unless that went elsewhere."""

    log: tuple[LogMessage, ...] = ()
    """Its messages: the first thousand and the last two hundred."""

    cancelled: bool = False
    """Whether it was ended because of the cancellation."""

    timed_out: bool = False
    """Whether it was ended because of the deadline."""

    @property
    def is_success(self) -> bool:
        """Whether it ended well, perhaps with warnings."""
        return self.exit_code in (0, 1) or 100 <= self.exit_code < _SIGNAL_BASE


def run_borg(
    access: BorgAccess,
    arguments: Sequence[str],
    *,
    on_event: Callable[[Event], None] | None = None,
    cancellation: Cancellation | None = None,
    deadline_seconds: float | None = None,
    working_directory: Path | None = None,
    standard_output: IO[bytes] | None = None,
    inside: Sequence[str] = (),
    new_passphrase: Passphrase | None = None,
) -> BorgResult:
    """Run borg to its end, reading its events live.

    The process has a session of its own, no input, and the passphrase by file descriptor. A cancellation or the
    deadline ends its whole group: SIGTERM, and SIGKILL after ``GRACE_SECONDS``, whereupon locks that it left on this
    host are removed.

    Arguments:
        access: The program, the repository, the secret and the environment.
        arguments: As the builders of ``command`` give them.
        on_event: Called in this thread with each event as it comes; if it raises, the process is ended.
        cancellation: Stops the process when somebody asks to.
        deadline_seconds: The most that the process may take, by a clock that never steps.
        working_directory: Where it runs (``borg extract`` writes there).
        standard_output: A file that takes the output; without it, the result holds it.
        inside: What stands in front of the arguments in place of the program: see ``interpreter.inside_borg``.
        new_passphrase: For ``key change-passphrase``: what takes the place of the passphrase. Both are then one line.

    Raises ``OSError`` when the program cannot be started.
    """
    if cancellation is not None and cancellation.is_cancelled:
        return BorgResult(exit_code=_SIGNAL_BASE + signal.SIGTERM, cancelled=True)
    supervisor = _Supervisor(on_event, cancellation, deadline_seconds)
    command = [*(inside or [access.program]), "--log-json", *arguments]
    if new_passphrase is None:
        process = _start(access, command, working_directory, standard_output)
    else:
        process = _start_with_two(access, command, new_passphrase)
    try:
        supervisor.watch(process)
    finally:
        if process.poll() is None:
            _signal_group(process, signal.SIGKILL)
        process.wait()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()
        if process.returncode == -signal.SIGKILL:
            remove_locks_of(process.pid, _lockable(access), access.environment.get("BORG_HOST_ID", ""))
    return supervisor.result(process.returncode)


def _start(
    access: BorgAccess, command: Sequence[str], working_directory: Path | None, standard_output: IO[bytes] | None
) -> subprocess.Popen[bytes]:
    readable, writable = os.pipe()
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if standard_output is None else standard_output,
            stderr=subprocess.PIPE,
            cwd=working_directory,
            env={**access.environment, "BORG_EXIT_CODES": "modern", "BORG_PASSPHRASE_FD": str(readable)},
            pass_fds=(readable,),
            start_new_session=True,
        )
    except BaseException:
        os.close(writable)
        raise
    finally:
        os.close(readable)
    with contextlib.suppress(BrokenPipeError), os.fdopen(writable, "wb") as pipe:
        pipe.write(access.passphrase.reveal().encode() if access.passphrase is not None else b"")
    return process


def _start_with_two(access: BorgAccess, command: Sequence[str], new: Passphrase) -> subprocess.Popen[bytes]:
    """Start a borg that asks for its passphrase, and then for the new one.

    Borg 1.4 takes a new passphrase from its environment only, which ssh and other children of it would inherit, or from
    the command that prints the passphrase: that is asked twice, and answers from the input that it inherits.
    """
    process = subprocess.Popen(
        list(command),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**access.environment, "BORG_EXIT_CODES": "modern", "BORG_PASSCOMMAND": _NEXT_LINE},
        start_new_session=True,
    )
    old = access.passphrase.reveal() if access.passphrase is not None else ""
    if process.stdin is not None:
        with contextlib.suppress(BrokenPipeError), process.stdin as pipe:
            pipe.write(f"{old}\n{new.reveal()}\n".encode())
    return process


class _Supervisor:
    """Reads both outputs of a process and ends it when it must end."""

    def __init__(
        self,
        on_event: Callable[[Event], None] | None,
        cancellation: Cancellation | None,
        deadline_seconds: float | None,
    ) -> None:
        self._clock = SystemClock()
        self._on_event = on_event
        self._cancellation = cancellation
        self._deadline = None if deadline_seconds is None else self._clock.monotonic() + deadline_seconds
        self._kill_at: float | None = None
        self._cancelled = False
        self._timed_out = False
        self._output = bytearray()
        self._overflowed = False
        self._lines = LineSplitter()
        self._first: list[LogMessage] = []
        self._last: deque[LogMessage] = deque(maxlen=LAST_MESSAGES_KEPT)

    def watch(self, process: subprocess.Popen[bytes]) -> None:
        """Return when the process has ended and everything it said is read."""
        handlers = {process.stderr: self._take_messages, process.stdout: self._take_output}
        with selectors.DefaultSelector() as selector:
            for stream, handler in handlers.items():
                if stream is not None:
                    selector.register(stream, selectors.EVENT_READ, handler)
            while selector.get_map():
                ready = selector.select(TICK_SECONDS)
                for key, _ in ready:
                    block = os.read(key.fd, _READ_BYTES)
                    key.data(block)
                    if not block:
                        selector.unregister(key.fileobj)
                self._look_after(process)
                if not ready and process.poll() is not None:
                    break  # a child of it, such as an ssh master, keeps the pipe open
        while process.poll() is None:
            self._look_after(process)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(TICK_SECONDS)

    def result(self, returncode: int) -> BorgResult:
        """What became of the process."""
        return BorgResult(
            exit_code=returncode if returncode >= 0 else _SIGNAL_BASE - returncode,
            stdout=bytes(self._output),
            log=(*self._first, *self._last),
            cancelled=self._cancelled,
            timed_out=self._timed_out,
        )

    def _look_after(self, process: subprocess.Popen[bytes]) -> None:
        now = self._clock.monotonic()
        if self._kill_at is not None:
            if now >= self._kill_at:
                _signal_group(process, signal.SIGKILL)
        elif self._must_end(now):
            self._kill_at = now + GRACE_SECONDS
            _signal_group(process, signal.SIGTERM)

    def _must_end(self, now: float) -> bool:
        if self._cancellation is not None and self._cancellation.is_cancelled:
            self._cancelled = True
        elif self._deadline is not None and now >= self._deadline:
            self._timed_out = True
        return self._cancelled or self._timed_out or self._overflowed

    def _take_output(self, block: bytes) -> None:
        if len(self._output) + len(block) > LARGEST_OUTPUT_BYTES:
            if not self._overflowed:
                self._keep(LogMessage("ERROR", f"more than {LARGEST_OUTPUT_BYTES} bytes of output", "OutputTooLarge"))
            self._overflowed = True
            return
        self._output += block

    def _take_messages(self, block: bytes) -> None:
        for line in self._lines.feed(block):
            event = parse_event(line)
            if event is None:
                continue
            if isinstance(event, LogMessage):
                self._keep(event)
            if self._on_event is not None:
                self._on_event(event)

    def _keep(self, message: LogMessage) -> None:
        if len(self._first) < FIRST_MESSAGES_KEPT:
            self._first.append(message)
        else:
            self._last.append(message)


class LineSplitter:
    """Cuts blocks of bytes into lines; of a line that is too long, only the beginning is given."""

    def __init__(self, longest: int = LONGEST_LINE_BYTES) -> None:
        self._longest = longest
        self._rest = bytearray()

    def feed(self, block: bytes) -> list[bytes]:
        """The lines that this block completes; an empty block ends the stream and gives what is left."""
        if not block:
            last, self._rest = bytes(self._rest), bytearray()
            return [last] if last else []
        *complete, rest = block.split(b"\n")
        lines = []
        for line in complete:
            self._append(line)
            lines.append(bytes(self._rest))
            self._rest = bytearray()
        self._append(rest)
        return lines

    def _append(self, part: bytes) -> None:
        self._rest += part[: max(0, self._longest - len(self._rest))]


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def _lockable(access: BorgAccess) -> list[Path]:
    """The folders on this host in which a process of this access holds locks."""
    folders = [Path(access.location)] if access.location.startswith("/") else []
    cache = access.environment.get("BORG_CACHE_DIR")
    if cache:
        with contextlib.suppress(OSError):
            folders += [folder for folder in Path(cache).iterdir() if folder.is_dir()]
    return folders


__all__ = ["GRACE_SECONDS", "BorgResult", "Cancellation", "LineSplitter", "run_borg"]
