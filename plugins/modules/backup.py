#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: backup
short_description: Run a backup job of a host now, and wait for it
version_added: 0.1.0
description:
  - Runs one job that was applied to the host, exactly as its schedule would, and waits for its end.
  - Each run makes a new archive in each repository of the job. With O(max_age) it runs only when the newest good
    archive is older than that in any of them.
  - A run that ended with warnings is a success with a warning. Every other end than success fails the task.
  - For jobs that take long, use C(async) and C(poll) of the task, or let the schedule run them.
options:
  job:
    description:
      - The job.
    type: str
    required: true
  max_age:
    description:
      - Do nothing when each repository of the job has a good archive that is at most this old, such as V(24h).
    type: str
  accept_changes:
    description:
      - Take a source that lies on another mount than before, or that has shrunk suspiciously, as right from now on.
    type: bool
    default: false
extends_documentation_fragment:
  - fleetkeep.backup.attributes
  - fleetkeep.backup.host
attributes:
  check_mode:
    support: full
    details: Says whether the job would run.
  diff_mode:
    support: full
    details: Shows the newest archive of each repository, before and after.
  idempotent:
    support: partial
    details: With O(max_age).
  platform:
    platforms: posix
seealso:
  - module: fleetkeep.backup.archive_info
  - module: fleetkeep.backup.restore
"""

EXAMPLES = r"""
- name: Back up now
  fleetkeep.backup.backup:
    job: system

- name: Have an archive of the last hour before an upgrade
  fleetkeep.backup.backup:
    job: system
    max_age: 1h

- name: Let a long backup run for up to six hours
  fleetkeep.backup.backup:
    job: everything
  async: 21600
  poll: 60
"""

RETURN = r"""
changed:
  description: Whether an archive was made, or would be in check mode.
  returned: always
  type: bool
run:
  description: The run, with its outcome in each repository and stage.
  returned: when the job ran
  type: dict
  sample:
    id: 4f1d2c3b5a69
    job: system
    outcome: succeeded
    repositories:
      - {repository: offsite, outcome: succeeded, archive: {name: web1-system-2026-11-21T02:00:00, files: 31000}}
archives:
  description: The newest good archive of each repository of the job, by the repository's name.
  returned: success
  type: dict
  sample: {offsite: web1-system-2026-11-21T02:00:00}
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.fleetkeep.backup.plugins.module_utils._host import (
    cancelled_by_signals,
    host_director,
    host_paths,
    newest_archives,
)
from ansible_collections.fleetkeep.backup.plugins.module_utils._runtime import ARGUMENTS, run_in_runtime


def main():
    module = AnsibleModule(
        argument_spec={
            "job": {"type": "str", "required": True},
            "max_age": {"type": "str"},
            "accept_changes": {"type": "bool", "default": False},
            **ARGUMENTS,
        },
        supports_check_mode=True,
    )
    run_in_runtime(module, back_up)


def back_up(module):
    from fleetkeep.agent.state import load_job

    job = load_job(host_paths(module), module.params["job"])
    before = newest_archives(module, job)
    if is_fresh(before, module.params["max_age"]):
        return {"changed": False, "archives": names_of(before)}
    if module.check_mode:
        return {"changed": True, "archives": names_of(before), **diff_of(module, job, before, None)}
    run = run_now(module, job)
    after = newest_archives(module, job)
    result = {"changed": True, "run": run.model_dump(mode="json"), "archives": names_of(after)}
    if not run.outcome.is_good:
        made = any(part.archive for part in run.repositories)
        return {**result, "changed": made, "failed": True, "msg": f"Job {job.name} {run.outcome.value}: {run.reason}"}
    if run.reason:
        module.warn(f"Job {job.name} ended with a warning: {run.reason}")
    return {**result, **diff_of(module, job, before, after)}


def is_fresh(newest, max_age):
    """Whether each repository has an archive that is young enough."""
    from fleetkeep.clock import SystemClock
    from fleetkeep.model.base import parse_duration

    if max_age is None or None in newest.values():
        return False
    oldest_allowed = SystemClock().now() - parse_duration(max_age)
    return all(point.received_at >= oldest_allowed for point in newest.values())


def run_now(module, job):
    from fleetkeep.agent.runner import run_job
    from fleetkeep.clock import SystemClock
    from fleetkeep.model import Trigger

    return run_job(
        job,
        paths=host_paths(module),
        director=host_director(module),
        clock=SystemClock(),
        trigger=Trigger.ANSIBLE,
        cancellation=cancelled_by_signals(),
        accept_changes=module.params["accept_changes"],
    )


def names_of(newest):
    return {repository: point.archive.name if point else None for repository, point in newest.items()}


def diff_of(module, job, before, after):
    """What ``--diff`` shows: the newest archive of each repository."""
    if not module._diff:
        return {}
    coming = names_of(after) if after else dict.fromkeys(before, "(a new archive)")
    header = f"newest archives of job {job.name}"
    texts = ["".join(f"{name}: {archive}\n" for name, archive in names.items()) for names in (names_of(before), coming)]
    return {"diff": {"before_header": header, "after_header": header, "before": texts[0], "after": texts[1]}}


if __name__ == "__main__":
    main()
