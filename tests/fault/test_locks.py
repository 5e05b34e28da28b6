# SPDX-License-Identifier: GPL-3.0-or-later
"""A repository that another host holds: for a while, or because it died with the lock."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

from hosts import Host, no_traceback
from sites import Done

from .invariants import Kept, nothing_is_lost  # type: ignore[import-not-found]

#: The command with two seconds of patience instead of two minutes.
HASTY = """
from fleetkeep.agent.runner import run_job
run_job.__kwdefaults__["lock_wait_seconds"] = 2
from fleetkeep.__main__ import main
main()
"""


def test_another_host_that_is_at_work_is_waited_for(single: Host, kept: Kept) -> None:
    assert single.fleetkeep("run", "docs").exit_code == 0
    kept.note()
    lock = Path(single.repositories["one"]) / "lock.exclusive"
    with single.start_borg("one", "with-lock", to=["sleep", "6"], BORG_HOST_ID="elsewhere@4711") as holder:
        wait_for(lock)
        assert [file.name.split(".")[0] for file in lock.iterdir()] == ["elsewhere@4711"]
        nothing_is_lost(kept, "another host held the lock for a while")
        assert holder.wait() == 0


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < deadline, path
        time.sleep(0.05)


def test_the_lock_of_a_host_that_died_is_told_and_never_broken(single: Host, kept: Kept) -> None:
    assert single.fleetkeep("run", "docs").exit_code == 0
    kept.note()
    lock = Path(single.repositories["one"]) / "lock.exclusive"
    holder = lock / "elsewhere@4711.4242-0"
    lock.mkdir()
    holder.touch()
    roster = lock.with_name("lock.roster")
    roster.write_text(json.dumps({"exclusive": [["elsewhere@4711", 4242, 0]]}))
    done = hasty(single)
    assert done.exit_code == 1, done.said
    assert no_traceback(done)
    assert "is locked by another process" in done.said
    [failed, *_] = single.runs()
    assert failed["outcome"] == "failed" and "is locked by another process" in failed["reason"]
    assert holder.exists(), "only a person can know that the other host is dead"
    roster.unlink()
    holder.unlink()
    lock.rmdir()
    nothing_is_lost(kept, "another host died with the lock")


def hasty(host: Host) -> Done:
    command = host.command("run", "docs")
    command[1:3] = ["-c", HASTY]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    return Done(done.returncode, done.stdout, done.stderr)
