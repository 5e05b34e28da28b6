# SPDX-License-Identifier: GPL-3.0-or-later
"""A working directory with an inventory, for tests that call the real command and the real ansible-playbook."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
LINK = ROOT / "collections/ansible_collections/fleetkeep/backup"
SECRET = "correct-horse-battery-staple"

FLEET = """\
plugin: fleetkeep.backup.fleet
hosts:
  here: {{ansible_connection: local, groups: [web]}}
repositories:
  main: {{path: "{prefix}/srv", passphrase: "{{{{ main_passphrase }}}}"}}
schedules:
  nightly: {{cron: "0 2 * * *"}}
retention:
  standard: {{daily: 7}}
jobs:
  docs: &docs
    clients: web
    sources: {{paths: [{prefix}/source]}}
    repositories: [main]
    schedule: nightly
    retention: standard
  more: {{<<: *docs}}
  last: {{<<: *docs}}
"""


@dataclass
class Done:
    """How a command ended."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def said(self) -> str:
        return self.stdout + self.stderr

    @property
    def json(self) -> Any:
        return json.loads(self.stdout)


class Site:
    """A working directory with an inventory, and a prefix that stands for a host."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.prefix = folder / "host"
        (self.prefix / "source").mkdir(parents=True)
        (self.folder / "inventory").mkdir()
        (self.folder / "home").mkdir()
        self.write("fleet.yml", FLEET.format(prefix=self.prefix))
        self.write("group_vars/all.yml", f"main_passphrase: {SECRET}\n")

    def write(self, name: str, text: str) -> Path:
        """Write a file of the inventory."""
        file = self.folder / "inventory" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
        return file

    def edit(self, old: str, new: str) -> None:
        """Change the fleet file."""
        file = self.folder / "inventory/fleet.yml"
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))

    def command(self, verb: str, *arguments: str | Path) -> list[str]:
        """The words of the command, with this site's prefix."""
        return [sys.executable, "-m", "fleetkeep", "--prefix", str(self.prefix), verb, *map(str, arguments)]

    def fleetkeep(self, verb: str, *arguments: str | Path, stdin: int = subprocess.DEVNULL, **variables: str) -> Done:
        """Run the command to its end."""
        return self.run(self.command(verb, *arguments), stdin=stdin, **variables)

    def playbook(self, name: str, *arguments: str | Path, **variables: str) -> Done:
        """A playbook of the collection, as a user runs it."""
        beside = str(Path(sys.executable).with_name("ansible-playbook"))
        prefix = f"fleetkeep_prefix={self.prefix}"
        command = [beside, "-i", "inventory", f"fleetkeep.backup.{name}", "-e", prefix, *map(str, arguments)]
        return self.run(command, **variables)

    def run(self, command: Sequence[str], stdin: int = subprocess.DEVNULL, **variables: str) -> Done:
        """A command with a home and Ansible settings of its own, and more variables where they are given."""
        done = subprocess.run(
            list(command),
            check=False,
            cwd=self.folder,
            env=self.environment | variables,
            capture_output=True,
            text=True,
            stdin=stdin,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    @property
    def environment(self) -> dict[str, str]:
        """All that the command learns from its surroundings."""
        inherited = {name: os.environ[name] for name in ("FLEETKEEP_BORG",) if name in os.environ}
        return {
            **inherited,
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"),
            "ANSIBLE_HOME": str(self.folder / "home"),
            "ANSIBLE_NOCOLOR": "1",
            "HOME": str(self.folder / "home"),
            "LC_ALL": "C.UTF-8",
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
        }

    def files(self) -> dict[str, bytes]:
        """Every file of the host by its path below the prefix; locks are none of its state."""
        return {
            str(path.relative_to(self.prefix)): path.read_bytes()
            for path in sorted(self.prefix.rglob("*"))
            if path.is_file() and path.suffix != ".lock"
        }


class Kept:
    """What a folder held at a moment, to be brought back: its place is the same, which Borg and a catalog remember."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._copy = folder.with_name(f"{folder.name}-kept")
        shutil.copytree(folder, self._copy, symlinks=True)

    def bring_back(self) -> None:
        """Have the folder hold what it held, and nothing else."""
        shutil.rmtree(self._folder)
        shutil.copytree(self._copy, self._folder, symlinks=True)


def make_site(folder: Path) -> Site:
    """A site in a folder of its own; Ansible finds the collection in this checkout."""
    if not LINK.exists():
        LINK.parent.mkdir(parents=True, exist_ok=True)
        LINK.symlink_to("../../..")
    return Site(folder)
