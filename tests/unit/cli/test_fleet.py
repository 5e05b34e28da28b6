# SPDX-License-Identifier: GPL-3.0-or-later
"""What the verbs that go through Ansible make of its reports."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from fleetkeep.cli import _common
from fleetkeep.cli import plan as plan_verb
from fleetkeep.cli._ansible import HostResult, Report
from fleetkeep.cli._fleet import exit_status, print_failures
from fleetkeep.cli.main import program
from fleetkeep.plan.change import Action, Change, Kind, Plan

GOOD = HostResult(host="a", outcome="ok")
CHANGED = HostResult(host="b", outcome="ok", changed=True)
FAILED = HostResult(host="c", outcome="failed", message="no")
UNREACHABLE = HostResult(host="d", outcome="unreachable", message="no route")


@pytest.mark.parametrize(
    ("results", "exit_code", "status"),
    [
        ((GOOD,), 0, 0),
        ((GOOD, CHANGED), 0, 2),
        ((GOOD, CHANGED, FAILED), 2, 1),
        ((CHANGED, UNREACHABLE), 4, 1),
        ((GOOD, CHANGED), 250, 1),
    ],
)
def test_the_exit_status_is_the_worst_of_hosts_and_ansible(
    results: tuple[HostResult, ...], exit_code: int, status: int
) -> None:
    assert exit_status(Report(results, exit_code)) == status


def test_an_ansible_that_stopped_early_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    print_failures(Report((GOOD,), -15, said="terminated"))
    said = capsys.readouterr().err
    assert "terminated" in said and "FK605" in said


@pytest.mark.parametrize(("variable", "value", "colored"), [("FORCE_COLOR", "1", True), ("NO_COLOR", "1", False)])
def test_colors_come_only_where_they_are_wanted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], variable: str, value: str, colored: bool
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv(variable, value)
    change = Change(action=Action.CREATE, kind=Kind.JOB, name="a")
    _common.print_plan([Plan(client="web1", changes=(change,))])
    _common.print_sentence("wrong")
    said = capsys.readouterr()
    assert ("\x1b[" in said.out, "\x1b[" in said.err) == (colored, colored)


def test_an_error_cannot_drive_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    _common.print_sentence("no job \x1b[2Jx")
    assert "\x1b[2J" not in capsys.readouterr().err


def test_a_plan_in_which_every_host_failed_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan_verb, "run_with_progress", lambda request, doing: Report((FAILED, UNREACHABLE), 4))
    done = CliRunner().invoke(program, ["plan"])
    assert done.exit_code == 1
    assert "c: no" in done.output and "d: no route" in done.output
