#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: restore
short_description: Restore paths of an archive on a host
version_added: 0.1.0
description:
  - Brings paths of an archive, or of a job as it was at a point in time, into a folder or back to their original place.
  - Nothing that is there is overwritten unless O(overwrite=true).
  - Paths that are in place already, with the same type, size, time and mode, count as restored.
  - A restore that was interrupted is finished by the same task.
options:
  archive:
    description:
      - The archive, by its name or by the beginning of its id.
    type: str
  job:
    description:
      - The job whose archive is restored, when no O(archive) is named.
    type: str
  at:
    description:
      - With O(job), the newest archive of this moment or before, such as V(2026-11-20), V(2026-11-20T14:30) or V(26h)
        for so long ago. By default the newest of all.
    type: str
  repository:
    description:
      - Only archives in this repository.
    type: str
  paths:
    description:
      - What to restore, as absolute paths. By default everything, unless there are O(patterns).
    type: list
    elements: str
    default: []
  patterns:
    description:
      - What to restore besides O(paths), as Borg patterns such as V(sh:etc/**/*.conf), V(fm:*.conf) or V(re:[.]conf$).
        A pattern without a style is one of V(sh).
    type: list
    elements: str
    default: []
  excludes:
    description:
      - What to leave out of it, as Borg patterns.
    type: list
    elements: str
    default: []
  to:
    description:
      - The folder below which everything is written. It is made when it does not exist.
    type: path
  original_place:
    description:
      - Write everything to where it came from.
    type: bool
    default: false
  overwrite:
    description:
      - Accept that what is there is overwritten.
    type: bool
    default: false
  on_conflict:
    description:
      - What becomes of a path where something else is. V(overwrite) replaces it, V(skip) leaves it, and V(newer)
        replaces it only when the archive has the newer file. Nothing is replaced unless O(overwrite=true).
    type: str
    choices: [overwrite, skip, newer]
    default: overwrite
  owner:
    description:
      - Whether owners come back by name (V(keep)) or by number (V(numeric)), or whether everything belongs to the user
        who restores (V(none)).
    type: str
    choices: [keep, numeric, none]
    default: keep
  strip_components:
    description:
      - How many leading folders are taken off each path. Only with O(to).
    type: int
    default: 0
extends_documentation_fragment:
  - fleetkeep.backup.attributes
  - fleetkeep.backup.host
attributes:
  check_mode:
    support: full
    details: Counts what would be created and overwritten, and fails where consent is missing.
  diff_mode:
    support: full
    details: Names the first paths of each kind.
  idempotent:
    support: full
  platform:
    platforms: posix
seealso:
  - module: fleetkeep.backup.archive_info
"""

EXAMPLES = r"""
- name: Look at yesterday's configuration
  fleetkeep.backup.restore:
    job: system
    at: 24h
    paths: [/etc/nginx]
    to: /root/restored

- name: Bring back the configuration that was lost, and keep what is there
  fleetkeep.backup.restore:
    job: system
    patterns: ["sh:etc/**/*.conf"]
    original_place: true
    on_conflict: skip
    overwrite: true

- name: Put a lost file back
  fleetkeep.backup.restore:
    job: system
    paths: [/etc/nginx/nginx.conf]
    original_place: true
    overwrite: true
"""

RETURN = r"""
changed:
  description: Whether anything was written, or would be in check mode.
  returned: always
  type: bool
archive:
  description: The archive that was restored.
  returned: success
  type: str
  sample: web1-system-2026-11-21T02:00:00
target:
  description: The folder below which everything lies now, C(/) for the original place.
  returned: success
  type: str
  sample: /root/restored
counts:
  description: How many paths were created, overwritten, kept, in place already and so on.
  returned: success
  type: dict
  sample: {create: 12, same: 3}
files:
  description: How many regular files there are among them.
  returned: success
  type: int
size_bytes:
  description: The size of their content.
  returned: success
  type: int
warnings_of_borg:
  description: What Borg warned about, the first 1,000.
  returned: when there are any
  type: list
  elements: dict
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.fleetkeep.backup.plugins.module_utils._host import (
    cancelled_by_signals,
    find_archive,
    host_director,
    host_paths,
)
from ansible_collections.fleetkeep.backup.plugins.module_utils._runtime import ARGUMENTS, run_in_runtime


