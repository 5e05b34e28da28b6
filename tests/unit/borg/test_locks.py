# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import os
import uuid
from pathlib import Path

import pytest

from fleetkeep.borg.locks import is_this_host, remove_locks_of

HERE = f"{os.uname().nodename}@{uuid.getnode()}"
PID = 4711


def lock(folder: Path, holder: str, roster: list[list[object]]) -> None:
    (folder / "lock.exclusive").mkdir(parents=True)
    (folder / "lock.exclusive" / holder).touch()
    (folder / "lock.roster").write_text(json.dumps({"exclusive": roster}))


def test_removes_what_the_dead_process_held(tmp_path: Path) -> None:
    lock(tmp_path, f"{HERE}.{PID}-0", [[HERE, PID, 0]])
    assert len(remove_locks_of(PID, [tmp_path])) == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("holder", [f"{HERE}.{PID + 1}-0", f"vault9@1.{PID}-0", "malformed"])
def test_leaves_the_locks_of_others(tmp_path: Path, holder: str) -> None:
    lock(tmp_path, holder, [["vault9@1", PID, 0]])
    assert remove_locks_of(PID, [tmp_path]) == []
    assert (tmp_path / "lock.exclusive" / holder).exists()
    assert (tmp_path / "lock.roster").exists()


def test_no_lock_and_a_broken_roster_are_no_error(tmp_path: Path) -> None:
    assert remove_locks_of(PID, [tmp_path, tmp_path / "absent"]) == []
    (tmp_path / "lock.roster").write_text("{")
    assert remove_locks_of(PID, [tmp_path]) == []


def test_a_declared_host_id_counts_alone() -> None:
    assert is_this_host("web1", "web1")
    assert not is_this_host(HERE, "web1")


def test_a_random_node_is_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uuid, "getnode", lambda: 1 << 40)
    assert is_this_host(f"{os.uname().nodename}@7")
    assert not is_this_host("elsewhere@7")
