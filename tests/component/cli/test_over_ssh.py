# SPDX-License-Identifier: GPL-3.0-or-later
"""The verbs that read a repository, of one over real SSH, by a key that may only start ``borg serve``."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from managed import ManagedHost
from servers import Server, ssh_server

from fleetkeep.agent.paths import Paths
from fleetkeep.borg.program import BorgProgram
from fleetkeep.cli.main import program
from fleetkeep.errors import RepositoryUnreachable


@dataclass
class Far:
    """A host that ran its job once, into a repository behind a server."""

    host: ManagedHost
    server: Server
    tree: Path
    archive: str

    def call(self, *arguments: str) -> Result:
        return CliRunner().invoke(program, ["--prefix", str(self.host.paths.prefix), *arguments])

    def good(self, *arguments: str) -> str:
        done = self.call(*arguments)
        assert done.exit_code == 0, (done.output, done.exception)
        return done.stdout


@pytest.fixture
def far(tmp_path: Path, borg_program: BorgProgram) -> Iterator[Far]:
    tree = tmp_path / "tree"
    tree.mkdir()
    for number in range(5):
        (tree / f"file{number}").write_bytes(os.urandom(20_000))
    with ssh_server(tmp_path / "server", Paths(tmp_path / "host"), borg_program.path) as server:
        host = ManagedHost(tmp_path, borg_program, [tree], location=server.location("web1"))
        run = host.run()
        archive = run.repositories[0].archive
        assert archive is not None
        yield Far(host, server, tree, archive.name)


def test_what_is_far_away_is_checked_found_proven_and_restored(far: Far, tmp_path: Path) -> None:
    checked = json.loads(far.good("check", "--all", "--json"))
    assert [(one["kind"], one["outcome"]) for one in checked] == [
        ("repository", "succeeded"),
        ("archive", "succeeded"),
        ("data", "succeeded"),
    ]
    assert checked[-1]["archive_name"] == far.archive
    assert str(far.tree / "file3") in far.good("find", "file3")
    drill = json.loads(far.good("drill", "system", "--json"))[0]
    assert (drill["outcome"], drill["sample_size"]) == ("succeeded", 5)
    target = tmp_path / "restored"
    far.good("restore", "--job", "system", "--to", str(target))
    for file in far.tree.iterdir():
        assert (target / str(file).lstrip("/")).read_bytes() == file.read_bytes()
    kit = tmp_path / "kit.txt"
    far.good("kit", "make", "local", "--owner", "Ada", "--place", "the safe", "--to", str(kit))
    assert f"opens repository local at {far.server.location('web1')}: 1 archive; read " in far.good(
        "kit", "test", str(kit)
    )


def test_damage_on_the_server_and_a_server_that_is_gone_are_two_things(far: Far) -> None:
    segment = max((far.server.folder / "web1" / "data").rglob("*"), key=lambda path: path.stat().st_size)
    with segment.open("r+b") as file:
        file.seek(50_000)
        byte = file.read(1)[0]
        file.seek(50_000)
        file.write(bytes([byte ^ 0x10]))
    damaged = far.call("check", "--data", "--json")
    assert damaged.exit_code == 1
    assert {one["outcome"] for one in json.loads(damaged.stdout)} == {"failed"}
    far.server.stop()
    recorded = json.loads(far.good("verify", "list", "--json"))
    away = far.call("check", "--all")
    assert away.exit_code == 1 and "cannot be reached" in away.output
    # what cannot be looked at is neither sound nor damaged
    assert json.loads(far.good("verify", "list", "--json")) == recorded
    refused = far.call("verify", "catalog", far.archive).exception
    assert isinstance(refused, RepositoryUnreachable)
