# SPDX-License-Identifier: GPL-3.0-or-later
"""Many hosts: in waves that stop, and equal plans as one."""

from __future__ import annotations

import json

from sites import Site

FLEET = """\
plugin: fleetkeep.backup.fleet
hosts:
  web1: {{ansible_connection: local, groups: [web], fleetkeep_prefix: {folder}/web1}}
  web2: {{ansible_connection: local, groups: [web], fleetkeep_prefix: {folder}/web2}}
  web3: {{ansible_connection: local, groups: [web], fleetkeep_prefix: {folder}/web3}}
repositories: {{main: {{path: "{{{{ fleetkeep_prefix }}}}/srv", passphrase: {{generate: true}}}}}}
retention: {{standard: {{daily: 7}}}}
jobs:
  docs: {{clients: web, sources: {{paths: [/usr/share/common-licenses]}}, repositories: [main], retention: standard}}
"""


def command(site: Site, verb: str, *arguments: str) -> list[str]:
    return [word for word in site.command(verb, *arguments) if word not in ("--prefix", str(site.prefix))]


def test_waves_stop_at_the_first_failure_and_equal_plans_are_one(site: Site) -> None:
    site.write("fleet.yml", FLEET.format(folder=site.folder))
    planned = site.run(command(site, "plan"))
    assert planned.exit_code == 2
    assert planned.stdout.startswith("3 hosts: web1, web2, web3\n"), planned.said
    assert "/<client>/srv/<client>" in planned.stdout
    commented = site.run(command(site, "plan", "--markdown"))
    assert commented.stdout.count("<details>") == 1 and "```diff\n+ " in commented.stdout

    (site.folder / "web2").write_text("a file where a folder should be")
    done = site.run(command(site, "apply", "--yes", "--json", "--wave", "1"))
    assert done.exit_code == 1
    outcomes = {entry["host"]: entry["outcome"] for entry in json.loads(done.stdout)["hosts"]}
    assert outcomes == {"web1": "ok", "web2": "failed"}
    assert (site.folder / "web1/srv/web1/config").exists()
    assert not (site.folder / "web3").exists()


def test_a_wave_is_a_number_or_a_share(site: Site) -> None:
    done = site.run(command(site, "apply", "--yes", "--wave", "many"))
    assert done.exit_code == 1
    assert "'many' is no number of hosts and no share of them; give 10 or 25%" in done.stderr
