#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: director
short_description: Bring a host to the state that the fleet files declare for it
version_added: 0.1.0
description:
  - Resolves on the controller what the fleet files (see P(fleetkeep.backup.fleet#inventory)) mean for the host.
    Templates, overrides, Jinja expressions and Vault values are all evaluated there.
  - Then, in one round trip, the host compares its state with that, and applies the difference (see
    M(fleetkeep.backup.host_state)).
  - What was declared once and is declared no longer is removed, except that no repository and no archive is ever
    deleted. A repository that nothing declares any more is reported.
  - A client of a storage with C(inventory_host) makes a key of its own for each repository there, and waits until the
    storage host lets it in. The playbook C(fleetkeep.backup.apply) sees to that.
  - When the fleet files hold mistakes, all of them are reported at once with file, line and column, and no host is
    changed.
options:
  state:
    description:
      - V(applied) brings the host to its declared state.
      - V(validated) checks the whole inventory, for all its hosts, without contacting any; use it with C(run_once).
      - V(granted) lets the keys of clients in on the storage host that the task is delegated to, and returns the keys
        by which that host is known.
      - V(explained) returns every resolved value of the host with the place that it comes from, without contacting it.
    type: str
    choices: [applied, granted, validated, explained]
    default: applied
  applied:
    description:
      - With O(state=granted), the results of the clients' tasks with O(state=applied), which hold their public keys, by
        the clients' names in the inventory.
    type: dict
  granted:
    description:
      - With O(state=applied), the results of the tasks with O(state=granted), which hold host keys. A client that still
        waits for a storage host then fails; without it, it returns RV(waiting) and RV(visits).
    type: list
    elements: dict
  allow_removals:
    description:
      - Accept a plan that removes more than a third of the host's jobs. Without it, such a plan is refused, because it
        mostly means that the inventory lost a group.
    type: bool
    default: false
  job:
    description:
      - With O(state=explained), only this job.
    type: str
  prefix:
    description:
      - The folder below which Fleetkeep keeps everything on the host.
    type: path
    default: /
  runtime:
    description:
      - The Python interpreter on the host that has the package C(fleetkeep).
      - By default that of the controller with a local connection, else C(/opt/fleetkeep/bin/python).
    type: path
  scheduler:
    description:
      - What starts the runs. V(auto) means systemd timers where systemd runs, else the agent's own scheduler.
    type: str
    choices: [auto, systemd, agent]
    default: auto
extends_documentation_fragment:
  - fleetkeep.backup.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
  platform:
    platforms: posix
requirements:
  - The Python package C(fleetkeep), in the version of this collection, on the controller.
  - The Fleetkeep runtime on the host, as the role P(fleetkeep.backup.client#role) installs it.
seealso:
  - plugin: fleetkeep.backup.fleet
    plugin_type: inventory
  - module: fleetkeep.backup.host_state
author:
  - Fleetkeep authors (@fleetkeep)
"""

EXAMPLES = r"""
- name: Check the whole inventory before any host is touched
  fleetkeep.backup.director:
    state: validated
  run_once: true

- name: Bring each host to its declared state
  fleetkeep.backup.director:

- name: Keep everything below a private folder
  fleetkeep.backup.director:
    prefix: /srv/fleetkeep-trial

- name: Read where the values of one job come from
  fleetkeep.backup.director:
    state: explained
    job: system
  register: explained
"""

RETURN = r"""
changed:
  description: Whether anything was changed, or would be in check mode.
  returned: always
  type: bool
state:
  description: What was asked for.
  returned: always
  type: str
  sample: applied
plan:
  description:
    - The changes in the order in which they are carried out, and the repositories that stay although nothing declares
      them. It holds no secret.
  returned: with O(state=applied), when the host answered
  type: dict
  sample:
    client: web1
    changes:
      - {action: create, kind: job, name: system}
    orphans: []
messages:
  description: What a person should know, such as a repository that nothing declares any more.
  returned: with O(state=applied), when the host answered
  type: list
  elements: str
waiting:
  description: The repositories whose storage host has yet to let the client in; nothing that comes after them was done.
  returned: with O(state=applied), when there are any
  type: list
  elements: str
visits:
  description: The inventory hosts that are those storages.
  returned: with RV(waiting)
  type: list
  elements: str
problems:
  description: Every problem of the fleet files that concerns the host, with O(state=validated) of the whole inventory.
  returned: when there are any
  type: list
  elements: str
  sample: ["inventory/fleet.yml:31:5: retention.standard.dayly does not exist; did you mean daily?"]
code:
  description: The code of the error, as in the list of errors of the documentation.
  returned: when it failed
  type: str
  sample: FK200
hosts:
  description: How many hosts the inventory has.
  returned: with O(state=validated), when it is valid
  type: int
jobs:
  description: How many jobs are declared.
  returned: with O(state=validated), when it is valid
  type: int
explanation:
  description: Each resolved value with the place that it comes from.
  returned: with O(state=explained)
  type: list
  elements: dict
"""

# The code is in plugins/action/director.py, because it runs on the controller.
