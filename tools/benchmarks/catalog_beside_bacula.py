# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalogs of Fleetkeep and of Bacula 9.6 after the same backups of the same files: bytes per file version.

Both know each file once and then once for each change. Bacula also keeps an MD5 of each file; Fleetkeep keeps an index
of all names for the search, which counts here.
"""

from __future__ import annotations

import random
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from .bacula import Bacula, install_bacula
from .measuring import measure, verdict
from .trees import apply, declare, fleetkeep_run, make_small_tree

LIMIT_OF_BACULA = 0.5
SYSTEM_TREE = Path("/usr/share")

_OURS = r"replace(replace(name, 'sqlite_autoindex_', ''), 'ix_', '') LIKE 'file\_%' ESCAPE '\'"
_THEIRS = "name IN (SELECT name FROM sqlite_master WHERE lower(tbl_name) IN ('file', 'filename', 'path'))"


def compare(place: Path, files: int, rounds: int) -> None:
    """Back up with both and print what their catalogs have for it."""
    missing = install_bacula()
    if missing:
        raise SystemExit(f"bench: {missing}")
    place.mkdir(parents=True)
    paths = make_small_tree(place / "tree", files, b"something\n")
    more = [SYSTEM_TREE] if SYSTEM_TREE.is_dir() else []
    prefix, inventory = declare(place, place / "tree", *more)
    apply(prefix, inventory)
    ours, source = fleetkeep_run(prefix), random.Random(5)
    with Bacula(place / "bacula", [place / "tree", *more]) as bacula:
        cpu = measure(ours).cpu_seconds
        bacula.backup("Full")
        print(f"\nCPU of the first backup: Fleetkeep {cpu:.1f} s, Bacula {bacula.cpu_seconds():.1f} s")
        for number in range(rounds):
            time.sleep(2)  # Bacula sees changes by the second
            for path in source.sample(paths, files // 100):
                path.write_bytes(b"changed %d\n" % number)
            time.sleep(2)
            ours()
            bacula.backup("Incremental")
    _print(prefix / "var/lib/fleetkeep/catalog.sqlite", bacula.database, rounds)


def _print(catalog: Path, theirs: Path, rounds: int) -> None:
    with closing(sqlite3.connect(catalog)) as connection:
        versions = connection.execute("SELECT count(*) FROM file_version").fetchone()[0]
        size = _bytes(connection, _OURS)
    with closing(sqlite3.connect(theirs)) as connection:
        rows = connection.execute("SELECT count(*) FROM File").fetchone()[0]
        their_size = _bytes(connection, _THEIRS)
    print(f"One full backup and {rounds} with 1 % changed, bytes of the tables and indexes for files")
    print(f"  {'':<12} {'versions':>12} {'bytes':>14} {'bytes per version':>18}")
    print(f"  {'Fleetkeep':<12} {versions:>12,} {size:>14,} {size / versions:>18.1f}")
    print(f"  {'Bacula 9.6':<12} {rows:>12,} {their_size:>14,} {their_size / rows:>18.1f}")
    verdict("bytes per version, part of Bacula's", 100 * size / versions / (their_size / rows), 50, "%")


def _bytes(connection: sqlite3.Connection, which: str) -> int:
    size: int = connection.execute(f"SELECT sum(pgsize) FROM dbstat WHERE {which}").fetchone()[0]
    return size


__all__ = ["compare"]
