# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory plugin: fleet files become hosts and variables of the group all."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible.errors import AnsibleParserError
from ansible.inventory.data import InventoryData
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import inventory_loader

HEAD = "plugin: fleetkeep.backup.fleet\n"


@pytest.fixture
def inventory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The inventory of some files, given as name to text."""
    monkeypatch.chdir(tmp_path)
    # The ansible.cfg of this checkout is stricter than what a user starts from.
    monkeypatch.setattr("ansible.constants.INVENTORY_ANY_UNPARSED_IS_FAILED", False)

    def parse(**files: str) -> InventoryManager:
        folder = tmp_path / "inventory"
        folder.mkdir()
        for name, text in files.items():
            (folder / f"{name}.yml").write_text(text)
        return InventoryManager(loader=DataLoader(), sources=[str(folder)])

    return parse


def variables(inventory: InventoryManager) -> dict:
    return inventory.groups["all"].get_vars()


def errors(inventory: InventoryManager) -> list[tuple[str, str]]:
    return [(error["where"], error["what"]) for error in variables(inventory)["fleetkeep_fleet_errors"]]


def test_hosts_have_their_groups_and_variables(inventory):
    found = inventory(
        fleet=HEAD
        + "hosts:\n  web1: {ansible_host: 192.0.2.11, groups: [web, prod]}\n  db1:\n  app[1:2]: {groups: [app]}\n"
    )
    assert sorted(found.hosts) == ["app1", "app2", "db1", "web1"]
    assert found.get_host("web1").vars["ansible_host"] == "192.0.2.11"
    assert "groups" not in found.get_host("web1").vars
    assert {group.name for group in found.get_host("web1").get_groups()} == {"all", "web", "prod"}
    assert {group.name for group in found.get_host("app2").get_groups()} == {"all", "app"}


def test_several_files_are_one_fleet(inventory):
    found = inventory(
        a=HEAD + "retention: {standard: {daily: 7}}\nhosts: {web1: }\n",
        b=HEAD + "retention: {long: {yearly: 7}}\njobs: {system: {clients: all}}\n",
        c="all: {hosts: {other1: {}}}\n",
    )
    assert errors(found) == []
    assert set(variables(found)["fleetkeep_retention"]) == {"standard", "long"}
    assert set(variables(found)["fleetkeep_jobs"]) == {"system"}
    assert sorted(found.hosts) == ["other1", "web1"]
    assert [Path(name).name for name in variables(found)["fleetkeep_fleet_files"]] == ["a.yml", "b.yml"]


@pytest.mark.parametrize(
    ("section", "value"), [("retention", "{daily: 7}"), ("hosts", "{groups: [web]}"), ("jobs", "{clients: all}")]
)
def test_a_name_that_two_files_declare_names_both_places(inventory, section, value):
    text = HEAD + f"{section}:\n  same: {value}\n"
    found = inventory(a=text, b="\n" + text)
    [(where, what)] = errors(found)
    assert where == "inventory/b.yml:4:3"
    assert "inventory/a.yml:3:3" in what


@pytest.mark.parametrize(
    ("text", "where", "words"),
    [
        ("job:\n  system: {}\n", "inventory/fleet.yml:2:1", "jobs"),
        ("jobs: [system]\n", "inventory/fleet.yml:2:7", "map"),
        ("hosts:\n  web1: {groups: web}\n", "inventory/fleet.yml:3:3", "groups"),
        ("retention:\n  a: {daily: 7, daily: 8}\n", "inventory/fleet.yml:3:17", "twice"),
    ],
)
def test_mistakes_are_collected_with_their_places(inventory, text, where, words):
    found = inventory(fleet=HEAD + text)
    assert [place for place, _what in errors(found)] == [where]
    assert words in errors(found)[0][1]


def test_mistakes_do_not_stop_the_rest(inventory):
    found = inventory(fleet=HEAD + "job: {}\njobs: {system: {clients: all}, 7bad name: {}}\nhosts: {web1: }\n")
    assert set(variables(found)["fleetkeep_jobs"]) == {"system"}
    assert list(found.hosts) == ["web1"]
    assert len(errors(found)) == 2


@pytest.mark.parametrize("text", ["plugin: some.other.plugin\n", "- a list\n", "jobs: {}\n"])
def test_files_of_others_are_refused(tmp_path, text):
    file = tmp_path / "fleet.yml"
    file.write_text(text)
    with pytest.raises(AnsibleParserError, match="is not a fleet file"):
        inventory_loader.get("fleetkeep.backup.fleet").parse(InventoryData(), DataLoader(), str(file))
