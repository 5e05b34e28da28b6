# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fleetkeep.agent.files import write_file
from fleetkeep.model import Outcome

from .conftest import SECRET, Host  # type: ignore[import-not-found]


@pytest.fixture
def diary(tmp_path: Path) -> Path:
    return tmp_path / "diary"


def note(diary: Path, word: str, then: str = "true") -> list[str]:
    return ["sh", "-c", f"echo {word} $FLEETKEEP_JOB $FLEETKEEP_OUTCOME >> {diary}; {then}"]


def all_hooks(diary: Path, **changes: Any) -> dict[str, Any]:
    hooks = {
        "before": [note(diary, "before1"), note(diary, "before2")],
        "after": [note(diary, "after1"), note(diary, "after2")],
        "on_error": [note(diary, "on_error")],
    }
    return {**hooks, **changes}


def test_hooks_run_in_their_order(host: Host, tree: Path, diary: Path) -> None:
    host.add_repository("local")
    run = host.run(host.job(tree, hooks=all_hooks(diary)))
    assert run.outcome is Outcome.SUCCEEDED
    assert diary.read_text().splitlines() == [
        "before1 documents running",
        "before2 documents running",
        "after1 documents succeeded",
        "after2 documents succeeded",
    ]
    assert [stage.name.value for stage in run.stages] == ["guard", "before", "before", "after", "after"]


def test_the_first_hook_that_fails_ends_the_run(host: Host, tree: Path, diary: Path) -> None:
    host.add_repository("local")
    before = [note(diary, "before1", "echo no disk; exit 7"), note(diary, "before2")]
    run = host.run(host.job(tree, hooks=all_hooks(diary, before=before)))
    assert run.outcome is Outcome.FAILED
    assert "ended with exit code 7" in run.reason
    assert [line.split()[0] for line in diary.read_text().splitlines()] == ["before1", "on_error", "after1", "after2"]
    assert host.archives("local") == []
    outputs = [event.data["output"] for event in host.events if event.event == "hook_output"]
    assert outputs[0] == "no disk\n"


def test_hooks_of_a_failure_run_when_a_repository_fails(host: Host, tree: Path, diary: Path) -> None:
    host.add_repository("local")
    write_file(host.paths.passphrase("local"), "wrong\n")
    host.run(host.job(tree, hooks=all_hooks(diary)))
    assert "on_error documents failed" in diary.read_text()
    assert "after2 documents failed" in diary.read_text()


def test_hooks_run_when_the_guard_refuses(host: Host, diary: Path) -> None:
    host.add_repository("local")
    host.run(host.job(Path("/no/such/folder"), hooks=all_hooks(diary)))
    assert [line.split()[0] for line in diary.read_text().splitlines()] == ["on_error", "after1", "after2"]


def test_an_after_hook_that_fails_is_a_warning_and_stops_no_other(host: Host, tree: Path, diary: Path) -> None:
    host.add_repository("local")
    after = [{"command": ["sleep", "30"], "timeout": 1}, note(diary, "after2")]
    run = host.run(host.job(tree, hooks={"after": after}))
    assert run.outcome is Outcome.WARNING
    assert "Hook sleep 30 of job documents did not end within 1 seconds" in run.reason
    assert diary.read_text() == "after2 documents succeeded\n"
    assert run.repositories[0].outcome is Outcome.SUCCEEDED


def test_no_hook_log_spool_or_process_sees_a_passphrase(host: Host, tree: Path, diary: Path) -> None:
    host.add_repository("local")
    look = ["sh", "-c", f"env >> {diary}; cat /proc/*/cmdline /proc/*/environ 2>/dev/null | tr '\\0' '\\n' >> {diary}"]
    run = host.run(host.job(tree, hooks={"before": [look], "after": [look]}))
    assert run.outcome is Outcome.SUCCEEDED
    seen = diary.read_bytes()
    assert b"FLEETKEEP_RUN=" + run.id.encode() in seen
    written = [path for path in host.paths.prefix.rglob("*") if path.is_file()]
    holders = [path for path in written if SECRET.encode() in path.read_bytes()]
    assert SECRET.encode() not in seen
    assert holders == [host.paths.passphrase("local")]
    assert SECRET not in json.dumps([event.as_json() for event in host.events])
    assert SECRET not in run.model_dump_json()
