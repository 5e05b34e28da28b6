#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: archive_info
short_description: List the archives of a host
version_added: 0.1.0
description:
  - Lists the archives that the catalog of the host knows, the newest first, with their receipts and what proved them.
options:
  job:
    description:
      - Only archives of this job.
    type: str
  repository:
    description:
      - Only archives in this repository.
    type: str
  limit:
    description:
      - At most this many.
    type: int
    default: 100
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
  - module: fleetkeep.backup.backup
  - module: fleetkeep.backup.restore
"""

EXAMPLES = r"""
- name: Find the newest archive of a job
  fleetkeep.backup.archive_info:
    job: system
    limit: 1
  register: newest

- name: Refuse to go on without an archive of today
  ansible.builtin.assert:
    that:
      - newest.archives | length > 0
      - newest.archives[0].received_at is search(now(utc=true, fmt='%Y-%m-%d'))
"""

RETURN = r"""
archives:
  description: The archives, the newest first.
  returned: success
  type: list
  elements: dict
  contains:
    archive:
      description: What was known of the archive when it was made, with its name, id, repository, times and sizes.
      type: dict
      returned: always
      sample: {name: web1-system-2026-11-21T02:00:00, repository: offsite, files: 31000, original_bytes: 1200000000}
    client:
      description: The host whose files it holds.
      type: str
      returned: always
    job:
      description: The job that made it.
      type: str
      returned: always
    run_id:
      description: The run that made it.
      type: str
      returned: always
    received_at:
      description: When it was recorded; retention counts from this.
      type: str
      returned: always
    outcome:
      description: How its making ended, V(succeeded) or V(warning).
      type: str
      returned: always
    proven_at:
      description: When a drill last proved it; none when no drill did.
      type: str
      returned: always
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.fleetkeep.backup.plugins.module_utils._host import list_points
from ansible_collections.fleetkeep.backup.plugins.module_utils._runtime import ARGUMENTS, run_in_runtime


def main():
    module = AnsibleModule(
        argument_spec={
            "job": {"type": "str"},
            "repository": {"type": "str"},
            "limit": {"type": "int", "default": 100},
            **ARGUMENTS,
        },
        supports_check_mode=True,
    )
    run_in_runtime(module, list_archives)


def list_archives(module):
    wanted = module.params
    points = list_points(module, job=wanted["job"], repository=wanted["repository"], limit=wanted["limit"])
    return {"changed": False, "archives": [point.model_dump(mode="json") for point in points]}


if __name__ == "__main__":
    main()
