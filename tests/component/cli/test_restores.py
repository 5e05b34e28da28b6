# SPDX-License-Identifier: GPL-3.0-or-later
"""Restores are on record: who brought what back, when, where to, and with which evidence."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from managed import ManagedHost

from fleetkeep.borg.program import BorgProgram
from fleetkeep.cli.main import program
from fleetkeep.errors import RestoreNeedsConsent, RestoreStopped


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    tree = tmp_path / "tree"
    tree.mkdir()
    for number in range(3):
        (tree / f"file{number}").write_bytes(bytes([number]) * 1000)
    return tree


@pytest.fixture
def host(tmp_path: Path, borg_program: BorgProgram, tree: Path) -> ManagedHost:
    host = ManagedHost(tmp_path, borg_program, [tree])
    host.back_up("one", tree)
    return host


def call(host: ManagedHost, *arguments: str | Path) -> Result:
    return CliRunner().invoke(program, ["--prefix", str(host.paths.prefix), *map(str, arguments)])


def restores(host: ManagedHost, *options: str) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = json.loads(call(host, "restores", "--json", *options).stdout)
    return listed


def test_each_restore_leaves_a_row_with_its_evidence(
    host: ManagedHost, tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert call(host, "restores").output == "Nothing was restored yet; `fleetkeep restore` brings files back.\n"
    monkeypatch.setenv("SUDO_USER", "grace\x1b[31m")
    target, report, stream = tmp_path / "out", tmp_path / "report", tmp_path / "a.tar"
    assert isinstance(call(host, "restore", "one", "--in-place").exception, RestoreNeedsConsent)
    assert restores(host) == [], "what was refused is no restore"
    assert call(host, "restore", "one", "--to", target, "--report", report).exit_code == 0
    assert call(host, "restore", "one", tree / "file1", "--to-tar", stream).exit_code == 0
    tar, folder = restores(host)
    assert (folder["client"], folder["repository"], folder["archive_name"]) == ("web1", "local", "one")
    assert (folder["user"], folder["outcome"], folder["asked"]) == (r"grace\x1b[31m", "succeeded", [])
    assert (folder["form"], folder["target"]) == ("folder", str(target))
    assert (folder["files"], folder["size_bytes"]) == (3, 3000)
    assert folder["report_sha256"] == hashlib.sha256(report.read_bytes()).hexdigest()
    assert folder["started_at"] <= folder["finished_at"]
    assert (tar["form"], tar["target"], tar["asked"]) == ("tar", str(stream), [str(tree / "file1")])
    assert tar["stream_sha256"] == hashlib.sha256(stream.read_bytes()).hexdigest()
    shown = call(host, "restores").output
    assert "\x1b" not in shown and str(target) in shown and "grace" in shown
    assert restores(host, "--repository", "other") == []
    assert len(restores(host, "--limit", "1")) == 1


def test_a_restore_that_is_stopped_is_on_record_with_its_reason(
    host: ManagedHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object, **__: object) -> None:
        raise RestoreStopped(archive="one", target="/x", done="1 kB", total="3 kB", reason="The power went.")

    monkeypatch.setattr("fleetkeep.agent.restore.run_restore", stop)
    assert isinstance(call(host, "restore", "one", "--to", tmp_path / "out").exception, RestoreStopped)
    (recorded,) = restores(host)
    assert (recorded["outcome"], recorded["files"], recorded["report_sha256"]) == ("failed", 0, "")
    assert "stopped after about 1 kB of 3 kB: The power went." in recorded["reason"]


def test_a_record_that_cannot_be_kept_hinders_no_restore(host: ManagedHost, tmp_path: Path) -> None:
    assert call(host, "archives").exit_code == 0
    host.paths.spool.rename(host.paths.spool.with_name("away"))
    host.paths.spool.mkdir()
    done = call(host, "restore", "one", "--repository", "local", "--to", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert "The restore is not recorded yet: " in done.stderr
