# SPDX-License-Identifier: GPL-3.0-or-later
"""What it costs that a run brings every file into the catalog: its share of the run's CPU, and its memory.

There is no switch that leaves the indexing out. So a run is observed from the inside: the process that looks into the
archives, less the ``borg list`` that a run needs in any case to confirm its archive, and the telling of what it found.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from .measuring import call, measure, median, verdict, with_tools
from .run_beside_borg import BareBorg
from .trees import apply, declare, make_small_tree

SHARE_LIMIT_PERCENT, MEMORY_LIMIT_MB = 5, 300


def compare(place: Path, files: int, rounds: int, tree: Path) -> None:
    """Observe the first run and unchanged ones of a tree, which is made unless it is there."""
    place.mkdir(parents=True, exist_ok=True)
    ready = tree.with_name(tree.name + ".ready")
    if not ready.exists():
        make_small_tree(tree, files)
        ready.touch()
    prefix, inventory = declare(place, tree)
    apply(prefix, inventory)
    bare = BareBorg(place)
    bare.create(inventory)  # listing a repository takes the same time whatever its archives hold
    listing = median(measure(lambda: bare.call("list", "--json", str(bare.place / "bare"))).cpu_seconds for _ in "123")
    print(f"\n{files:,} files, the first run and {rounds} unchanged ones")
    _print("first", [_observe(place, prefix)], listing)
    unchanged = [_observe(place, prefix) for _ in range(rounds)]
    _print("unchanged", unchanged, listing)


def _observe(place: Path, prefix: Path) -> list[dict[str, Any]]:
    report = place / "observed.json"
    words = ["-m", "benchmarks.observed_run", str(report), "--prefix", str(prefix), "run", "tree", "--json"]
    call([sys.executable, *words], status=(0, 3), environment=with_tools())
    seen: list[dict[str, Any]] = json.loads(report.read_text())
    return seen


def _print(what: str, runs: list[list[dict[str, Any]]], listing: float) -> None:
    cpu = {name: median(_sum(run, name) for run in runs) for name in _names(runs)}
    peak = {name: max(step["peak_bytes"] for run in runs for step in run if step["what"] == name) for name in cpu}
    whole = sum(cpu[name] for name in cpu if name.startswith("borg ")) + cpu["fleetkeep"]
    telling = cpu.get("tell_before", 0) + cpu.get("tell_files", 0)
    indexing = max(cpu.get("borg look", 0) - listing, 0) + cpu.get("look", 0) + telling
    print(f"{what}: {whole:.2f} s of CPU in all")
    for name in sorted(cpu):
        memory = f"{peak[name] / 1e6:>8,.0f} MB" if peak[name] else ""
        print(f"  {name:<16} {cpu[name]:>8.2f} s {memory}")
    print(f"  {'a plain list':<16} {listing:>8.2f} s")
    share = 100 * indexing / (whole - indexing)
    if what == "unchanged":
        verdict(f"indexing ({indexing:.2f} s), beside the rest of the run", share, SHARE_LIMIT_PERCENT, "%")
    else:
        print(f"  indexing ({indexing:.2f} s), beside the rest of the run: {share:.1f} % (no target)")
    verdict(
        "memory of the process that looks into archives, peak", peak.get("borg look", 0) / 1e6, MEMORY_LIMIT_MB, "MB"
    )
    verdict("memory of fleetkeep, peak", peak["fleetkeep"] / 1e6, MEMORY_LIMIT_MB, "MB")


def _names(runs: list[list[dict[str, Any]]]) -> set[str]:
    return {step["what"] for run in runs for step in run}


def _sum(run: list[dict[str, Any]], name: str) -> float:
    return sum(step["cpu_seconds"] for step in run if step["what"] == name)


__all__ = ["compare"]
