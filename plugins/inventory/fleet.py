# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
name: fleet
short_description: Reads fleet files, which declare what is backed up where, when and for how long
version_added: 0.1.0
author:
  - Fleetkeep authors (@fleetkeep)
description:
  - A fleet file is a YAML file that begins with C(plugin=fleetkeep.backup.fleet). It declares a backup fleet with plain
    maps keyed by name.
  - There may be one file or several; a name that two files declare is an error that names both places.
  - Hosts come from the same files or from any other inventory source. Jobs choose them with Ansible host patterns.
  - Each section becomes a variable of the group C(all), C(fleetkeep_jobs) for example, from which the module
    M(fleetkeep.backup.director) resolves the desired state of a host.
  - Values may hold Jinja expressions and Vault values as any other variable may. They are evaluated for each host that
    uses them.
  - Mistakes never stop the inventory. They are collected, and M(fleetkeep.backup.director) reports all of them
    with file, line and column before any host is touched.
requirements:
  - The Python package C(fleetkeep), in the version of this collection, in the environment of Ansible.
options:
  plugin:
    description: Marks the file as a fleet file.
    type: str
    required: true
    choices: [fleetkeep.backup.fleet]
  hosts:
    description:
      - Hosts, each with its variables. The key C(groups) lists the groups that a host is in.
      - A name may hold a range, as in C(web[1:3]).
    type: dict
    default: {}
  storages:
    description: Places that hold repositories, such as a folder on a storage host.
    type: dict
    default: {}
  repositories:
    description: Borg repositories, with their place, encryption and passphrase.
    type: dict
    default: {}
  schedules:
    description: Moments in time, as cron expressions in a time zone.
    type: dict
    default: {}
  retention:
    description: Rules of how long archives are kept.
    type: dict
    default: {}
  templates:
    description: Settings that jobs share. A template may build on others.
    type: dict
    default: {}
  jobs:
    description: What is backed up, on the hosts that a host pattern chooses.
    type: dict
    default: {}
"""

EXAMPLES = r"""
# inventory/fleet.yml
plugin: fleetkeep.backup.fleet

hosts:
  web1: {ansible_host: 192.0.2.11, groups: [web, prod]}

repositories:
  offsite:
    path: ssh://borg@vault1.example.net/srv/borg
    per: client
    encryption: repokey-blake2
    passphrase: "{{ vault_offsite_passphrase }}"

schedules:
  nightly: {cron: "0 2 * * *", timezone: Europe/Berlin, jitter: 45m}

retention:
  standard: {daily: 7, weekly: 4, monthly: 12}

templates:
  linux-server:
    sources: {paths: [/etc, /home, /root], exclude_caches: true}
    retention: standard

jobs:
  system:
    clients: all:!test
    template: linux-server
    repositories: [offsite]
    schedule: nightly
"""

import os
from collections.abc import Mapping

from ansible.errors import AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin

from ansible_collections.fleetkeep.backup.plugins.plugin_utils._runtime import runtime
from ansible_collections.fleetkeep.backup.plugins.plugin_utils._tree import shown_path, to_node


class InventoryModule(BaseInventoryPlugin):
    """Adds the hosts and the declarations of one fleet file to the inventory."""

    NAME = "fleetkeep.backup.fleet"

    def verify_file(self, path):
        return super().verify_file(path) and path.endswith((".yml", ".yaml"))

    def parse(self, inventory, loader, path, cache=True):
        super().parse(inventory, loader, path)
        content = loader.load_from_file(path, cache="none", trusted_as_template=True)
        if not isinstance(content, Mapping) or content.get("plugin") != self.NAME:
            raise AnsibleParserError(f"{path} is not a fleet file; one begins with plugin: {self.NAME}.")
        earlier = {section: self._variable(section, {}) for section in ("hosts", *runtime().sections)}
        declarations, problems = runtime().fleet.merge_declarations([to_node(earlier), to_node(content)])
        problems += self._problems_of_text(path)
        for section, known in earlier.items():
            new = _accepted(content.get(section), declarations.sections[section], known)
            if section == "hosts":
                self._add_hosts(new)
                new = dict.fromkeys(new)  # the names with their places; the variables are on the hosts
            self._set_variable(section, {**known, **new})
        self._set_variable("fleet_files", [*self._variable("fleet_files", []), os.path.abspath(path)])
        self._set_variable("fleet_errors", [*self._variable("fleet_errors", []), *map(_as_data, problems)])

    def _problems_of_text(self, path):
        """What only the text shows, such as a key that stands twice in one map."""
        try:
            runtime().fleet.load_fleet_text(str(self.loader.get_text_file_contents(path)), shown_path(path))
        except runtime().errors.Problems as found:
            return list(found.problems)
        return []

    def _add_hosts(self, hosts):
        for pattern, variables in hosts.items():
            names, port = self._expand_hostpattern(pattern)
            variables = dict(variables or {})
            groups = [self.inventory.add_group(group) for group in variables.pop("groups", None) or []]
            for name in names:
                self._populate_host_vars([name], variables, port=port)
                for group in groups:
                    self.inventory.add_child(group, name)

    def _variable(self, name, default):
        return self.inventory.groups["all"].vars.get(f"fleetkeep_{name}", default)

    def _set_variable(self, name, value):
        self.inventory.set_variable("all", f"fleetkeep_{name}", value)


def _accepted(section, declared, known):
    """The entries of a section that are well formed and that no earlier file declares."""
    if not isinstance(section, Mapping):
        return {}
    return {name: value for name, value in section.items() if name in declared and name not in known}


def _as_data(problem):
    """A problem as a variable can hold it."""
    return {"where": problem.details["where"], "what": problem.details["what"]}
