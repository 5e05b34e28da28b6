# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run was about to delete when it was killed is no riddle for the next one."""

from __future__ import annotations

from pathlib import Path

import pytest
from managed import ManagedHost

from fleetkeep.agent.intent import forget, intend, intended
from fleetkeep.borg.command import delete_arguments
from fleetkeep.borg.process import run_borg
from fleetkeep.borg.program import BorgProgram
from fleetkeep.model import Outcome


@pytest.mark.parametrize("noted", [True, False])
def test_archives_that_a_killed_run_deleted_are_no_theft_and_others_are(
    tmp_path: Path, tree: Path, borg_program: BorgProgram, noted: bool
) -> None:
    host = ManagedHost(tmp_path, borg_program, [tree])
    last = host.run().repositories[0].archive
    assert last is not None
    note = host.paths.deleting("system", "local")
    assert not note.exists()
    if noted:
        intend(note, last.repository_id, [last.id])
    assert run_borg(host.access, delete_arguments(host.access.location, [last.name])).is_success

    run = host.run()
    assert ("Nobody here deleted" in run.reason) != noted
    assert run.outcome is (Outcome.SUCCEEDED if noted else Outcome.WARNING)
    assert not note.exists()
    assert host.run().outcome is Outcome.SUCCEEDED


def test_notes_add_up_and_are_taken_back(tmp_path: Path) -> None:
    note = tmp_path / "system/local.json"
    intend(note, "r", ["a", "b"])
    intend(note, "r", ["c"])
    assert intended(note, "r") == {"a", "b", "c"}
    assert intended(note, "another") == frozenset()
    forget(note, "r", ["a", "b"])
    assert intended(note, "r") == {"c"}
    forget(note, "r", ["c"])
    assert not note.exists()
    note.write_text("{")
    assert intended(note, "r") == frozenset()
