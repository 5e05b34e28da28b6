# SPDX-License-Identifier: GPL-3.0-or-later
"""Fleet files are found as Ansible walks its inventory, even those that it cannot read."""

from __future__ import annotations

from pathlib import Path

import pytest

from fleetkeep.fleet import find_fleet_files

GOOD = "# a comment\nplugin: fleetkeep.backup.fleet\n"


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("fleet.yml", GOOD, True),
        ("sub/fleet.yaml", 'plugin : "fleetkeep.backup.fleet"\n', True),
        ("broken.yml", GOOD + "jobs: [\n", True),
        ("other.yml", "plugin: fleetkeep.backup.fleets\n", False),
        ("nested.yml", "all:\n  plugin: fleetkeep.backup.fleet\n", False),
        ("fleet.ini", GOOD, False),
        (".hidden.yml", GOOD, False),
        ("group_vars/all.yml", GOOD, False),
    ],
)
def test_fleet_files_are_known_by_their_first_word(tmp_path: Path, name: str, text: str, found: bool) -> None:
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)
    assert find_fleet_files([tmp_path]) == ([file] if found else [])


def test_sources_may_be_files_and_need_not_exist(tmp_path: Path) -> None:
    file = tmp_path / "fleet.yml"
    file.write_text(GOOD)
    assert find_fleet_files([tmp_path / "nowhere", file]) == [file]


def test_files_come_in_the_order_in_which_ansible_reads_them(tmp_path: Path) -> None:
    for name in ("b.yml", "a.yml"):
        (tmp_path / name).write_text(GOOD)
    assert [file.name for file in find_fleet_files([tmp_path])] == ["a.yml", "b.yml"]
