# SPDX-License-Identifier: GPL-3.0-or-later
"""One host that was applied to before, and real mounts, for tests that call the real command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from sites import Done


class Host:
    """One host below a prefix of its own, with two repositories whose passphrases it makes, and the job ``docs``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.prefix = folder / "host"
        self.source = folder / "source"
        self.source.mkdir()
        (self.source / "letter").write_text("dear reader\n")
        self.jobs: dict[str, dict[str, Any]] = {}
        self.repositories = {name: str(folder / "storage" / name) for name in ("one", "two")}
        self.declare("docs", str(self.source))

    def declare(self, name: str, *sources: str, **changes: Any) -> None:
        """Declare a job, or declare it anew; ``apply`` puts it in force."""
        job = {
            "name": name,
            "sources": {"paths": list(sources)},
            "repositories": list(self.repositories),
            "retention": {"last": 50},
            "compression": "lz4",
        }
        self.jobs[name] = job | changes

    def apply(self) -> Done:
        """Bring the host to what is declared, without an inventory: the state that it keeps is written first."""
        state = {
            "client": "web1",
            "scheduler": "agent",
            "repositories": {
                name: {"name": name, "location": location, "passphrase": "generated"}
                for name, location in self.repositories.items()
            },
            "jobs": self.jobs,
        }
        desired = self.prefix / "etc/fleetkeep/desired.json"
        desired.parent.mkdir(parents=True, exist_ok=True)
        desired.write_text(json.dumps(state))
        done = self.fleetkeep("apply", "--local", "--allow-removals")
        assert done.exit_code in (0, 2), done.said
        return done

    def command(self, verb: str, *arguments: str | Path) -> list[str]:
        """The words of the command."""
        return [sys.executable, "-m", "fleetkeep", "--prefix", str(self.prefix), verb, *map(str, arguments)]

    def fleetkeep(self, verb: str, *arguments: str | Path, **variables: str) -> Done:
        """Run the command to its end."""
        done = subprocess.run(
            self.command(verb, *arguments),
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def start(self, verb: str, *arguments: str | Path) -> subprocess.Popen[str]:
        """Start the command and leave it to itself."""
        return subprocess.Popen(
            self.command(verb, *arguments), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def runs(self) -> list[dict[str, Any]]:
        """What is on record, the newest first."""
        return self.fleetkeep("runs", "--json", "--limit", "100").json  # type: ignore[no-any-return]

    def archives(self) -> set[tuple[str, str]]:
        """Every archive that is on record and should be there, as repository and id."""
        listed = self.fleetkeep("archives", "--json").json
        return {(point["archive"]["repository"], point["archive"]["id"]) for point in listed}

    def borg(
        self, repository: str, *words: str, archive: str = "", **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Ask Borg itself about a repository, or an archive in it."""
        with self.start_borg(repository, *words, archive=archive, text=True, **variables) as process:
            stdout, stderr = process.communicate()
        return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)

    def start_borg(
        self,
        repository: str,
        *words: str,
        archive: str = "",
        to: Sequence[str] = (),
        text: bool = False,
        **variables: str,
    ) -> subprocess.Popen[Any]:
        """Start Borg itself, as somebody else would who knows the passphrase."""
        passphrase = (self.prefix / f"etc/fleetkeep/secrets/{repository}.passphrase").read_text().strip()
        places = {"BORG_BASE_DIR": str(self.folder / "borg"), "BORG_RELOCATED_REPO_ACCESS_IS_OK": "yes"}
        program = os.environ.get("FLEETKEEP_BORG") or str(Path(sys.executable).with_name("borg"))
        location = self.repositories[repository] + (f"::{archive}" if archive else "")
        # The passphrase goes in by a file descriptor: other tests look for secrets in environments.
        readable, writable = os.pipe()
        try:
            os.write(writable, passphrase.encode())
            return subprocess.Popen(
                [program, *words, location, *to],
                env={**os.environ, **places, "BORG_PASSPHRASE_FD": str(readable), **variables},
                pass_fds=(readable,),
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE if text else None,
                text=text,
            )
        finally:
            os.close(writable)
            os.close(readable)

    def in_storage(self) -> set[tuple[str, str]]:
        """Every finished archive that Borg itself lists, as repository and id."""
        found = set()
        for repository in self.repositories:
            done = self.borg(repository, "list", "--lock-wait=60", "--json")
            assert done.returncode == 0, done.stderr
            found |= {(repository, archive["id"]) for archive in json.loads(done.stdout)["archives"]}
        return found


def no_traceback(done: Done) -> bool:
    """Whether nothing was said in Python's words."""
    return "Traceback" not in done.said and "Error:" not in done.said


class Mounts:
    """Real mounts, or the test is skipped where there can be none."""

    def __init__(self) -> None:
        self._places: list[Path] = []

    def small(self, place: Path, size: str) -> Path:
        """A file system of a size such as ``8m``."""
        place.mkdir(parents=True, exist_ok=True)
        return self._mount(place, "-t", "tmpfs", "-o", f"size={size}", "tmpfs")

    def read_only(self, place: Path) -> Path:
        """The same folder, which nobody can write to."""
        self._mount(place, "--bind", str(place))
        subprocess.run(["mount", "-o", "remount,bind,ro", str(place)], check=True)
        return place

    def undo(self) -> None:
        """Take all mounts away."""
        while self._places:
            subprocess.run(["umount", str(self._places.pop())], check=True)

    def _mount(self, place: Path, *words: str) -> Path:
        done = subprocess.run(["mount", *words, str(place)], capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"nothing can be mounted here: {done.stderr.strip()}")
        self._places.append(place)
        return place
