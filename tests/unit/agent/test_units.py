# SPDX-License-Identifier: GPL-3.0-or-later
"""The systemd units of a job, whole."""

from __future__ import annotations

from fleetkeep.agent.units import render_service, render_timer, service_name, timer_name
from fleetkeep.model import Job, Schedule


def job(**schedule: object) -> Job:
    return Job(
        name="system",
        sources={"paths": ["/etc"]},
        repositories=("offsite",),
        retention={"daily": 7},
        schedule=Schedule(cron="0 2 * * *", **schedule),
    )


def test_names() -> None:
    assert (service_name("system"), timer_name("system")) == ("fleetkeep-system.service", "fleetkeep-system.timer")


def test_the_service_runs_the_job_once() -> None:
    text = render_service(job(), ["/opt/fleetkeep/bin/fleetkeep"])
    assert "\nType=oneshot\nExecStart=/opt/fleetkeep/bin/fleetkeep run system --trigger schedule\n" in text
    assert "\nSuccessExitStatus=3 75\n" in text


def test_systemd_specials_in_the_program_are_plain() -> None:
    text = render_service(job(), ["/opt/100%/$x y/fleetkeep"])
    assert "ExecStart='/opt/100%%/$$x y/fleetkeep' run system --trigger schedule\n" in text


def test_the_timer_is_the_schedule() -> None:
    scheduled = job(jitter="45m", catch_up=False)
    assert scheduled.schedule
    assert render_timer(scheduled, scheduled.schedule).splitlines()[1:] == [
        "[Unit]",
        "Description=Schedule of Fleetkeep backup job system",
        "",
        "[Timer]",
        "OnCalendar=*-*-* 02:00:00 UTC",
        "RandomizedDelaySec=2700",
        "FixedRandomDelay=true",
        "Persistent=false",
        "AccuracySec=1s",
        "",
        "[Install]",
        "WantedBy=timers.target",
    ]


def test_both_day_rules_of_cron_are_two_lines() -> None:
    text = render_timer(job(), Schedule(cron="30 4 1 * 1-5"))
    assert "OnCalendar=Mon..Fri *-*-* 04:30:00 UTC\nOnCalendar=*-*-01 04:30:00 UTC\n" in text
