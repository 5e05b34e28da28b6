# SPDX-License-Identifier: GPL-3.0-or-later
"""The report holds what the director found, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.plugins.loader import callback_loader


def result(action: str, arguments: dict[str, Any] | None = None, **returned: Any) -> SimpleNamespace:
    """A task's result as Ansible hands it to a callback."""
    return SimpleNamespace(
        task=SimpleNamespace(action=action, args=arguments or {}),
        host=SimpleNamespace(get_name=lambda: "web1"),
        result=returned,
    )


@pytest.fixture
def report(tmp_path: Path):
    plugin = callback_loader.get("fleetkeep.backup.report")
    plugin.set_options(direct={"report_file": str(tmp_path / "report.jsonl")})
    return plugin


def lines(tmp_path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (tmp_path / "report.jsonl").read_text().splitlines()]


def test_a_line_holds_what_the_director_found(report, tmp_path):
    found = {"changed": True, "plan": {"client": "web1"}, "messages": [], "state": "applied"}
    report.v2_runner_on_ok(
        result("fleetkeep.backup.director", **found, invocation={"module_args": {"secrets": {"main": "s3cret"}}})
    )
    report.v2_runner_on_failed(result("fleetkeep.backup.director", msg="is wrong", problems=["a.yml:1:1: is wrong"]))
    report.v2_runner_on_unreachable(result("fleetkeep.backup.director", msg="no route", unreachable=True))
    first, second, third = lines(tmp_path)
    assert first == {"event": "host", "host": "web1", "outcome": "ok", **found}
    assert (second["outcome"], second["problems"]) == ("failed", ["a.yml:1:1: is wrong"])
    assert (third["outcome"], third["msg"]) == ("unreachable", "no route")
    assert "s3cret" not in (tmp_path / "report.jsonl").read_text()


def test_other_tasks_are_no_part_of_it(report, tmp_path):
    report.v2_runner_on_ok(result("ansible.builtin.debug", msg="hello"))
    assert not (tmp_path / "report.jsonl").exists()


def test_what_a_storage_host_is_asked_for_its_clients_is_no_result_of_a_client(report, tmp_path):
    arguments = {"state": "granted", "applied": []}
    report.v2_runner_on_ok(result("fleetkeep.backup.director", arguments, changed=True))
    report.v2_runner_on_unreachable(result("fleetkeep.backup.director", arguments, msg="no route", unreachable=True))
    assert not (tmp_path / "report.jsonl").exists()


def test_only_its_owner_reads_it(report, tmp_path):
    report.v2_runner_on_ok(result("fleetkeep.backup.director", changed=False))
    assert (tmp_path / "report.jsonl").stat().st_mode & 0o777 == 0o600


def test_without_a_file_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    plugin = callback_loader.get("fleetkeep.backup.report")
    plugin.set_options()
    plugin.v2_runner_on_ok(result("fleetkeep.backup.director", changed=False))
    assert list(tmp_path.iterdir()) == []
