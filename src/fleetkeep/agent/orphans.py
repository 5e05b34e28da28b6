# SPDX-License-Identifier: GPL-3.0-or-later
"""Ends what a run that was killed left running: Borg does not notice that nobody listens to it any more."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path

from fleetkeep.borg.process import Cancellation
from fleetkeep.clock import Clock

#: An orphan that does not end when asked is killed after this time.
GRACE_SECONDS = 5.0

PROCESSES = Path("/proc")

_POLL_SECONDS = 0.1


def end_orphans(run_id: str, clock: Clock, cancellation: Cancellation, processes: Path = PROCESSES) -> int:
    """End every process that still makes an archive for a dead run, and give their number.

    They are known by the run's identifier, which stands in the archive's name and nowhere else; it takes no more than
    ``GRACE_SECONDS`` and a moment, and less after a cancellation.
    """
    orphans = find_orphans(run_id, processes)
    _signal(orphans, signal.SIGTERM)
    deadline = clock.monotonic() + GRACE_SECONDS
    alive = orphans
    while alive and clock.monotonic() < deadline:
        alive = [pid for pid in find_orphans(run_id, processes) if pid in orphans]
        if cancellation.wait(_POLL_SECONDS):
            break
    _signal(alive, signal.SIGKILL)
    return len(orphans)


def find_orphans(run_id: str, processes: Path) -> list[int]:
    """The processes among whose arguments is the archive of a run."""
    found = []
    for folder in processes.glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if is_making((folder / "cmdline").read_bytes(), run_id):
                found.append(int(folder.name))
    return found


def is_making(command_line: bytes, run_id: str) -> bool:
    r"""Whether the arguments of a process, each ended by NUL, make the archive of a run.

    >>> is_making(b"borg\0create\0/srv/borg::web1-system-20261121T020000Z-0123456789ab\0/etc\0", "0123456789ab")
    True
    """
    arguments = command_line.split(b"\0")
    ending = f"-{run_id}".encode()
    return b"create" in arguments and any(b"::" in each and each.endswith(ending) for each in arguments)


def _signal(processes: list[int], number: signal.Signals) -> None:
    for pid in processes:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


__all__ = ["GRACE_SECONDS", "end_orphans", "find_orphans", "is_making"]
