# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalog knows both versions of a file that changed between two runs of the unit, and each comes back."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import pytest
from testinfra.host import Host

PATH = "/srv/documents/report.txt"
OLD = "first word\n"
NEW = "second thoughts\n"

Fleetkeep = Callable[[str], Any]


@dataclass(frozen=True)
class Runs:
    """The archives of two runs, and a moment between them by the host's clock."""

    old: str
    moment: str
    new: str


@pytest.fixture(scope="module")
def runs(host: Host) -> Runs:
    """The file is written, backed up by the unit, changed, and backed up again."""
    old = run_with(host, OLD)
    host.check_output("sleep 2")  # archives begin at whole seconds
    moment = host.check_output("date --utc +%Y-%m-%dT%H:%M:%SZ")
    host.check_output("sleep 1")
    return Runs(old=old, moment=moment, new=run_with(host, NEW))


def run_with(host: Host, content: str) -> str:
    """The name of the archive that has the file so."""
    host.check_output(f"printf %s '{content}' > {PATH}")
    host.check_output("systemctl start fleetkeep-documents.service")
    points = json.loads(host.check_output("fleetkeep archives --job documents --repository local --limit 1 --json"))
    return str(points[0]["archive"]["name"])


def test_find_knows_the_file_and_how_often_it_changed(fleetkeep: Fleetkeep, runs: Runs) -> None:
    (hit,) = fleetkeep("find report.txt --exact --job documents")
    assert (hit["path"], hit["states"]) == (PATH.lstrip("/"), 2)
    assert hit["newest"]["is_present"]
    assert (hit["newest"]["status"]["size"], hit["newest"]["last_archive"]) == (len(NEW), runs.new)


def test_history_tells_each_version_and_the_archives_that_hold_it(fleetkeep: Fleetkeep, runs: Runs) -> None:
    told = [
        (state["status"]["size"], state["first_archive"], state["last_archive"], state["repositories"])
        for state in fleetkeep(f"history {PATH}")
    ]
    assert told == [
        (len(NEW), runs.new, runs.new, ["local", "mirror"]),
        (len(OLD), runs.old, runs.old, ["local", "mirror"]),
    ]


@pytest.mark.parametrize("repository", ["local", "mirror"])
def test_a_restore_to_a_point_in_time_brings_back_what_the_file_was_then(
    host: Host, runs: Runs, repository: str
) -> None:
    target = host.check_output("mktemp --directory --tmpdir=/srv")
    where = f"--job documents --repository {repository} --at {runs.moment}"
    host.check_output(f"fleetkeep restore {where} {PATH} --to {target}")
    assert host.file(f"{target}{PATH}").sha256sum == sha256(OLD.encode()).hexdigest()
    assert host.file(PATH).sha256sum == sha256(NEW.encode()).hexdigest()
    assert host.check_output(f"find {target} -type f") == f"{target}{PATH}"


def test_verify_says_what_changed_on_the_disk_since(host: Host, runs: Runs) -> None:
    unchanged = host.run("fleetkeep verify disk documents --json")
    assert (unchanged.rc, json.loads(unchanged.stdout)["archive"]) == (0, runs.new)
    host.check_output(f"echo 'not backed up yet' >> {PATH}")
    changed = host.run("fleetkeep verify disk documents --json")
    assert changed.rc == 2
    (finding,) = json.loads(changed.stdout)["findings"]
    assert (finding["path"], finding["kind"]) == (PATH.lstrip("/"), "changed")
    assert "size" in finding["aspects"]


def test_the_catalog_agrees_with_the_archives(fleetkeep: Fleetkeep, runs: Runs) -> None:
    for archive in (runs.old, runs.new):
        results = fleetkeep(f"verify catalog {archive}")
        assert [result["outcome"] for result in results] == ["succeeded"]