def main():
    module = AnsibleModule(
        argument_spec={
            "archive": {"type": "str"},
            "job": {"type": "str"},
            "at": {"type": "str"},
            "repository": {"type": "str"},
            "paths": {"type": "list", "elements": "str", "default": []},
            "patterns": {"type": "list", "elements": "str", "default": []},
            "excludes": {"type": "list", "elements": "str", "default": []},
            "to": {"type": "path"},
            "original_place": {"type": "bool", "default": False},
            "overwrite": {"type": "bool", "default": False},
            "on_conflict": {"type": "str", "choices": ["overwrite", "skip", "newer"], "default": "overwrite"},
            "owner": {"type": "str", "choices": ["keep", "numeric", "none"], "default": "keep"},
            "strip_components": {"type": "int", "default": 0},
            **ARGUMENTS,
        },
        mutually_exclusive=[("archive", "job"), ("archive", "at"), ("to", "original_place")],
        required_one_of=[("archive", "job"), ("to", "original_place")],
        supports_check_mode=True,
    )
    run_in_runtime(module, restore_paths)


def restore_paths(module):
    from pathlib import Path

    from fleetkeep.agent.access import host_borg, repository_access
    from fleetkeep.agent.restore import check_consent, plan_restore, run_restore
    from fleetkeep.agent.restore_record import recorded
    from fleetkeep.agent.state import load_repository
    from fleetkeep.clock import SystemClock

    if module.params["strip_components"] and not module.params["to"]:
        module.fail_json(msg="strip_components needs to: without its folders nothing has an original place.")
    if module.params["strip_components"] < 0:
        module.fail_json(msg="strip_components is a number from 0 on.")
    paths = host_paths(module)
    archive = find_archive(module).archive
    repository = load_repository(paths, archive.repository)
    access = repository_access(paths, repository, host_borg(paths, remember=not module.check_mode))
    plan = plan_restore(
        access,
        archive,
        module.params["paths"],
        Path(module.params["to"] or "/"),
        patterns=module.params["patterns"],
        excludes=module.params["excludes"],
        manner=restore_manner(module),
        resume=None,
        work=paths.restores,
    )
    result = describe_restore(module, plan)
    if result["changed"]:
        check_consent(plan, consent=module.params["overwrite"])
    if not result["changed"] or module.check_mode:
        return result
    consent, cancellation = module.params["overwrite"], cancelled_by_signals()
    clock = SystemClock()
    with recorded(paths, host_director(module), plan, clock) as restore:
        restore.result = done = run_restore(
            access, plan, clock, consent=consent, work=paths.restores, cancellation=cancellation
        )
    if restore.problem:
        module.warn(f"The restore is not recorded yet: {restore.problem}")
    if done.warning_count:
        module.warn(f"{done.warning_count} paths could not be restored as they were.")
        result["warnings_of_borg"] = [warning.model_dump(mode="json") for warning in done.warnings]
    return result


def restore_manner(module):
    """How files are written."""
    from fleetkeep.model import OnConflict, OwnerRule, RestoreManner

    return RestoreManner(
        on_conflict=OnConflict(module.params["on_conflict"]),
        owner=OwnerRule(module.params["owner"]),
        strip_components=module.params["strip_components"],
    )


def describe_restore(module, plan):
    counts = {action.value: count for action, count in plan.counts.items() if count}
    result = {
        "changed": any(action not in ("same", "keep") for action in counts) or plan.resume,
        "archive": plan.archive,
        "target": plan.target,
        "counts": counts,
        "files": plan.files,
        "size_bytes": plan.size_bytes,
    }
    if module._diff:
        changes = [change for change in plan.changes if change.action.value != "keep"]
        gone = [change.path for change in changes if change.action.value != "create"]
        come = [change.path for change in changes]
        result["diff"] = {
            "before_header": plan.target,
            "after_header": f"{plan.target} from {plan.archive}",
            "before": "".join(f"{path}\n" for path in gone),
            "after": "".join(f"{path}  (from the archive)\n" for path in come),
        }
    return result


if __name__ == "__main__":
    main()
