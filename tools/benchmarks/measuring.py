# SPDX-License-Identifier: GPL-3.0-or-later
"""Starting commands, what they cost, and tables of it."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class Cost:
    """What one command took."""

    cpu_seconds: float
    wall_seconds: float


def measure(action: Callable[[], object]) -> Cost:
    """The CPU and wall time of an action that starts processes and waits for them."""
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    action()
    wall, after = time.monotonic() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(cpu_seconds=cpu, wall_seconds=wall)


def call(
    command: Sequence[str],
    *,
    status: tuple[int, ...] = (0,),
    environment: Mapping[str, str] | None = None,
    given: str = "",
) -> str:
    """Run a command to its end and insist on its exit status; gives what it printed, and shows it when it failed."""
    done = subprocess.run(
        command,
        env=environment,
        cwd=ROOT,
        input=given.encode(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    printed = done.stdout.decode(errors="replace")
    if done.returncode not in status:
        sys.stderr.write(printed[-4000:])
        raise SystemExit(f"bench: {' '.join(command[:3])} ... ended with exit status {done.returncode}")
    return printed


def with_tools(**more: str) -> dict[str, str]:
    """The environment in which ``python -m benchmarks.NAME`` is found."""
    return {**os.environ, "PYTHONPATH": str(ROOT / "tools"), **more}


def header(what: str, ours: str, theirs: str) -> None:
    """The first line of a table of costs."""
    print(
        f"{what:<12} {ours + ' CPU':>22} {theirs + ' CPU':>22} {'ratio':>6} {'extra CPU':>10}",
        f"{'wall':>8} {'wall':>8} {'ratio':>6}",
    )


def report(what: str, ours: Sequence[Cost], theirs: Sequence[Cost]) -> None:
    """One line of a table of costs: medians, and ours by theirs."""
    cpu, other_cpu = median(cost.cpu_seconds for cost in ours), median(cost.cpu_seconds for cost in theirs)
    wall, other_wall = median(cost.wall_seconds for cost in ours), median(cost.wall_seconds for cost in theirs)
    print(
        f"{what:<12} {cpu:>20.2f} s {other_cpu:>20.2f} s {cpu / other_cpu:>6.2f} {cpu - other_cpu:>8.2f} s"
        f" {wall:>6.2f} s {other_wall:>6.2f} s {wall / other_wall:>6.2f}",
        flush=True,
    )


def verdict(what: str, value: float, limit: float, unit: str) -> None:
    """A measured value beside what it should be at most."""
    word = "met" if value <= limit else "MISSED"
    print(f"  {what:<58} {value:>10,.1f} {unit:<8} target {limit:,.1f} {unit}: {word}", flush=True)


def peak_bytes() -> int:
    """The most memory that this program had; ``getrusage`` also counts what had started it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


def median(values: Iterable[float]) -> float:
    return statistics.median(values)


__all__ = [
    "BIN",
    "ROOT",
    "Cost",
    "call",
    "header",
    "measure",
    "median",
    "peak_bytes",
    "report",
    "verdict",
    "with_tools",
]
