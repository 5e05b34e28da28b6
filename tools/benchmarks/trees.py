# SPDX-License-Identifier: GPL-3.0-or-later
"""File trees that are the same on every machine, and a fleet file that backs one up."""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Callable
from pathlib import Path

from .measuring import BIN, call
from .synthetic import path_of

FLEET = """\
plugin: fleetkeep.backup.fleet
hosts:
  bench: {{ansible_connection: local, ansible_python_interpreter: "{python}"}}
repositories:
  local: {{path: "{place}/repositories", passphrase: {{generate: true}}}}
retention:
  all: {{forever: true}}
jobs:
  tree:
    clients: bench
    sources: {{paths: [{sources}]}}
    repositories: [local]
    retention: all
"""


def make_tree(folder: Path, files: int) -> None:
    """Small files in folders of a hundred, half of each compressible."""
    source = random.Random(1)
    for number in range(files):
        path = folder / f"{number // 10_000:03}" / f"{number // 100 % 100:03}" / f"file-{number}.dat"
        if number % 100 == 0:
            path.parent.mkdir(parents=True, exist_ok=True)
        size = source.randrange(200, 6_000)
        path.write_bytes(source.randbytes(size // 2) + b"x" * (size // 2))


def make_small_tree(folder: Path, files: int, content: bytes = b"") -> list[Path]:
    """Empty or equal files with the names of a usual host; gives their paths."""
    paths = [folder / path_of(number) for number in range(files)]
    for above in sorted({path.parent for path in paths}):
        above.mkdir(parents=True, exist_ok=True)
    for path in paths:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        os.write(descriptor, content)
        os.close(descriptor)
    return paths


def change_tree(folder: Path, files: int, round_number: int) -> None:
    """Other content in some files."""
    source = random.Random(round_number + 2)
    paths = sorted(folder.rglob("*.dat"))
    for path in source.sample(paths, files):
        path.write_bytes(source.randbytes(3_000))


def tree_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def declare(place: Path, *trees: Path) -> tuple[Path, Path]:
    """A fleet file for this machine with some trees, ``place/tree`` by default, and the prefix of its state."""
    inventory = place / "fleet.yml"
    sources = ", ".join(f'"{tree}"' for tree in trees or (place / "tree",))
    inventory.write_text(FLEET.format(place=place, python=sys.executable, sources=sources))
    return place / "prefix", inventory


def apply(prefix: Path, inventory: Path) -> None:
    call([str(BIN / "fleetkeep"), "apply", "--yes", "-i", str(inventory), "--prefix", str(prefix)], status=(0, 2))


def fleetkeep_run(prefix: Path) -> Callable[[], str]:
    """A run of the job, to be measured."""
    command = [str(BIN / "fleetkeep"), "--prefix", str(prefix), "run", "tree", "--json"]
    return lambda: call(command, status=(0, 3))


__all__ = ["apply", "change_tree", "declare", "fleetkeep_run", "make_small_tree", "make_tree", "tree_bytes"]
