# SPDX-License-Identifier: GPL-3.0-or-later
"""A backup by Fleetkeep, by bare Borg and by borgmatic, in turn, so that a drift of the machine meets all.

They use the same program borg and the same options. borgmatic creates only; its check, compact and prune are not
asked for, while a run of Fleetkeep also confirms the archive and brings every file of it into its catalog.
"""

from __future__ import annotations

import os
import sys
import venv
from pathlib import Path

from .measuring import BIN, call, header, measure, report
from .trees import apply, change_tree, declare, fleetkeep_run, make_tree, tree_bytes

BORGMATIC = "borgmatic>=2,<3"

CONFIGURATION = """\
source_directories: ["{place}/tree"]
repositories: [{{path: "{place}/borgmatic"}}]
encryption_passphrase: bench
local_path: "{borg}"
borg_base_directory: "{place}/borgmatic-base"
compression: zstd,3
checkpoint_interval: 300
archive_name_format: "{{now:%s.%f}}"
"""


def compare(place: Path, files: int, rounds: int, cache: Path) -> None:
    """Measure all three and print the medians."""
    place.mkdir(parents=True)
    make_tree(place / "tree", files)
    prefix, inventory = declare(place)
    apply(prefix, inventory)
    ours, bare, borgmatic = fleetkeep_run(prefix), BareBorg(place), Borgmatic(place, cache)
    actions = (ours, bare.create, borgmatic.create)
    costs = {"first": [[measure(action) for action in actions]]}
    costs["unchanged"] = [[measure(action) for action in actions] for _ in range(rounds)]
    costs["1 % changed"] = []
    for number in range(rounds):
        change_tree(place / "tree", files // 100, number)
        costs["1 % changed"].append([measure(action) for action in actions])
    print(f"\n{files:,} files, {tree_bytes(place / 'tree') / 1e6:,.0f} MB, {rounds} rounds, medians")
    for column, rival in ((1, "borg create"), (2, "borgmatic create")):
        header("backup", "fleetkeep run", rival)
        for what, measured in costs.items():
            report(what, [row[0] for row in measured], [row[column] for row in measured])


class BareBorg:
    """``borg create`` as Fleetkeep calls it, with nothing around it."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.number = 0
        self.environment = {
            **os.environ,
            "BORG_BASE_DIR": str(place / "bare-base"),
            "BORG_PASSPHRASE": "bench",
            "BORG_EXIT_CODES": "modern",
        }
        self.call("init", "-e", "repokey-blake2", str(place / "bare"))

    def create(self, tree: Path | None = None) -> None:
        """An archive of the tree."""
        self.number += 1
        options = ["--json", "--log-json", "--progress", "--list", "--filter=CE", "--compression=zstd,3"]
        options += ["--checkpoint-interval=300"]
        self.call("create", *options, f"{self.place / 'bare'}::{self.number}", str(tree or self.place / "tree"))

    def call(self, *arguments: str) -> None:
        call([str(BIN / "borg"), *arguments], environment=self.environment)


class Borgmatic:
    """``borgmatic create`` with the same borg, from a virtual environment of its own in the cache."""

    def __init__(self, place: Path, cache: Path) -> None:
        self.program = _install_borgmatic(cache)
        self.configuration = place / "borgmatic.yaml"
        self.configuration.write_text(CONFIGURATION.format(place=place, borg=BIN / "borg"))
        self.environment = {**os.environ, "BORG_EXIT_CODES": "modern"}
        self._call("repo-create", "--encryption", "repokey-blake2")

    def create(self) -> None:
        """An archive of the tree."""
        self._call("create")

    def _call(self, *arguments: str) -> None:
        command = [str(self.program), "--config", str(self.configuration), *arguments]
        call(command, environment=self.environment)


def _install_borgmatic(cache: Path) -> Path:
    folder = cache / "borgmatic"
    program = folder / "bin" / "borgmatic"
    if not program.exists():
        print(f"Installing {BORGMATIC} into {folder}", file=sys.stderr)
        venv.create(folder, with_pip=True, clear=True)
        call([str(folder / "bin" / "pip"), "install", "--quiet", BORGMATIC])
    return program


__all__ = ["BareBorg", "compare"]
