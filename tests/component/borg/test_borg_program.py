# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fleetkeep.borg.program import BorgProgram, find_borg
from fleetkeep.errors import BorgMissing, BorgTooOld


def program(path: Path, says: str) -> str:
    path.write_text(f"#!/bin/sh\necho {says}\necho asked >> {path}.asked\n")
    path.chmod(0o755)
    return str(path)


def test_finds_the_real_one_by_path_and_beside_the_interpreter(borg_program: BorgProgram) -> None:
    assert find_borg(borg_program.path, "").version >= (1, 4, 5)
    beside = Path(sys.executable).with_name("borg")
    if beside.exists():
        assert find_borg(None, "").path == str(beside)


def test_the_real_one_passes_its_own_test(borg_program: BorgProgram) -> None:
    environment = {**os.environ, "BORG_SELFTEST": "enabled"}
    command = [borg_program.path, "--debug", "help", "patterns"]
    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stderr
    assert "self tests completed" in said


def test_refuses_an_old_one(tmp_path: Path) -> None:
    with pytest.raises(BorgTooOld, match=r"1\.2\.4"):
        find_borg(program(tmp_path / "borg", "borg 1.2.4"), "")


def test_a_missing_one_is_named(tmp_path: Path) -> None:
    with pytest.raises(BorgMissing, match="/no/such/borg"):
        find_borg("/no/such/borg", str(tmp_path))


def test_something_else_of_that_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BorgMissing, match="does not answer --version"):
        find_borg(program(tmp_path / "borg", "resistance is futile"), "")


def test_a_version_is_asked_once_until_the_binary_changes(tmp_path: Path) -> None:
    path = program(tmp_path / "borg", "borg 1.4.5")
    remember = tmp_path / "state" / "version.json"
    asked = Path(f"{path}.asked")
    for _ in range(3):
        assert find_borg(path, "", remember).version == (1, 4, 5)
    assert asked.read_text().count("asked") == 1
    program(tmp_path / "borg", "borg 1.4.6")
    os.utime(path, ns=(1, 1))
    assert find_borg(path, "", remember).version == (1, 4, 6)


def test_one_that_is_refused_leaves_no_memory_and_one_that_is_used_leaves_a_private_one(tmp_path: Path) -> None:
    remember = tmp_path / "state" / "version.json"
    with pytest.raises(BorgTooOld):
        find_borg(program(tmp_path / "borg", "borg 1.2.4"), "", remember)
    assert not remember.parent.exists()
    find_borg(program(tmp_path / "borg", "borg 1.4.5"), "", remember)
    assert [path.stat().st_mode & 0o777 for path in (remember.parent, remember)] == [0o700, 0o600]


@pytest.mark.parametrize("content", ["", "[]", "{", '{"mark": 1, "version": "x"}'])
def test_a_broken_memory_is_no_error(tmp_path: Path, content: str) -> None:
    remember = tmp_path / "version.json"
    remember.write_text(content)
    assert find_borg(program(tmp_path / "borg", "borg 1.4.5"), "", remember).version == (1, 4, 5)


def test_a_memory_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    path = program(tmp_path / "borg", "borg 1.4.5")
    assert find_borg(path, "", tmp_path / "file" / "version.json").version == (1, 4, 5)
