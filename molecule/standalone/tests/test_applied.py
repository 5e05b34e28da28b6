# SPDX-License-Identifier: GPL-3.0-or-later
"""What an apply leaves on the host: the runtime, timers that elapse when a job is due, secrets that only root reads."""

from __future__ import annotations

import os
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from testinfra.host import Host

from fleetkeep import __version__
from fleetkeep.model import Schedule
from fleetkeep.plan.calendar import occurrences

JOBS = ("documents", "settings")
SECRETS = ("local", "minutes", "mirror")


def test_the_runtime_is_this_checkouts(host: Host) -> None:
    assert host.check_output("fleetkeep --version") == f"fleetkeep, version {__version__}"
    assert host.check_output("/opt/fleetkeep/bin/borg --version").startswith("borg 1.4.")


@pytest.mark.parametrize("job", JOBS)
def test_the_timer_is_enabled_and_active(host: Host, job: str) -> None:
    timer = host.service(f"fleetkeep-{job}.timer")
    assert timer.is_enabled
    assert timer.is_running


def test_the_timer_elapses_next_when_the_schedule_comes_due(host: Host, fleet: dict[str, Any]) -> None:
    schedule = Schedule.model_validate(fleet["schedules"][fleet["jobs"]["documents"]["schedule"]])
    show = "systemctl show --property=NextElapseUSecRealtime --value fleetkeep-documents.timer"
    for _ in range(2):  # again, should the job come due between the two looks at the host's clock
        before = next_due(host, schedule)
        elapse = float(host.check_output(f'date --date="$({show})" +%s.%N'))
        if before == next_due(host, schedule):
            break
    assert datetime.fromtimestamp(elapse, timezone.utc) == before


def next_due(host: Host, schedule: Schedule) -> datetime:
    """When the schedule comes due next by the host's clock."""
    now = datetime.fromtimestamp(float(host.check_output("date +%s.%N")), timezone.utc)
    return next(occurrences(schedule, now))


def test_the_units_are_sound(host: Host) -> None:
    verified = host.run("systemd-analyze verify /etc/systemd/system/fleetkeep-*")
    assert (verified.rc, verified.stderr) == (0, "")
    assert host.check_output("systemctl list-units --failed --plain --no-legend") == ""


def test_secrets_are_roots_alone(host: Host) -> None:
    folder = host.file("/etc/fleetkeep/secrets")
    assert (folder.mode, folder.user, folder.group) == (0o700, "root", "root")
    assert sorted(folder.listdir()) == [f"{name}.passphrase" for name in SECRETS]
    for name in folder.listdir():
        secret = host.file(f"{folder.path}/{name}")
        assert (secret.mode, secret.user, secret.group) == (0o600, "root", "root")


def test_no_passphrase_is_where_others_can_read_it(host: Host) -> None:
    assert declared_passphrase() == host.file("/etc/fleetkeep/secrets/local.passphrase").content_string.strip()
    search = "grep -F " + " ".join(f"-f /etc/fleetkeep/secrets/{name}.passphrase" for name in SECRETS)
    readable = "find /etc /opt /run /srv /tmp /usr/local /var -xdev -type f -perm /044 -print0"
    assert host.run(f"{readable} | xargs -0 {search} -l").stdout == ""
    assert host.run(f"journalctl --no-pager | {search}").stdout == ""
    assert host.run(f"cat /etc/fleetkeep/secrets/* | {search} -c").stdout != "0\n"  # the search can find


def declared_passphrase() -> str:
    """The passphrase that the controller made for this run of the story."""
    return Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"], "passphrase").read_text().split()[0]
