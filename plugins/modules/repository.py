#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: repository
short_description: Make a Borg repository known to a host, and create it where there is none
version_added: 0.1.0
description:
  - Adds one repository to what was applied to the host before, and creates it when nothing is at its place yet.
  - An existing repository is adopted when its passphrase and its encryption are as given, and refused otherwise.
  - It is for hosts without fleet files. Where fleet files declare the host, M(fleetkeep.backup.director) brings it back
    to what they declare.
  - No repository and no archive is ever deleted.
options:
  name:
    description:
      - The name of the repository on this host.
    type: str
    required: true
  state:
    description:
      - V(present) makes the repository known, and creates it where there is none.
      - V(absent) forgets it. It stays at its place with all its archives, and so does a passphrase that was made on
        the host.
    type: str
    choices: [present, absent]
    default: present
  location:
    description:
      - An absolute path on the host, or C(ssh://user@host:port/path). Needed with O(state=present).
    type: str
  encryption:
    description:
      - Borg's encryption mode.
    type: str
    choices:
      - repokey-blake2
      - keyfile-blake2
      - repokey
      - keyfile
      - authenticated-blake2
      - authenticated
      - none
    default: repokey-blake2
  passphrase:
    description:
      - The passphrase, from Vault for example. It is kept on the host in a file that only root reads.
    type: str
  passphrase_command:
    description:
      - A command on the host, as program and arguments, that prints the passphrase.
    type: list
    elements: str
  generate_passphrase:
    description:
      - Make the passphrase on the host, from 256 random bits.
    type: bool
    default: false
  append_only:
    description:
      - Create the repository in append-only mode.
    type: bool
    default: false
  quota:
    description:
      - The most that the repository may hold, such as V(500G); set when it is created.
    type: str
  client:
    description:
      - The name of the host in the catalog. By default the name that was applied before, else its host name.
    type: str
extends_documentation_fragment:
  - fleetkeep.backup.attributes
  - fleetkeep.backup.host
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
  platform:
    platforms: posix
seealso:
  - module: fleetkeep.backup.repository_info
  - module: fleetkeep.backup.director
"""

EXAMPLES = r"""
- name: Keep a repository on a mounted disk, with a passphrase that is made on the host
  fleetkeep.backup.repository:
    name: disk
    location: /mnt/backup/borg
    generate_passphrase: true

- name: Keep one on another host
  fleetkeep.backup.repository:
    name: offsite
    location: ssh://borg@vault1.example.net/srv/borg/{{ inventory_hostname }}
    passphrase: "{{ vault_offsite_passphrase }}"
    append_only: true
    quota: 500G

- name: Forget a repository, which stays where it is
  fleetkeep.backup.repository:
    name: disk
    state: absent
"""

RETURN = r"""
changed:
  description: Whether anything was changed, or would be in check mode.
  returned: always
  type: bool
plan:
  description: The changes in the order in which they are carried out; it holds no secret.
  returned: success
  type: dict
  sample:
    client: web1
    changes:
      - {action: create, kind: repository, name: disk}
    orphans: []
messages:
  description: What a person should know, such as a repository that stays although nothing declares it.
  returned: success
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.fleetkeep.backup.plugins.module_utils._host import applied_state, reconcile_host
from ansible_collections.fleetkeep.backup.plugins.module_utils._runtime import ARGUMENTS, run_in_runtime

ENCRYPTIONS = [
    "repokey-blake2",
    "keyfile-blake2",
    "repokey",
    "keyfile",
    "authenticated-blake2",
    "authenticated",
    "none",
]


def main():
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "location": {"type": "str"},
            "encryption": {"type": "str", "choices": ENCRYPTIONS, "default": "repokey-blake2"},
            "passphrase": {"type": "str", "no_log": True},
            "passphrase_command": {"type": "list", "elements": "str", "no_log": False},
            "generate_passphrase": {"type": "bool", "default": False, "no_log": False},
            "append_only": {"type": "bool", "default": False},
            "quota": {"type": "str"},
            "client": {"type": "str"},
            **ARGUMENTS,
        },
        mutually_exclusive=[("passphrase", "passphrase_command", "generate_passphrase")],
        required_if=[("state", "present", ["location"])],
        supports_check_mode=True,
    )
    run_in_runtime(module, settle_repository)


def settle_repository(module):
    wanted = module.params
    state = applied_state(module)
    repositories = {name: known.model_dump() for name, known in state.repositories.items() if name != wanted["name"]}
    if wanted["state"] == "present":
        repositories[wanted["name"]] = describe_repository(wanted)
    desired = type(state).model_validate({**state.model_dump(), "repositories": repositories})
    secrets = {wanted["name"]: wanted["passphrase"]} if wanted["passphrase"] is not None else {}
    return reconcile_host(module, desired, {"secrets": secrets}, allow_removals=False)


def describe_repository(wanted):
    """The repository in the form of a desired state: where its passphrase comes from, never the passphrase."""
    kind = "given"
    if wanted["encryption"] == "none":
        kind = "none"
    elif wanted["generate_passphrase"]:
        kind = "generated"
    elif wanted["passphrase_command"]:
        kind = "command"
    return {
        "name": wanted["name"],
        "location": wanted["location"],
        "encryption": wanted["encryption"],
        "passphrase": kind,
        "passphrase_command": wanted["passphrase_command"] or [],
        "append_only": wanted["append_only"],
        "quota": wanted["quota"],
    }


if __name__ == "__main__":
    main()
