#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: host_state
short_description: Reconcile this host with a resolved desired state
version_added: 0.1.0
description:
  - Observes what the host has, compares it with the given desired state, and applies the difference in a fixed order.
  - M(fleetkeep.backup.director) uses it, after it has resolved the fleet files on the controller. Use that module
    unless you make desired states by other means.
  - Only what an earlier apply created is ever removed. No repository and no archive is ever deleted.
options:
  desired:
    description:
      - The desired state of the host, in the form of C(schemas/desired-state.json). It holds no secret.
    type: dict
    required: true
  secrets:
    description:
      - The passphrases of the repositories that are declared with one, by the repository's name.
    type: dict
    default: {}
  keys:
    description:
      - On a storage host, the public keys of the grants in O(desired), by their labels such as C(web1:offsite). A grant
        that is not named keeps the key that it has.
    type: dict
    default: {}
  host_keys:
    description:
      - The public host keys of storage hosts that let this host in, by the name of the repository there. A repository
        of a storage host that is neither named nor in use already waits, and so does everything that comes after it.
    type: dict
    default: {}
  allow_removals:
    description:
      - Accept a plan that removes more than a third of the host's jobs.
    type: bool
    default: false
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
  - module: fleetkeep.backup.director
"""

EXAMPLES = r"""
- name: Reconcile a host with one repository and one job
  fleetkeep.backup.host_state:
    desired:
      client: "{{ inventory_hostname }}"
      repositories:
        local: {name: local, location: /srv/borg}
      jobs:
        system:
          name: system
          sources: {paths: [/etc]}
          repositories: [local]
          retention: {daily: 7}
    secrets:
      local: "{{ vault_local_passphrase }}"
"""

RETURN = r"""
changed:
  description: Whether anything was changed, or would be in check mode.
  returned: always
  type: bool
plan:
  description:
    - The changes in the order in which they are carried out, and the repositories that stay although nothing declares
      them. It holds no secret.
  returned: success
  type: dict
  sample:
    client: web1
    changes:
      - {action: create, kind: job, name: system}
    orphans: []
waiting:
  description: The repositories whose storage host has yet to let this host in.
  returned: when there are any
  type: list
  elements: str
public_keys:
  description: The public keys of this host for repositories of storage hosts, by repository.
  returned: when there are any
  type: dict
  sample: {offsite: ssh-ed25519 AAAA}
grants:
  description: On a storage host, whether a key comes in, by the label of the grant.
  returned: when there are any
  type: dict
  sample: {"web1:offsite": true}
server_host_keys:
  description: On a storage host, the public keys by which its SSH server is known.
  returned: when the host is a storage
  type: list
  elements: str
messages:
  description: What a person should know, such as a repository that nothing declares any more.
  returned: success
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.fleetkeep.backup.plugins.module_utils._host import reconcile_host
from ansible_collections.fleetkeep.backup.plugins.module_utils._runtime import ARGUMENTS, run_in_runtime


def main():
    module = AnsibleModule(
        argument_spec={
            "desired": {"type": "dict", "required": True},
            "secrets": {"type": "dict", "default": {}, "no_log": True},
            "keys": {"type": "dict", "default": {}, "no_log": False},
            "host_keys": {"type": "dict", "default": {}, "no_log": False},
            "allow_removals": {"type": "bool", "default": False},
            **ARGUMENTS,
        },
        supports_check_mode=True,
    )
    run_in_runtime(module, bring_to_desired_state)


def bring_to_desired_state(module):
    from fleetkeep.model import DesiredState

    desired = DesiredState.model_validate(module.params["desired"])
    given = {name: module.params[name] for name in ("secrets", "keys", "host_keys")}
    return reconcile_host(module, desired, given, module.params["allow_removals"])


if __name__ == "__main__":
    main()
