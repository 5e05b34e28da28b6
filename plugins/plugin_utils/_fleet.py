# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The fleet as one run of Ansible sees it: declarations from variables, resolved for one host or for all."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.fleetkeep.backup.plugins.plugin_utils._runtime import runtime
from ansible_collections.fleetkeep.backup.plugins.plugin_utils._tree import Template, shown_path, to_node

#: What an unread file is, when its text shows no mistake.
_NOT_READ = "Ansible did not read this fleet file; its warnings above say why"


class Fleet:
    """What the variables of a host declare, and the inventory that jobs choose their clients from.

    ``problems`` is what is wrong with the outer shape, and what went wrong when the files were read.
    """

    def __init__(self, variables, templar, loader):
        package = runtime()
        sections = {name: variables.get(f"fleetkeep_{name}") or {} for name in package.sections}
        self.declarations, shape = package.fleet.merge_declarations([to_node(sections)])
        self.problems = [*shape, *_reading_problems(variables, loader)]
        self._variables = variables
        self._name = variables["inventory_hostname"]
        self._members = {group: list(hosts) for group, hosts in variables["groups"].items()}
        self._templar = templar

    def resolve(self, scheduler, host=None):
        """The desired state of a host, by default the one whose variables these are; has all problems that it meets."""
        package, host = runtime(), host or self._name
        resolved = package.fleet.resolve_client(
            self.declarations,
            host,
            frozenset(self._groups_of(host)),
            self._members,
            self._template_of(host),
            package.model.SchedulerChoice(scheduler),
        )
        share = package.fleet.resolve_storages(self.declarations, host, self._groups, self._members, self._template_of)
        return package.fleet.with_storages(resolved, share)

    def variable(self, host, name, default):
        """A variable of any host of the inventory, templated with that host's variables."""
        value = self._variables["hostvars"].raw_get(host).get(name)
        return default if value is None else self._template_of(host)(value)

    def validate(self):
        """All problems of the inventory, for all its hosts."""
        groups = self._groups()
        found = runtime().fleet.validate_fleet(self.declarations, groups, self._members, self._template_of)
        return runtime().fleet.sort_problems([*self.problems, *found])

    def _groups_of(self, host):
        """The groups that one host is in."""
        if host == self._name:
            return {"all", *self._variables["group_names"]}
        return {"all", *(group for group, hosts in self._members.items() if host in hosts)}

    def _groups(self):
        """Every host of the inventory to its groups."""
        groups = {host: {"all"} for host in self._members["all"]}
        for group, hosts in self._members.items():
            for host in hosts:
                groups.setdefault(host, {"all"}).add(group)
        return groups

    def _template_of(self, host):
        """The function that templates with the variables of one host of the inventory."""
        if host == self._name:
            return Template(self._templar)
        hostvars = self._variables["hostvars"]
        return Template(self._templar, lambda: {**hostvars.raw_get(host), "hostvars": hostvars})


def _reading_problems(variables, loader):
    """What went wrong when the fleet files were read; a fleet file that Ansible skipped is a problem as well.

    Ansible only warns about an inventory file that it cannot read. What it declares would then look undeclared, and an
    apply would remove it.
    """
    problem = runtime().errors.FleetFileProblem
    known = [problem(where=str(e["where"]), what=str(e["what"])) for e in variables.get("fleetkeep_fleet_errors") or []]
    read = {str(path) for path in variables.get("fleetkeep_fleet_files") or []}
    sources = [source for source in variables.get("ansible_inventory_sources") or [] if "," not in source]
    files = runtime().fleet.find_fleet_files(map(Path, sources))
    return known + [found for file in files if str(file.absolute()) not in read for found in _unread(file, loader)]


def _unread(file, loader):
    """Why a fleet file was not read."""
    try:
        runtime().fleet.load_fleet_text(str(loader.get_text_file_contents(str(file))), shown_path(str(file)))
    except runtime().errors.Problems as found:
        return found.problems
    return [runtime().errors.FleetFileProblem(where=shown_path(str(file)), what=_NOT_READ)]


__all__ = ["Fleet"]
