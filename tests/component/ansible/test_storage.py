# SPDX-License-Identifier: GPL-3.0-or-later
"""A storage host and its clients: keys that never leave them, access that the declaration owns, real sshd and Borg."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from servers import Sshd, make_sshd, user_name
from sites import Done, Site

FLEET = """\
plugin: fleetkeep.backup.fleet
hosts:
  vault: {{ansible_connection: local, fleetkeep_prefix: {folder}/vault}}
  web1: {{ansible_connection: local, groups: [web], fleetkeep_prefix: {folder}/web1, source: {folder}/one}}
  web2: {{ansible_connection: local, groups: [web], fleetkeep_prefix: {folder}/web2, source: {folder}/two}}
storages:
  vault1: {{host: 127.0.0.1, port: {port}, inventory_host: vault, path: {folder}/vault/srv, user: {user}, quota: 1G}}
repositories:
  offsite: {{storage: vault1, passphrase: {{generate: true}}}}
retention:
  standard: {{daily: 7}}
jobs:
  docs: {{clients: web, sources: {{paths: ["{{{{ source }}}}"]}}, repositories: [offsite], retention: standard}}
"""


@dataclass
class Fleet:
    """A storage host and two clients, each below a prefix of its own on this machine."""

    site: Site
    sshd: Sshd

    @property
    def folder(self) -> Path:
        return self.site.folder

    @property
    def authorized(self) -> Path:
        return self.folder / "vault/etc/ssh/fleetkeep/authorized_keys.d" / user_name()

    def apply(self, *arguments: str) -> Done:
        command = self.site.command("apply", "--yes", "--json", *arguments)
        return self.site.run([word for word in command if word not in ("--prefix", str(self.site.prefix))])

    def on(self, host: str, verb: str, *arguments: str) -> Done:
        command = self.site.command(verb, *arguments)
        return self.site.run([str(self.folder / host) if word == str(self.site.prefix) else word for word in command])

    def key(self, host: str) -> Path:
        return self.folder / host / "etc/fleetkeep/ssh/keys/offsite"

    def ssh(self, key: Path, *words: str) -> subprocess.CompletedProcess[str]:
        """What somebody who stole a client's key could try."""
        return subprocess.run(
            ["ssh", "-F", "none", "-i", str(key), "-oIdentitiesOnly=yes", "-oIdentityAgent=none",
             "-oStrictHostKeyChecking=yes", "-oHostKeyAlias=vault1", "-oBatchMode=yes",
             f"-oUserKnownHostsFile={self.folder}/web1/etc/fleetkeep/ssh/known_hosts.d/vault1",
             "-p", str(self.sshd.port), *words],
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip


@pytest.fixture
def fleet(site: Site) -> Iterator[Fleet]:
    if os.geteuid() != 0:
        pytest.skip("an sshd that serves another home needs root")
    folder = site.folder
    sshd = make_sshd(folder / "vault/etc/ssh", f"{folder}/vault/etc/ssh/fleetkeep/authorized_keys.d/%u")
    site.write("fleet.yml", FLEET.format(folder=folder, port=sshd.port, user=user_name()))
    for name in ("one", "two"):
        (folder / name).mkdir()
        (folder / name / "file").write_text(name)
    sshd.start()
    yield Fleet(site, sshd)
    sshd.stop()


def test_two_clients_get_in_and_nobody_gets_further(fleet: Fleet) -> None:
    first = fleet.apply()
    assert first.exit_code == 2, first.said
    hosts = {entry["host"]: entry for entry in json.loads(first.stdout)["hosts"]}
    assert set(hosts) == {"vault", "web1", "web2"}
    kinds = [change["kind"] for change in hosts["web1"]["plan"]["changes"]]
    assert kinds == ["key", "host key", "passphrase", "repository", "job"]
    text = fleet.authorized.read_text()
    assert text.count("\nrestrict,command=") == 2
    assert "--append-only --restrict-to-repository" in text and "--storage-quota 1000000000" in text

    assert fleet.apply().exit_code == 0

    assert fleet.on("web1", "run", "docs").exit_code == 0
    assert fleet.on("web2", "run", "docs").exit_code == 0
    target, key = f"{user_name()}@127.0.0.1", fleet.key("web1")
    shell = fleet.ssh(key, target, "touch", f"{fleet.folder}/stolen")
    assert not (fleet.folder / "stolen").exists()
    assert shell.returncode != 0
    assert fleet.ssh(key, "-N", "-oExitOnForwardFailure=yes", "-R", "0:127.0.0.1:1", target).returncode != 0
    assert fleet.ssh(key, "-s", target, "sftp").returncode != 0


def test_a_limited_apply_lets_its_client_in_and_a_retired_one_goes_out(fleet: Fleet) -> None:
    assert fleet.apply("--limit", "web1").exit_code == 2
    lines = fleet.authorized.read_text().splitlines()
    assert lines[1].endswith(" fleetkeep:web1:offsite")
    assert lines[2] == "# web2:offsite: its key is not known yet"
    key = fleet.key("web1").read_bytes()

    assert fleet.apply().exit_code == 2
    assert fleet.authorized.read_text().splitlines()[1] == lines[1]
    assert fleet.key("web1").read_bytes() == key

    fleet.site.edit("web2: {ansible_connection: local, groups: [web],", "web2: {ansible_connection: local,")
    stolen = fleet.folder / "stolen"
    stolen.write_bytes(fleet.key("web2").read_bytes())
    stolen.chmod(0o600)
    assert "Permission denied" not in fleet.ssh(stolen, f"{user_name()}@127.0.0.1").stderr
    assert fleet.apply("--allow-removals").exit_code == 2
    assert fleet.authorized.read_text().splitlines()[1:] == [lines[1]]
    assert (fleet.folder / "vault/srv/offsite/web2/config").exists()
    assert "Permission denied" in fleet.ssh(stolen, f"{user_name()}@127.0.0.1").stderr


def test_a_storage_that_is_down_costs_only_what_is_new(fleet: Fleet) -> None:
    reached, gone = "vault: {ansible_connection: local,", "vault: {ansible_host: 127.0.0.1, ansible_port: 1,"
    fleet.site.edit("web2: {ansible_connection: local, groups: [web],", "web2: {ansible_connection: local,")
    assert fleet.apply("--limit", "web1").exit_code == 2
    fleet.site.edit("web2: {ansible_connection: local,", "web2: {ansible_connection: local, groups: [web],")
    fleet.site.edit(reached, gone)
    done = fleet.apply()
    assert done.exit_code == 1
    hosts = {entry["host"]: entry for entry in json.loads(done.stdout)["hosts"]}
    assert [hosts[name]["outcome"] for name in ("vault", "web1", "web2")] == ["unreachable", "ok", "failed"]
    assert hosts["web2"]["message"].startswith("web2 has no access yet to offsite: ")
    assert "Connection refused" in hosts["web2"]["message"]
    assert not (fleet.folder / "web2/etc/fleetkeep/desired.json").exists()
    assert fleet.on("web1", "run", "docs").exit_code == 0

    fleet.site.edit(gone, reached)
    assert fleet.apply().exit_code == 2
    assert fleet.on("web2", "run", "docs").exit_code == 0
