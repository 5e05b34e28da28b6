# SPDX-License-Identifier: GPL-3.0-or-later
"""How long the catalog takes to answer, with millions of versions in it. The time of the first answer of a process
counts its opening of the catalog as well."""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from fleetkeep.catalog.database import Catalog, open_catalog
from fleetkeep.clock import UTC
from fleetkeep.director.files import find_files, list_folder, path_history
from fleetkeep.director.history import list_archives
from fleetkeep.model import FileQuery, FileType

from .measuring import call, median, peak_bytes, verdict, with_tools
from .synthetic import path_of

LIST_LIMIT_MS, HISTORY_LIMIT_MS, FIND_LIMIT_MS, MEMORY_LIMIT_MB = 20, 20, 300, 300
PATHS_SHOWN = 100

#: What is searched for: rare, frequent, in two pieces, and not there at all.
NEEDLES: dict[str, dict[str, Any]] = {
    "substring, one path": {"pattern": "{rare}"},
    "substring, frequent": {"pattern": "invoice"},
    "substring, frequent in two words": {"pattern": "invoice_budget"},
    "substring, no hit": {"pattern": "xylophone"},
    "one letter": {"pattern": "e"},
    "two letters": {"pattern": "x7"},
    "two letters, no hit": {"pattern": "qq"},
    "glob, frequent": {"pattern": "*budget*.pdf"},
    "glob, every name": {"pattern": "*"},
    "glob, no hit": {"pattern": "*.iso"},
    "glob, no hit, no certain letter": {"pattern": "[0-9]?*"},
    "glob of a path": {"pattern": "/home/**/inv*.pdf"},
    "part of a path, no hit": {"pattern": "garden/village"},
    "frequent, of a size that a few have": {"pattern": "invoice", "smallest_bytes": 199_900},
    "frequent, of a size that none has": {"pattern": "invoice", "smallest_bytes": 10**9},
    "any name, of a size that none has": {"smallest_bytes": 10**9},
    "any name, of a type that none has": {"types": (FileType.LINK,)},
    "frequent, in one archive": {"pattern": "invoice", "archive": "bench-tree-00002"},
    "frequent, before the first archive": {"pattern": "invoice", "modified_before": datetime(2025, 1, 1, tzinfo=UTC)},
    "frequent, of no job": {"pattern": "invoice", "job": "nothing"},
}


def compare(catalog: Path, paths: int, versions: int, told: int, rounds: int) -> None:
    """Make the catalog unless it is there, ask it and print what that took."""
    if not catalog.exists():
        made = catalog.with_name(catalog.name + ".new")
        told = call(
            [sys.executable, "-m", "benchmarks.synthetic", str(made), str(paths), str(versions), str(told)],
            environment=with_tools(),
        )
        made.replace(catalog)
        catalog.with_suffix(".json").write_text(told)
    told = json.loads(catalog.with_suffix(".json").read_text())
    size = catalog.stat().st_size
    print(f"\nA catalog of {told['versions']:,} versions of {paths:,} paths, {size / 1e6:,.0f} MB")
    print(f"  of which told by messages             {told['told']:>12,}")
    print(f"  bytes per version                     {size / told['versions']:>8.1f}")
    print(f"  versions taken per CPU second, first archive  {told['first_rows_per_cpu_second']:>10,.0f}")
    print(f"  versions taken per CPU second, later archives {told['later_rows_per_cpu_second']:>10,.0f}")
    verdict("memory of the indexer, peak", told["peak_bytes"] / 1e6, MEMORY_LIMIT_MB, "MB")
    command = [sys.executable, "-m", "benchmarks.queries", str(catalog), str(paths), str(rounds)]
    sys.stdout.write(call(command, environment=with_tools()))


def main() -> int:
    path, paths, rounds = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    source = random.Random(3)
    begun = time.perf_counter()
    catalog = open_catalog(path)
    points = list_archives(catalog)
    print(f"  opening the catalog and listing {len(points)} archives{_milliseconds(begun):>22.1f} ms")
    some = [path_of(source.randrange(paths)) for _ in range(rounds)]
    folders = [path.rpartition("/")[0] for path in some]
    _ask("a folder at any point", LIST_LIMIT_MS, folders, lambda of: list_folder(catalog, source.choice(points), of))
    _ask("the history of a path", HISTORY_LIMIT_MS, some, lambda of: path_history(catalog, of))
    for what, wanted in NEEDLES.items():
        names = [path.rpartition("/")[2] for path in some[: max(3, rounds // 10)]]
        patterns = [wanted.get("pattern", "").format(rare=name) for name in names]
        _ask(what, FIND_LIMIT_MS, patterns, partial(_find, catalog, wanted))
    peak = peak_bytes() / 1e6
    print(f"  memory of all these questions in one process, peak {peak:>17,.0f} MB")
    return 0


def _find(catalog: Catalog, wanted: dict[str, Any], pattern: str) -> object:
    return find_files(catalog, FileQuery(**wanted | {"pattern": pattern}, limit=PATHS_SHOWN))


def _ask(what: str, limit: float, questions: list[str], ask: Callable[[str], object]) -> None:
    """Print what the questions took: the time, and the CPU time, which other work on the machine adds less to."""
    taken, cpu = [], []
    for question in questions:
        begun, cpu_begun = time.perf_counter(), time.process_time()
        ask(question)
        taken.append(_milliseconds(begun))
        cpu.append((time.process_time() - cpu_begun) * 1000)
    print(
        f"{what}: {len(taken)} times, first {taken[0]:,.1f} ms, CPU {median(cpu):,.1f} ms, at most {max(cpu):,.1f} ms"
    )
    verdict("median", median(taken), limit, "ms")
    verdict("worst", max(taken), limit, "ms")


def _milliseconds(begun: float) -> float:
    return (time.perf_counter() - begun) * 1000


if __name__ == "__main__":
    sys.exit(main())
