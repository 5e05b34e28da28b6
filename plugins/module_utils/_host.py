# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the modules share once the package is there: places, the Director of this host, plans as results.

Imports `fleetkeep` only inside functions: they are called by work that `run_in_runtime` does.
"""

from __future__ import annotations

import os


def host_paths(module):
    """The places on this host, below the module's prefix."""
    from pathlib import Path

    from fleetkeep.agent.paths import Paths

    return Paths(Path(module.params["prefix"]))


def host_director(module):
    """The Director of this host."""
    from fleetkeep.clock import SystemClock
    from fleetkeep.director.late import LateDirector

    return LateDirector(host_paths(module).catalog, SystemClock())


def cancelled_by_signals():
    """A cancellation that SIGTERM, SIGINT and a lost connection express, so that no lock stays behind."""
    import signal

    from fleetkeep.borg.process import Cancellation

    cancellation = Cancellation()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda _number, _frame: cancellation.cancel())
    return cancellation


def reconcile_host(module, desired, given, allow_removals):
    """Bring the host to a desired state, or in check mode say what that would change; gives the module's result.

    ``given`` holds ``secrets``, ``keys`` and ``host_keys``, as ``fleetkeep.agent.resources.Given`` has them.
    """
    from fleetkeep.agent.reconcile import reconcile
    from fleetkeep.agent.command import own_command
    from fleetkeep.agent.resources import Given
    from fleetkeep.clock import SystemClock

    paths = host_paths(module)
    done = reconcile(
        paths,
        desired,
        Given(**given),
        check=module.check_mode,
        allow_removals=allow_removals,
        clock=SystemClock(),
        command=own_command(),
        director=host_director(module),
    )
    result = {
        "changed": done.changed,
        "plan": done.plan.model_dump(mode="json"),
        "messages": describe_orphans(done.plan),
    }
    result.update(_access_of(done, desired, paths))
    if module._diff:
        result["diff"] = [describe_change(change, paths.prefix) for change in done.plan.changes]
    return result


def _access_of(done, desired, paths):
    """What the controller carries between clients and storage hosts; nothing where there are none."""
    from fleetkeep.agent.resources import Given
    from fleetkeep.agent.storage_access import grant_keys, grant_labels, server_host_keys

    found = {}
    if done.waiting:
        found["waiting"] = list(done.waiting)
    if done.keys:
        found["public_keys"] = dict(done.keys)
    if desired.storages:
        keys = grant_keys(desired, Given(), paths)
        found["grants"] = {label: label in keys for label in grant_labels(desired)}
        found["server_host_keys"] = list(server_host_keys(paths))
    return found


def applied_state(module):
    """The desired state that was applied to the host last; an empty one where nothing was."""
    import platform

    from fleetkeep.agent.state import load_desired
    from fleetkeep.errors import NothingApplied
    from fleetkeep.model import DesiredState

    client = module.params["client"]
    try:
        applied = load_desired(host_paths(module))
    except NothingApplied:
        return DesiredState(client=client or platform.node())
    return applied.model_copy(update={"client": client}) if client else applied


def list_points(module, **wanted):
    """The archives of the host that its catalog knows, the newest first; makes no catalog where there is none.

    ``wanted`` is as in ``fleetkeep.director.history.list_archives``. Raises ``NothingApplied``.
    """
    from fleetkeep.agent.state import load_desired
    from fleetkeep.catalog.database import open_catalog
    from fleetkeep.director import history

    paths = host_paths(module)
    client = load_desired(paths).client
    if not paths.catalog.exists():
        return []
    return history.list_archives(open_catalog(paths.catalog), client=client, **wanted)


def newest_archives(module, job):
    """The newest good archive of each repository of a job, or ``None``, by the repository's name."""
    points = list_points(module, job=job.name, limit=None)
    good = {point.archive.repository: point for point in reversed(points) if point.outcome.is_good}
    return {repository: good.get(repository) for repository in job.repositories}


def find_archive(module):
    """The archive that the module's options choose, by name, or by job and moment.

    Raises ``NothingApplied``, ``UnknownArchive``, ``AmbiguousId``, ``NoArchiveAt``.
    """
    from fleetkeep.agent.state import load_desired
    from fleetkeep.catalog.database import open_catalog
    from fleetkeep.clock import SystemClock
    from fleetkeep.director import history
    from fleetkeep.errors import UnknownArchive
    from fleetkeep.plan.restore import parse_moment

    wanted, paths, now = module.params, host_paths(module), SystemClock().now()
    narrowed = {"client": load_desired(paths).client, "repository": wanted["repository"]}
    try:
        moment = parse_moment(wanted["at"], now) if wanted["at"] else now
    except ValueError as error:
        module.fail_json(msg=f"at: {error}.")
    if not paths.catalog.exists():
        raise UnknownArchive(archive=wanted["archive"] or f"of job {wanted['job']}")
    catalog = open_catalog(paths.catalog)
    if wanted["archive"]:
        return history.find_point(catalog, wanted["archive"], **narrowed)
    return history.find_point_at(catalog, wanted["job"], moment, **narrowed)


def describe_orphans(plan):
    """One sentence for each repository that stays although nothing declares it."""
    return [
        f"Repository {orphan.name} at {orphan.location} is declared no longer; it stays, with all its archives."
        for orphan in plan.orphans
    ]


def describe_change(change, prefix):
    """A change as Ansible shows it with ``--diff``: the file before and after, or a line for what is no file.

    A secret is no part of a plan, so it is none of a diff.
    """
    header = os.path.join(str(prefix), change.path) if change.path else f"{change.kind.value} {change.name}"
    before, after = change.before, change.after
    if not change.path:
        before, after = ("", _line(change)) if change.action.value != "delete" else (_line(change), "")
    return {"before_header": header, "after_header": header, "before": _ended(before), "after": _ended(after)}


def _line(change):
    return change.summary or f"{change.kind.value} {change.name}"


def _ended(text):
    """Text that ends with a line feed, so that a diff does not complain of its absence."""
    return text if not text or text.endswith("\n") else text + "\n"


__all__ = [
    "applied_state",
    "cancelled_by_signals",
    "describe_change",
    "describe_orphans",
    "find_archive",
    "host_director",
    "host_paths",
    "list_points",
    "newest_archives",
    "reconcile_host",
]
