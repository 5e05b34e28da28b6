# SPDX-License-Identifier: GPL-3.0-or-later
"""A restore that is interrupted, and what --resume makes of it."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from fleetkeep.agent.restore import plan_restore, run_restore
from fleetkeep.agent.restore_work import find_work, open_work
from fleetkeep.borg.process import Cancellation
from fleetkeep.clock import SystemClock
from fleetkeep.errors import NothingToResume, RestoreRunning, RestoreStopped, RestoreUnfinished
from fleetkeep.model import OnConflict, Outcome, RestoreManner

CLOCK = SystemClock()
FILES = 40


def stored(path: Path) -> str:
    return str(path).lstrip("/")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Forty megabytes, with hard links and modes."""
    folder = tmp_path / "source"
    (folder / "sub").mkdir(parents=True)
    for number in range(FILES):
        (folder / "sub" / f"{number:02}").write_bytes(os.urandom(1_000_000))
    for number in (0, 17, 39):
        os.link(folder / "sub" / f"{number:02}", folder / f"link of {number}")
    (folder / "sub").chmod(0o751)
    os.utime(folder / "sub", ns=(10**18, 10**18))
    return folder


def kill_borg() -> None:
    for task in Path("/proc/self/task").iterdir():
        for child in (task / "children").read_text().split():
            if b"extract" in Path(f"/proc/{child}/cmdline").read_bytes():
                os.kill(int(child), signal.SIGKILL)


def interrupt(access, plan, work: Path, how: str, at: float, **more) -> None:
    """Carry out a plan until a part of it is done, and no further."""
    cancellation = Cancellation()

    def stop(done: int, total: int) -> None:
        if done >= at * total:
            kill_borg() if how == "kill" else cancellation.cancel()

    with pytest.raises(RestoreStopped, match="say the same again with --resume"):
        run_restore(access, plan, CLOCK, work=work, on_progress=stop, cancellation=cancellation, **more)


@pytest.mark.parametrize(("how", "at"), [("kill", 0.3), ("cancel", 0.6)])
def test_a_resumed_restore_equals_the_source(local_access, make_archive, source, portrait, tmp_path, how, at):
    point = make_archive("one", source)
    target, work = tmp_path / "target", tmp_path / "work"
    interrupt(local_access, plan_restore(local_access, point.archive, [], target, work=work), work, how, at)
    plan = plan_restore(local_access, point.archive, [], target, resume=True, work=work)
    assert 3 < plan.done_files < FILES
    assert plan.size_bytes == FILES * 1_000_000 - plan.done_bytes
    interrupt(local_access, plan, work, how, 0.5, consent=True)
    again = plan_restore(local_access, point.archive, [], target, resume=True, work=work)
    assert again.done_files > plan.done_files
    result = run_restore(local_access, again, CLOCK, work=work, consent=True, verify=True)
    assert (result.outcome, result.differing) == (Outcome.SUCCEEDED, 0)
    assert portrait(target) == {**portrait(target), **_below(portrait(source), stored(source))}
    assert not [folder for folder in work.iterdir() if folder.is_dir()]


def _below(portrait, place):
    prefix = os.fsencode(place) + b"/"
    return {
        prefix + path: (*facts[:5], prefix + facts[5] if facts[5] else b"", facts[6])
        for path, facts in portrait.items()
    }


@pytest.mark.parametrize("policy", [OnConflict.SKIP, OnConflict.RENAME])
def test_what_was_there_is_told_from_half_a_restore(local_access, make_archive, source, tmp_path, policy):
    point = make_archive("one", source)
    target, work = tmp_path / "target", tmp_path / "work"
    place = target / stored(source) / "sub"
    place.mkdir(parents=True)
    mine = [place / f"{number:02}" for number in range(1, FILES, 4)]
    for path in mine:
        path.write_text("mine")
    words = {"manner": RestoreManner(on_conflict=policy), "work": work}
    interrupt(local_access, plan_restore(local_access, point.archive, [], target, **words), work, "kill", 0.5)
    with pytest.raises(RestoreUnfinished, match="say --resume to finish it"):
        plan_restore(local_access, point.archive, [], target, **words)
    plan = plan_restore(local_access, point.archive, [], target, resume=True, **words)
    assert plan.done_files > 0
    result = run_restore(local_access, plan, CLOCK, work=work)
    assert result.outcome is Outcome.SUCCEEDED
    for number in range(FILES):
        path, original = place / f"{number:02}", source / "sub" / f"{number:02}"
        beside = list(place.glob(f"{number:02}.restored-*"))
        if path in mine:
            assert path.read_text() == "mine"
            assert [each.read_bytes() for each in beside] == (
                [original.read_bytes()] if policy is OnConflict.RENAME else []
            )
        else:
            assert path.read_bytes() == original.read_bytes()
            assert beside == []
    assert find_work(work, plan) is None


def test_afresh_judges_anew_and_nothing_is_resumed_that_was_not_begun(local_access, make_archive, source, tmp_path):
    point = make_archive("one", source)
    target, work = tmp_path / "target", tmp_path / "work"
    words = {"manner": RestoreManner(on_conflict=OnConflict.SKIP), "work": work}
    with pytest.raises(NothingToResume):
        plan_restore(local_access, point.archive, [], target, resume=True, **words)
    plan = plan_restore(local_access, point.archive, [], target, **words)
    interrupt(local_access, plan, work, "kill", 0.5)
    afresh = plan_restore(local_access, point.archive, [], target, afresh=True, **words)
    assert run_restore(local_access, afresh, CLOCK, work=work).kept >= 1
    with open_work(work, plan, CLOCK), pytest.raises(RestoreRunning):
        run_restore(local_access, plan, CLOCK, work=work)
