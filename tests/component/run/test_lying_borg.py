# SPDX-License-Identifier: GPL-3.0-or-later
"""Exit codes that lie: real Borg behind a script that changes how one command ends."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fleetkeep.link import ArchivesDeleted, RunFinished
from fleetkeep.model import Outcome

from .conftest import Host  # type: ignore[import-not-found]

Liar = Callable[[str, str], None]


@pytest.fixture
def lie(host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Liar:
    """Replaces what one borg command does; ``$BORG "$@"`` in the script is the real thing."""

    def tell(command: str, script: str) -> None:
        program = tmp_path / "liar"
        program.write_text(f'#!/bin/sh\nBORG={host.program.path}\n[ "$2" = {command} ] || exec $BORG "$@"\n{script}\n')
        program.chmod(0o755)
        monkeypatch.setenv("FLEETKEEP_BORG", str(program))

    return tell


def test_an_error_after_the_commit_is_a_warning_that_holds_retention(host: Host, tree: Path, lie: Liar) -> None:
    host.add_repository("local")
    host.director.choose = lambda request: request.listed
    lie("create", '$BORG "$@" > /dev/null; exit 2')
    run = host.run(host.job(tree))
    result = run.repositories[0]
    assert run.outcome is Outcome.WARNING
    assert run.reason.startswith("borg reported an error, but the archive is there: ")
    assert result.archive is not None
    assert result.archive.files == 6
    assert "archive_received" in host.director.kinds
    assert result.stages[-1].outcome is Outcome.SKIPPED


def test_a_success_without_an_archive_is_a_failure(host: Host, tree: Path, lie: Liar) -> None:
    host.add_repository("local")
    lie("create", "exit 0")
    run = host.run(host.job(tree))
    assert run.outcome is Outcome.FAILED
    assert "borg reported success, but archive web1-documents-" in run.reason
    assert "archive_received" not in host.director.kinds


def test_an_archive_that_nobody_can_confirm_is_a_failure(host: Host, tree: Path, lie: Liar) -> None:
    host.add_repository("local")
    lie("list", "exit 2")
    run = host.run(host.job(tree))
    assert run.outcome is Outcome.FAILED
    assert "cannot be listed to confirm it" in run.reason
    assert "archive_received" not in host.director.kinds


def test_what_create_could_not_say_any_more_is_asked_again(host: Host, tree: Path, lie: Liar) -> None:
    host.add_repository("local")
    lie("create", '$BORG "$@" | head -c 100')
    run = host.run(host.job(tree))
    assert run.outcome is Outcome.SUCCEEDED
    assert run.repositories[0].archive is not None
    assert run.repositories[0].archive.files == 6


@pytest.mark.parametrize(("script", "gone"), [('$BORG "$@"; exit 2', True), ("exit 2", False)])
def test_a_deletion_that_fails_says_what_is_gone(host: Host, tree: Path, lie: Liar, script: str, gone: bool) -> None:
    host.add_repository("local")
    first = host.run(host.job(tree)).repositories[0].archive
    assert first is not None
    host.director.choose = lambda request: [entry for entry in request.listed if entry.id == first.id]
    lie("delete", script)
    run = host.run(host.job(tree))
    told = [m.message.archive_ids for m in host.director.envelopes if isinstance(m.message, ArchivesDeleted)]
    assert run.outcome is Outcome.WARNING
    assert "Deletion went wrong: borg delete on repository local failed with exit code 2" in run.reason
    assert run.repositories[0].deleted == ((first.name,) if gone else ())
    assert told == ([(first.id,)] if gone else [])
    assert run.repositories[0].archive is not None


def test_space_that_cannot_be_freed_is_a_warning(host: Host, tree: Path, lie: Liar) -> None:
    host.add_repository("local")
    first = host.run(host.job(tree)).repositories[0].archive
    assert first is not None
    host.director.choose = lambda request: [entry for entry in request.listed if entry.id == first.id]
    lie("compact", "exit 2")
    run = host.run(host.job(tree))
    assert run.outcome is Outcome.WARNING
    assert run.reason.startswith("Space could not be freed: ")
    assert run.repositories[0].deleted == (first.name,)


def test_a_borg_that_is_too_old_makes_a_failed_run(host: Host, tree: Path, lie: Liar) -> None:
    host.add_repository("local")
    lie("create", "exit 0")
    program = tree.parent / "liar"
    program.write_text("#!/bin/sh\necho borg 1.2.4\n")
    run = host.run(host.job(tree))
    assert run.outcome is Outcome.FAILED
    assert "is BorgBackup 1.2.4, but 1.4.5 or newer is needed" in run.reason
    assert host.director.kinds == ["run_started", "run_finished"]


def test_a_fault_of_our_own_is_recorded_and_the_last_hooks_run(
    host: Host, tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.add_repository("local")

    def fail(*arguments: object) -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr("fleetkeep.agent.runner.run_repository", fail)
    run = host.run(host.job(tree, hooks={"after": [["touch", f"{tmp_path}/after"]]}))
    assert run.outcome is Outcome.FAILED
    assert run.reason == "Fleetkeep itself failed (ZeroDivisionError: division by zero); please report it."
    assert (tmp_path / "after").exists()
    assert [m.message.run.outcome for m in host.director.envelopes if isinstance(m.message, RunFinished)] == [
        Outcome.FAILED
    ]
    assert "Traceback" in host.paths.run_log(run.id).read_text()
