# SPDX-License-Identifier: GPL-3.0-or-later
"""What is declared no longer goes from the host, but never a repository."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from testinfra.host import Host

STORY = Path(__file__).resolve().parents[1]
ORPHAN = "/srv/borg/minutes/standalone"
Apply = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def smaller(tmp_path_factory: pytest.TempPathFactory, fleet: dict[str, Any]) -> Path:
    """The inventory without the job settings, its schedule and its repository."""
    inventory = tmp_path_factory.mktemp("smaller") / "inventory"
    shutil.copytree(STORY / "inventory", inventory)
    for section, name in (("jobs", "settings"), ("schedules", "minutely"), ("repositories", "minutes")):
        del fleet[section][name]
    (inventory / "fleet.yml").write_text(yaml.safe_dump(fleet))
    return inventory


@pytest.fixture
def apply(smaller: Path) -> Apply:
    """Applies the smaller inventory from the controller."""
    command = ["fleetkeep", "apply", "--inventory", smaller, "--yes"]
    return lambda *flags: subprocess.run([*command, *flags], capture_output=True, text=True, env=os.environ)


def test_removing_half_of_the_jobs_is_refused(host: Host, apply: Apply) -> None:
    refused = apply()
    assert refused.returncode == 1
    assert "removes 1 of 2 jobs (settings), more than a third" in refused.stdout + refused.stderr
    assert host.service("fleetkeep-settings.timer").is_running


def test_a_removal_that_is_meant_takes_the_units_and_leaves_the_repository(host: Host, apply: Apply) -> None:
    host.check_output("systemctl stop fleetkeep-settings.timer")  # so that no run begins while archives are counted
    host.run("systemctl start fleetkeep-settings.service")
    archives = list_archives(host)
    assert archives
    done = apply("--allow-removals")
    assert done.returncode == 2, done.stderr
    assert f"repository minutes at {ORPHAN} is declared no longer; it stays" in done.stdout
    assert host.run("systemctl cat fleetkeep-settings.timer fleetkeep-settings.service").rc != 0
    assert host.check_output("systemctl list-timers --all --no-legend 'fleetkeep-*' | wc -l") == "1"
    assert not host.file("/etc/fleetkeep/jobs/settings.json").exists
    assert list_archives(host) == archives


def test_nothing_is_left_to_do(apply: Apply) -> None:
    assert apply().returncode == 0


def test_the_runtime_stays_while_a_job_needs_it(host: Host) -> None:
    remove = ["ansible", "standalone", "--inventory", STORY / "inventory", "--args", "state=absent"]
    refused = subprocess.run([*remove, "--module-name", "fleetkeep.backup.runtime"], capture_output=True, text=True)
    assert "/opt/fleetkeep is still used by fleetkeep-documents.service; take this host out" in refused.stdout
    assert host.run("fleetkeep --version").rc == 0


def list_archives(host: Host) -> list[str]:
    """The archives of the repository minutes, as Borg itself lists them with the passphrase that the host still has."""
    environment = (
        "BORG_BASE_DIR=/var/lib/fleetkeep/borg BORG_PASSCOMMAND='cat /etc/fleetkeep/secrets/minutes.passphrase'"
    )
    listing = json.loads(host.check_output(f"{environment} /opt/fleetkeep/bin/borg list --json {ORPHAN}"))
    return sorted(archive["id"] for archive in listing["archives"])
