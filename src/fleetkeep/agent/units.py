# SPDX-License-Identifier: GPL-3.0-or-later
"""The systemd units of a job, rendered; nothing here touches systemd."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from datetime import timedelta

from fleetkeep.model import Job, Schedule
from fleetkeep.plan.calendar import to_on_calendar

_HEAD = "# Written by Fleetkeep for job {job}; what is changed here is put back by the next apply.\n"


def service_name(job: str) -> str:
    """The name of a job's service unit."""
    return f"fleetkeep-{job}.service"


def timer_name(job: str) -> str:
    """The name of a job's timer unit."""
    return f"fleetkeep-{job}.timer"


def render_service(job: Job, command: Sequence[str]) -> str:
    """The service that runs a job once; ``command`` is the program as an argument list.

    Exit status 3 is a run with warnings and 75 one that was skipped because the job was still running: neither is a
    failed unit, both stand in the catalog.
    """
    return _HEAD.format(job=job.name) + "\n".join(
        [
            "[Unit]",
            f"Description=Fleetkeep backup job {job.name}",
            "Wants=network-online.target",
            "After=network-online.target",
            "",
            "[Service]",
            "Type=oneshot",
            f"ExecStart={_command_line([*command, 'run', job.name, '--trigger', 'schedule'])}",
            "SuccessExitStatus=3 75",
            "UMask=0077",
            "Nice=10",
            "IOSchedulingClass=best-effort",
            "IOSchedulingPriority=7",
            "KillMode=mixed",
            "TimeoutStopSec=30",
            "",
        ]
    )


def render_timer(job: Job, schedule: Schedule) -> str:
    """The timer that starts a job's service at its due moments."""
    lines = ["[Unit]", f"Description=Schedule of Fleetkeep backup job {job.name}", "", "[Timer]"]
    lines += [f"OnCalendar={moment}" for moment in to_on_calendar(schedule)]
    if schedule.jitter > timedelta(0):
        lines += [f"RandomizedDelaySec={int(schedule.jitter.total_seconds())}", "FixedRandomDelay=true"]
    lines += [f"Persistent={'true' if schedule.catch_up else 'false'}", "AccuracySec=1s", ""]
    lines += ["[Install]", "WantedBy=timers.target", ""]
    return _HEAD.format(job=job.name) + "\n".join(lines)


def _command_line(arguments: Sequence[str]) -> str:
    """An ``ExecStart`` value: quoted, with systemd's own ``%`` and ``$`` made plain."""
    return shlex.join(arguments).replace("%", "%%").replace("$", "$$")


__all__ = ["render_service", "render_timer", "service_name", "timer_name"]
