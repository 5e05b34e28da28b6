# SPDX-License-Identifier: GPL-3.0-or-later
"""Kills at random points that can be repeated: ``FLEETKEEP_FAULT_SEED`` is the seed that a message names."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

#: Whom a kill hits: the command with all its children, as a power cut does, or it alone, so that Borg lives on.
VICTIMS = ("the command and its children", "the command alone")


@dataclass(frozen=True)
class Kill:
    """When and whom to kill."""

    number: int
    seed: str
    delay: float
    victims: str

    def __str__(self) -> str:
        return f"kill {self.number} of FLEETKEEP_FAULT_SEED={self.seed}: {self.victims}, after {self.delay:.3f} s"


def draw_kills(what: str, count: int, seconds: float) -> Iterator[Kill]:
    """Kills of a thing that takes so many seconds undisturbed, uniformly over them."""
    seed = os.environ.get("FLEETKEEP_FAULT_SEED", "1")
    chance = random.Random(f"{what} {seed}")
    for number in range(1, count + 1):
        yield Kill(number, seed, chance.uniform(0, seconds), VICTIMS[number % 2])


def measure(work: Callable[[], object]) -> float:
    """How many seconds something takes."""
    began = time.monotonic()
    work()
    return time.monotonic() - began


def strike(command: Sequence[str], kill: Kill) -> bool:
    """Start a command and kill it; whether it had not ended by itself before."""
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    ) as process:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(kill.delay)
            return False
        os.kill(process.pid, signal.SIGSTOP)  # so that no child comes while they are counted
        children = descendants(process.pid) if kill.victims == VICTIMS[0] else []
        for pid in [process.pid, *children]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    while any(_is_alive(pid) for pid in children):
        time.sleep(0.01)
    return True


def descendants(pid: int) -> list[int]:
    """The children of a process and theirs."""
    parents = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, IndexError):
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
    found, fresh = [], [pid]
    while fresh := [child for child, parent in parents.items() if parent in fresh]:
        found += fresh
    return found


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (OSError, IndexError):
        return False
