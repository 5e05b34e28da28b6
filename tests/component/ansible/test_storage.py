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

    def ssh(self, host: str, *words: str) -> subprocess.CompletedProcess[str]:
        """What somebody who stole a client's key could try."""
        return subprocess.run(
            ["ssh", "-F", "none", "-i", str(self.folder / host / "etc/fleetkeep/ssh/keys/offsite"),
             "-oStrictHostKeyChecking=yes", "-oHostKeyAlias=vault1", "-oBatchMode=yes",
             f"-oUserKnownHostsFile={self.folder / host}/etc/fleetkeep/ssh/known_hosts.d/vault1",
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
    target = f"{user_name()}@127.0.0.1"
    shell = fleet.ssh("web1", target, "touch", f"{fleet.folder}/stolen")
    assert not (fleet.folder / "stolen").exists()
    assert shell.returncode != 0
    assert fleet.ssh("web1", "-N", "-oExitOnForwardFailure=yes", "-R", "0:127.0.0.1:1", target).returncode != 0
    assert fleet.ssh("web1", "-s", target, "sftp").returncode != 0
