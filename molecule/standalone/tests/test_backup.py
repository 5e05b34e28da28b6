# SPDX-License-Identifier: GPL-3.0-or-later
"""The unit runs the job, and what it wrote comes back byte for byte. The tests build on each other, in this order."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from testinfra.host import Host

Fleetkeep = Callable[[str], Any]
Manifest = Callable[[str], dict[str, list[Any]]]


def test_the_unit_runs_the_job(host: Host, fleetkeep: Fleetkeep) -> None:
    before = fleetkeep("runs --job documents")
    host.check_output("systemctl start fleetkeep-documents.service")
    assert host.check_output("systemctl show --property=Result --value fleetkeep-documents.service") == "success"
    run, *earlier = fleetkeep("runs --job documents")
    assert earlier == before
    assert (run["outcome"], run["reason"]) == ("succeeded", "")
    assert {each["repository"]: each["outcome"] for each in run["repositories"]} == dict.fromkeys(
        ["local", "mirror"], "succeeded"
    )


def test_a_restore_to_another_place_is_the_source_byte_for_byte(
    host: Host, fleetkeep: Fleetkeep, manifest: Manifest
) -> None:
    source = manifest("/srv/documents")
    assert len(source) > 100
    for repository in ("local", "mirror"):
        target = host.check_output("mktemp --directory --tmpdir=/srv")
        host.check_output(f"fleetkeep restore --job documents --repository {repository} --to {target}")
        assert manifest(f"{target}/srv/documents") == source


def test_a_drill_proves_both_repositories(fleetkeep: Fleetkeep) -> None:
    drills = fleetkeep("drill documents")
    assert [(drill["repository"], drill["outcome"]) for drill in drills] == [
        ("local", "succeeded"),
        ("mirror", "succeeded"),
    ]
    assert all(file["matches"] for drill in drills for file in drill["files"])


def test_the_timer_starts_its_job_by_itself(fleetkeep: Fleetkeep) -> None:
    deadline = time.monotonic() + 180  # the job is due each minute
    while not (ended := [run for run in fleetkeep("runs --job settings") if run["finished_at"]]):
        assert time.monotonic() < deadline, "the timer started no run that ended within 180 seconds"
        time.sleep(2)
    assert {(run["trigger"], run["outcome"]) for run in ended} == {("schedule", "succeeded")}
