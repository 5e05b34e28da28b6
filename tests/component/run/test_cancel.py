# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that somebody ends: quickly, without a lock, and with its last hooks."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from fleetkeep.agent.lock import hold
from fleetkeep.agent.run_events import RunEvent
from fleetkeep.model import Outcome, StageName

from .conftest import Host  # type: ignore[import-not-found]


@pytest.fixture
def large(tree: Path) -> Path:
    """A tree that takes Borg several seconds."""
    (tree / "large").write_bytes(os.urandom(400_000_000))
    return tree


def cancel_when(host: Host, seen: str) -> list[float]:
    """Cancel at the first event of a kind; gives the moment."""
    moments: list[float] = []

    def listen(event: RunEvent) -> None:
        host.events.append(event)
        if event.event == seen and event.data.get("original_bytes", 1) and not moments:
            moments.append(time.monotonic())
            host.cancellation.cancel()

    host.listen = listen  # type: ignore[method-assign]
    return moments


def test_a_cancelled_backup_ends_within_two_seconds_and_leaves_no_lock(host: Host, large: Path) -> None:
    host.add_repository("one")
    host.add_repository("two")
    moments = cancel_when(host, "progress")
    run = host.run(host.job(large))
    assert time.monotonic() - moments[0] < 2
    assert run.outcome is Outcome.CANCELLED
    assert [result.outcome for result in run.repositories] == [Outcome.CANCELLED] * 2
    assert host.locks() == []
    assert [entry for entry in host.archives("one") if not entry.is_checkpoint] == []
    assert host.director.kinds == ["run_started", "run_finished"]


def test_the_hooks_that_always_run_still_run(host: Host, large: Path, tmp_path: Path) -> None:
    host.add_repository("local")
    hooks = {
        "after": [["sh", "-c", f"echo $FLEETKEEP_OUTCOME > {tmp_path}/after"]],
        "on_error": [["touch", f"{tmp_path}/on_error"]],
    }
    cancel_when(host, "progress")
    run = host.run(host.job(large, hooks=hooks))
    assert run.outcome is Outcome.CANCELLED
    assert (tmp_path / "after").read_text() == "cancelled\n"
    assert not (tmp_path / "on_error").exists()


def test_the_last_hooks_of_a_cancelled_run_have_little_time(
    host: Host, large: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fleetkeep.agent.runner.LAST_HOOK_SECONDS", 0.3)
    host.add_repository("local")
    moments = cancel_when(host, "progress")
    run = host.run(host.job(large, hooks={"after": [["sleep", "60"]]}))
    assert time.monotonic() - moments[0] < 4
    assert run.outcome is Outcome.CANCELLED
    assert "did not end within 0.3 seconds" in run.stages[-1].reason


def test_a_hook_is_ended_as_well(host: Host, tree: Path) -> None:
    host.add_repository("local")

    def listen(event: RunEvent) -> None:
        if event.event == "stage_started" and event.data["stage"] == "before":
            threading.Timer(0.2, host.cancellation.cancel).start()

    host.listen = listen  # type: ignore[method-assign]
    run = host.run(host.job(tree, hooks={"before": [["sleep", "60"], ["touch", "/never"]]}))
    assert sum(stage.duration_seconds for stage in run.stages) < 3
    assert run.outcome is Outcome.CANCELLED
    assert [(stage.name, stage.outcome) for stage in run.stages if stage.name is StageName.BEFORE] == [
        (StageName.BEFORE, Outcome.CANCELLED)
    ]
    assert run.repositories == ()


def test_a_run_that_waits_for_another_is_ended_as_well(host: Host, tree: Path) -> None:
    host.add_repository("local")
    cancel_when(host, "waiting")
    with hold(host.paths.repository_lock("local")):
        run = host.run(host.job(tree))
    assert run.outcome is Outcome.CANCELLED
    waits = [event.data for event in host.events if event.event == "waiting"]
    assert waits == [{"holder": str(os.getpid())}]


def test_a_run_waits_for_another_job_that_writes_to_its_repository(host: Host, tree: Path) -> None:
    host.add_repository("local")
    with hold(host.paths.repository_lock("local")):
        ended = []
        other = threading.Thread(target=lambda: ended.append(host.run(host.job(tree))))
        other.start()
        time.sleep(1)
        assert ended == []
    other.join()
    assert ended[0].outcome is Outcome.SUCCEEDED


def test_an_archive_that_was_finished_in_time_is_received(
    host: Host, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fleetkeep.agent.repository_session.LAST_LOOK_SECONDS", 30)
    host.add_repository("local")

    def listen(event: RunEvent) -> None:
        if event.event == "stage_finished" and event.data["stage"] == "create":
            host.cancellation.cancel()

    host.listen = listen  # type: ignore[method-assign]
    run = host.run(host.job(tree))
    assert run.outcome is Outcome.CANCELLED
    assert run.repositories[0].outcome is Outcome.SUCCEEDED
    assert "archive_received" in host.director.kinds
    assert run.repositories[0].stages[-1].outcome is Outcome.SKIPPED
