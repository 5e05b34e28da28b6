#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: repository_info
short_description: What a host knows of its repositories
version_added: 0.1.0
description:
  - Lists the repositories that were applied to the host, with Borg's id of each.
  - With O(statistics=true) each is opened, which tells whether it can be reached and how much it holds.
options:
  name:
    description:
      - Only this repository.
    type: str
  statistics:
    description:
      - Open each repository and ask Borg for its sizes.
    type: bool
    default: false
extends_documentation_fragment:
  - fleetkeep.backup.attributes
  - fleetkeep.backup.host
attributes:
  check_mode:
    support: full
  diff_mode:
    support: N/A
  idempotent:
    support: full
  platform:
    platforms: posix
seealso:
  - module: fleetkeep.backup.repository
  - module: fleetkeep.backup.archive_info
"""

EXAMPLES = r"""
- name: List the repositories of the host
  fleetkeep.backup.repository_info:
  register: known

- name: See how much the offsite repository holds
  fleetkeep.backup.repository_info:
    name: offsite
    statistics: true
"""

RETURN = r"""
repositories:
  description: The repositories, sorted by name.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The name it is declared by.
      type: str
      returned: always
      sample: offsite
    location:
      description: Where it is.
      type: str
      returned: always
      sample: ssh://borg@vault1.example.net/srv/borg/web1
    encryption:
      description: Borg's encryption mode.
      type: str
      returned: always
      sample: repokey-blake2
    passphrase:
      description: Where its passphrase comes from; never the passphrase.
      type: str
      returned: always
      sample: given
    append_only:
      description: Whether it was created in append-only mode.
      type: bool
      returned: always
    quota:
      description: The most that it may hold, in bytes.
      type: int
      returned: always
    id:
      description: Borg's id of it.
      type: str
      returned: always
    known_since:
      description: When the host first knew it.
      type: str
      returned: always
      sample: "2026-11-21T22:00:00Z"
    problem:
      description: Why it cannot be opened, in one sentence.
      type: str
      returned: with O(statistics=true), when it cannot be opened
    statistics:
      description: What Borg says of its sizes, in bytes.
      type: dict
      returned: with O(statistics=true), when it can be opened
      sample: {original_bytes: 1200, compressed_bytes: 900, deduplicated_bytes: 500}
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.fleetkeep.backup.plugins.module_utils._host import host_paths
from ansible_collections.fleetkeep.backup.plugins.module_utils._runtime import ARGUMENTS, run_in_runtime


def main():
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str"},
            "statistics": {"type": "bool", "default": False},
            **ARGUMENTS,
        },
        supports_check_mode=True,
    )
    run_in_runtime(module, list_repositories)


def list_repositories(module):
    from fleetkeep.agent.state import load_desired, load_owned, load_repository

    paths = host_paths(module)
    name = module.params["name"]
    wanted = [load_repository(paths, name)] if name else load_desired(paths).repositories.values()
    owned = load_owned(paths).repositories
    described = [describe_repository(module, repository, owned.get(repository.name)) for repository in wanted]
    return {"changed": False, "repositories": sorted(described, key=lambda known: known["name"])}


def describe_repository(module, repository, known):
    described = repository.model_dump(mode="json", exclude={"passphrase_command"})
    described["id"] = known.id if known else None
    described["known_since"] = known.known_since.isoformat() if known else None
    if module.params["statistics"]:
        described.update(measure_repository(module, repository))
    return described


def measure_repository(module, repository):
    """What Borg says of a repository, or why it cannot say anything."""
    from fleetkeep.agent.access import host_borg, repository_access
    from fleetkeep.agent.repositories import repository_statistics
    from fleetkeep.errors import FleetkeepError

    paths = host_paths(module)
    try:
        access = repository_access(paths, repository, host_borg(paths, remember=not module.check_mode))
        return {"statistics": repository_statistics(repository, access)}
    except FleetkeepError as error:
        return {"problem": str(error)}


if __name__ == "__main__":
    main()
