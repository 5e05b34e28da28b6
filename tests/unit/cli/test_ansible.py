# SPDX-License-Identifier: GPL-3.0-or-later
"""How ansible-playbook is called, and how its report is read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import pytest

from fleetkeep.cli import _ansible
from fleetkeep.cli._ansible import HostResult, Report, Request
from fleetkeep.cli._fleet import exit_status, plans_of, print_failures, report_as_json
from fleetkeep.errors import AnsibleMissing, CollectionMissing, NoHosts, Problems

COLLECTION = "collections/ansible_collections/fleetkeep/backup"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory and no Ansible settings."""
    monkeypatch.chdir(tmp_path)
    for name in ("ANSIBLE_INVENTORY", "ANSIBLE_COLLECTIONS_PATH", "ANSIBLE_CALLBACKS_ENABLED", "ANSIBLE_PIPELINING"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def arguments(**values: Any) -> list[str]:
    return list(_ansible._arguments(Request(playbook="plan", **values)))


def environment() -> dict[str, str]:
    return _ansible._environment(Path("/report.jsonl"))


def good(host: str, **data: Any) -> HostResult:
    return HostResult(host=host, outcome="ok", changed=data.pop("changed", False), data=data)


def bad(host: str, message: str = "", *problems: str, **data: Any) -> HostResult:
    return HostResult(host=host, outcome="failed", message=message, problems=problems, data=data)


def test_options_become_arguments() -> None:
    found = arguments(inventories=("a", "b"), limit="web", variables={"x": 1}, verbosity=3, arguments=("--forks=9",))
    assert found == [
        *("--inventory", "a", "--inventory", "b", "--limit", "web"),
        *("--extra-vars", '{"x": 1}', "-vv", "--forks=9"),
    ]


def test_the_folder_inventory_is_the_usual_one(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert arguments() == []
    (folder / "inventory").mkdir()
    assert arguments() == ["--inventory", "inventory"]
    (folder / "ansible.cfg").write_text("[defaults]\ninventory = hosts.ini\n")
    assert arguments() == []
    (folder / "ansible.cfg").unlink()
    monkeypatch.setenv("ANSIBLE_INVENTORY", "hosts.ini")
    assert arguments() == []


def test_the_collection_of_the_folder_comes_first(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "ANSIBLE_COLLECTIONS_PATH" not in environment()
    (folder / COLLECTION).mkdir(parents=True)
    assert environment()["ANSIBLE_COLLECTIONS_PATH"].startswith(f"{folder}/collections:~/.ansible/collections:")
    monkeypatch.setenv("ANSIBLE_COLLECTIONS_PATH", "/mine")
    assert environment()["ANSIBLE_COLLECTIONS_PATH"] == f"{folder}/collections:/mine"
    (folder / "ansible.cfg").write_text("[defaults]\ncollections_path = elsewhere\n")
    assert environment()["ANSIBLE_COLLECTIONS_PATH"] == "/mine"


def test_the_user_s_settings_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANSIBLE_CALLBACKS_ENABLED", "profile_tasks")
    monkeypatch.setenv("ANSIBLE_PIPELINING", "false")
    found = environment()
    assert found["ANSIBLE_CALLBACKS_ENABLED"] == "profile_tasks,fleetkeep.backup.report"
    assert found["ANSIBLE_PIPELINING"] == "false"
    assert found["FLEETKEEP_REPORT_FILE"] == "/report.jsonl"


def test_a_line_that_is_still_written_is_not_read(folder: Path) -> None:
    file = folder / "report.jsonl"
    file.write_text(json.dumps({"event": "play", "hosts": 2}) + '\n{"event": "ho')
    assert list(_ansible._read_events(file)) == [{"event": "play", "hosts": 2}]


def test_without_ansible_the_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setattr(_ansible.sys, "executable", str(folder / "python"))
    monkeypatch.setenv("PATH", str(folder))
    with pytest.raises(AnsibleMissing, match=r'pip install "fleetkeep\[controller\]"'):
        _ansible._find_program()


@pytest.mark.parametrize(
    ("exit_code", "said", "error"),
    [
        (0, "", NoHosts),
        (1, "ERROR! Specified inventory, host pattern and/or --limit leaves us with no hosts to target.", NoHosts),
        (1, "[ERROR]: the playbook: fleetkeep.backup.plan could not be found", CollectionMissing),
    ],
)
def test_silence_is_explained(exit_code: int, said: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        _ansible._explain_silence(Request(playbook="plan"), exit_code, said)


def test_silence_because_of_broken_fleet_files_names_all_of_them(folder: Path) -> None:
    (folder / "inventory").mkdir()
    for name in ("a", "b"):
        (folder / f"inventory/{name}.yml").write_text("plugin: fleetkeep.backup.fleet\njobs: [\n")
    with pytest.raises(Problems) as found:
        _ansible._explain_silence(Request(playbook="plan"), 1, "")
    assert [str(problem).split(": ")[0] for problem in found.value.problems] == [
        "inventory/a.yml:3:1",
        "inventory/b.yml:3:1",
    ]


@pytest.mark.parametrize(
    ("results", "status"),
    [
        ([good("a"), good("b")], 0),
        ([good("a"), good("b", changed=True)], 2),
        ([good("a", changed=True), bad("b")], 1),
    ],
)
def test_exit_status(results: list[HostResult], status: int) -> None:
    assert exit_status(Report(tuple(results), 0)) == status


def test_each_problem_is_printed_once_and_inert(capsys: pytest.CaptureFixture[str]) -> None:
    results = (
        bad("a", "2 problems", "x.yml:1:1: is wrong", code="FK100"),
        bad("b", "1 problem", "x.yml:1:1: is wrong", code="FK100"),
        bad("c", "no\n  route \x1b[31m"),
    )
    print_failures(Report(results, 2))
    assert capsys.readouterr().err.splitlines() == [
        "error: x.yml:1:1: is wrong [FK100]",
        "error: c: no route \\x1b[31m",
    ]


def test_the_json_report_names_every_host() -> None:
    found = report_as_json(Report((good("b", changed=True, plan={"client": "b"}), bad("a", "no route")), 2))
    assert (found["changed"], found["failed"]) == (True, True)
    assert [host["host"] for host in found["hosts"]] == ["a", "b"]
    assert found["hosts"][1]["plan"] == {"client": "b"}


def test_a_plan_that_ansible_masked_is_explained() -> None:
    masked = {"client": "a", "changes": [{"action": "********", "kind": "job", "name": "x"}]}
    with pytest.raises(click.ClickException, match="declare a longer passphrase"):
        plans_of(Report((good("a", plan=masked),), 0))


def test_plans_come_in_the_order_of_their_hosts() -> None:
    report = Report((good("b", plan={"client": "b"}), bad("c"), good("a", plan={"client": "a"})), 0)
    assert [plan.client for plan in plans_of(report)] == ["a", "b"]
