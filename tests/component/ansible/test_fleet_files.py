# SPDX-License-Identifier: GPL-3.0-or-later
"""Fleet files through the real Ansible: where values come from, and what mistakes get."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .conftest import SECRET, Site

VAULT = Path(sys.executable).with_name("ansible-vault")
PASSPHRASE = "etc/fleetkeep/secrets/main.passphrase"


def desired(site: Site) -> Any:
    """What is applied to the host."""
    return json.loads((site.prefix / "etc/fleetkeep/desired.json").read_text())


@pytest.fixture
def password(site: Site) -> Path:
    """A file with the Vault password."""
    file = site.folder / "vault-password"
    file.write_text("open sesame\n")
    return file


def encrypt(password: Path, value: str) -> str:
    """A Vault value, as the right side of a YAML key."""
    command = [VAULT, "encrypt_string", "--vault-password-file", password, value]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.rstrip()


def test_a_vault_value_in_a_fleet_file_is_a_passphrase(site: Site, password: Path) -> None:
    site.edit('{path: "', '\n    path: "')
    site.edit('", passphrase: "{{ main_passphrase }}"}', f'"\n    passphrase: {encrypt(password, SECRET)}')
    done = site.fleetkeep("apply", "--yes", "--vault-password-file", password)
    assert done.exit_code == 2, done.said
    assert site.files()[PASSPHRASE].decode() == SECRET
    assert SECRET not in done.said


def test_a_vaulted_variable_is_a_passphrase(site: Site, password: Path) -> None:
    site.write("group_vars/all.yml", f"main_passphrase: {encrypt(password, SECRET)}\n")
    done = site.fleetkeep("apply", "--yes", "--vault-password-file", password)
    assert done.exit_code == 2, done.said
    assert site.files()[PASSPHRASE].decode() == SECRET
    assert SECRET not in done.said


def test_without_the_vault_password_nothing_happens(site: Site, password: Path) -> None:
    site.write("group_vars/all.yml", f"main_passphrase: {encrypt(password, SECRET)}\n")
    done = site.fleetkeep("apply", "--yes")
    assert (done.exit_code, site.files()) == (1, {})
    assert "inventory/fleet.yml:5:" in done.stderr
    assert "no Vault password that was given opens it" in done.stderr
    assert "Traceback" not in done.said


def test_jinja_values_are_of_the_host(site: Site) -> None:
    site.edit("groups: [web]}", "groups: [web], days: 3}")
    site.edit("{daily: 7}", '{daily: "{{ days + 1 }}"}')
    site.edit("/srv", "/{{ inventory_hostname }}")
    done = site.fleetkeep("apply", "--yes")
    assert done.exit_code == 2, done.said
    assert desired(site)["jobs"]["docs"]["retention"]["daily"] == 4
    assert desired(site)["repositories"]["main"]["location"] == f"{site.prefix}/here/here"


def test_hosts_come_from_any_inventory_and_jobs_choose_by_pattern(site: Site) -> None:
    site.edit("hosts:\n  here: {ansible_connection: local, groups: [web]}\n", "")
    site.edit("clients: web", "clients: front:&live:!front-2")
    site.write("hosts.ini", "[front]\nfront-[1:3]\n[live]\nfront-1\nfront-2\n[all:vars]\nansible_connection=local\n")
    done = site.fleetkeep("plan", "--json")
    assert done.exit_code == 2, done.said
    changed = {host["host"]: host["changed"] for host in done.json["hosts"] if "plan" in host}
    assert changed == {"front-1": True, "front-2": False, "front-3": False}


def test_several_files_are_one_fleet(site: Site) -> None:
    site.edit("retention:\n  standard: {daily: 7}\n", "")
    site.write("retention.yml", "plugin: fleetkeep.backup.fleet\nretention:\n  standard: {weekly: 5}\n")
    done = site.fleetkeep("apply", "--yes")
    assert done.exit_code == 2, done.said
    assert desired(site)["jobs"]["docs"]["retention"]["weekly"] == 5
    explained = site.fleetkeep("explain", "here", "docs")
    assert "weekly: 5, from retention.standard, inventory/retention.yml:3" in explained.stdout


def test_a_name_in_two_files_names_both_places(site: Site) -> None:
    site.write("more.yml", "plugin: fleetkeep.backup.fleet\nretention:\n  standard: {weekly: 5}\n")
    for verb in (["validate"], ["plan"], ["apply", "--yes"]):
        done = site.fleetkeep(*verb)
        assert done.exit_code == 1
        assert "inventory/more.yml:3:3: retention.standard is declared twice" in done.said
        assert "inventory/fleet.yml:9:3" in done.said
    assert site.files() == {}


def test_all_mistakes_come_at_once_with_their_places(site: Site) -> None:
    site.edit("{daily: 7}", "{dayly: 7}")
    site.edit('"0 2 * * *"', '"61 2 * * *"')
    site.edit("paths: [", "paths: [relative, ")
    site.edit("[main]", "[main, missing]")
    site.edit("clients: web", "clients: wab")
    done = site.fleetkeep("validate")
    assert done.exit_code == 1
    places = {line.split(" ")[0] for line in done.stdout.splitlines()}
    assert places >= {
        "inventory/fleet.yml:7:19:",
        "inventory/fleet.yml:9:14:",
        "inventory/fleet.yml:12:14:",
        "inventory/fleet.yml:13:23:",
        "inventory/fleet.yml:14:26:",
    }
    assert "Traceback" not in done.said
    plan = site.fleetkeep("plan")
    assert plan.exit_code == 1
    assert all(f"error: {line}" in plan.stderr for line in done.stdout.splitlines())


@pytest.mark.parametrize("verb", ["validate", "plan"])
def test_a_file_that_is_no_yaml_is_named_with_its_place(site: Site, verb: str) -> None:
    site.write("broken.yml", "plugin: fleetkeep.backup.fleet\njobs:\n  one: {clients: [\n")
    done = site.fleetkeep(verb)
    assert done.exit_code == 1
    assert "inventory/broken.yml:4:1: this is not valid YAML" in done.stderr
    assert done.said.count("\n") == 1


def test_a_file_that_ansible_only_warns_about_stops_the_apply(site: Site) -> None:
    assert site.playbook("apply").exit_code == 0
    before = site.files()
    site.write("broken.yml", "plugin: fleetkeep.backup.fleet\njobs: [\n")
    done = site.playbook("apply")
    assert done.exit_code != 0
    assert "inventory/broken.yml:3:1: this is not valid YAML" in done.said
    assert site.files() == before


def test_a_good_inventory_is_valid(site: Site) -> None:
    done = site.fleetkeep("validate")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "1 host, 3 jobs: valid\n", "")


def test_explain_names_the_place_of_every_value(site: Site) -> None:
    done = site.fleetkeep("explain", "here")
    assert done.exit_code == 0, done.said
    assert "daily: 7, from retention.standard, inventory/fleet.yml:9" in done.stdout
    assert "jitter: 0s, by default" in done.stdout
    assert SECRET not in done.said


def test_what_is_not_there_is_said(site: Site) -> None:
    assert "has no job nope; it has docs, last and more" in site.fleetkeep("explain", "here", "nope").stderr
    assert "No host of the inventory matches nowhere" in site.fleetkeep("plan", "--limit", "nowhere").stderr
    assert "did you mean --limit here?" in site.fleetkeep("plan", "here").stderr
