# SPDX-License-Identifier: GPL-3.0-or-later
"""The one reconcile behind every door: observe, diff, refuse or apply, tell the Director."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial

from fleetkeep.borg.access import BorgAccess
from fleetkeep.borg.program import BorgProgram
from fleetkeep.clock import Clock
from fleetkeep.errors import AnotherApply
from fleetkeep.link import StateApplied
from fleetkeep.model import DesiredState, PassphraseKind, Repository
from fleetkeep.plan.change import Action, Change, Plan
from fleetkeep.plan.diff import check_removals, diff
from fleetkeep.plan.resource import Actual, Resources

from . import systemd
from .access import host_borg, repository_access
from .apply import Apply
from .director_port import Director
from .files import write_file
from .lock import Held, hold
from .observe import observe
from .paths import Paths
from .resources import Given, render_file, render_resources
from .spool import Spool, drain
from .ssh_keys import fingerprint
from .state import load_owned
from .storage_access import EARLY, check_host_keys, client_keys, find_waiting, grant_keys


@dataclass(frozen=True)
class Reconciliation:
    """What a reconcile found, and did."""

    plan: Plan
    applied: bool
    """Whether something was carried out; false in check mode and when there was nothing to do."""

    waiting: tuple[str, ...] = ()
    """The repositories whose storage host has yet to let this host in; the plan is then carried out only as far as that
    needs nothing of them."""

    keys: Mapping[str, str] = field(default_factory=dict)
    """The public keys of this host for repositories of storage hosts, by repository."""

    @property
    def changed(self) -> bool:
        """Whether something was, or in check mode would be, changed."""
        return bool(self.plan.changes)


@dataclass(frozen=True)
class _Look:
    """What is wanted and what is there, compared."""

    resources: Resources
    actual: Actual
    plan: Plan
    waiting: tuple[str, ...]
    keys: Mapping[str, str]

    @property
    def access(self) -> dict[str, str]:
        """The fingerprints of this host's keys, by repository."""
        return {name: fingerprint(key) for name, key in self.keys.items()}


def reconcile(
    paths: Paths,
    desired: DesiredState,
    given: Given,
    *,
    check: bool,
    allow_removals: bool,
    clock: Clock,
    command: Sequence[str],
    director: Director | None = None,
) -> Reconciliation:
    """Bring this host to its desired state, or in check mode say exactly what that would change.

    ``command`` is the program that units start. Idempotent. Raises ``TooManyRemovals``, ``AnotherApply``,
    ``ApplyFailed`` (changes before it stand), ``HostKeysChanged``, repository problems.
    """
    program = host_borg(paths, remember=not check)
    look = partial(_look, paths, desired, given, program, command, allow_removals=allow_removals)
    if check:
        seen = look()
        return Reconciliation(plan=seen.plan, applied=False, waiting=seen.waiting, keys=seen.keys)
    try:
        with hold(paths.lock("apply")):
            seen = look()
            access_to = partial(_access, paths, given.secrets, program)
            apply = Apply(seen.plan, seen.resources, seen.actual, paths, access_to, clock, seen.actual.owned, [])
            if seen.waiting:
                apply.plan = seen.plan.model_copy(update={"changes": _early(seen.plan)})
                apply.run()
                keys = client_keys(desired, paths)
                return Reconciliation(seen.plan, applied=bool(apply.applied), waiting=seen.waiting, keys=keys)
            if not seen.plan.changes and _is_in_force(seen, paths, desired):
                return Reconciliation(seen.plan, applied=False, keys=seen.keys)
            apply.run()
            write_file(paths.desired, render_file(desired))
            ids = {name: apply.owned.repositories[name].id for name in desired.repositories}
            with closing(Spool(paths.spool)) as spool:
                spool.append(StateApplied(at=clock.now(), state=desired, repository_ids=ids), desired.client, clock)
                apply.finish(desired.digest, seen.access)
                if director is not None:
                    drain(spool, director)
    except Held as held:
        raise AnotherApply(holder=held.holder, prefix=paths.prefix) from None
    return Reconciliation(plan=seen.plan, applied=True, keys=seen.keys)


def _look(
    paths: Paths,
    desired: DesiredState,
    given: Given,
    program: BorgProgram,
    command: Sequence[str],
    *,
    allow_removals: bool,
) -> _Look:
    """Compare, and refuse what must not be done."""
    by_systemd = systemd.is_scheduler(desired.scheduler, paths)
    given = replace(given, keys=grant_keys(desired, given, paths))
    resources = render_resources(desired, given, paths, systemd=by_systemd, command=command, borg=program.path)
    keys = client_keys(desired, paths)
    waiting = find_waiting(desired, load_owned(paths), keys, given.host_keys)
    check_host_keys(desired, given, paths)
    access_to = partial(_access, paths, given.secrets, program)
    actual = observe(resources, paths, given.secrets, access_to, systemd=by_systemd, waiting=waiting)
    plan = diff(resources, actual)
    check_removals(plan, allow_removals=allow_removals)
    return _Look(resources, actual, plan, waiting, keys)


def _early(plan: Plan) -> tuple[Change, ...]:
    return tuple(change for change in plan.changes if change.kind in EARLY and change.action is not Action.DELETE)


def _is_in_force(seen: _Look, paths: Paths, desired: DesiredState) -> bool:
    """Whether the last apply was whole, and of this very state."""
    owned = seen.actual.owned
    return owned.digest == desired.digest and owned.access == seen.access and _is_kept(paths, desired)


def _access(
    paths: Paths, secrets: Mapping[str, str], program: BorgProgram, repository: Repository
) -> BorgAccess | None:
    """The access with the passphrase that is declared now; ``None`` while the host has yet to make one."""
    if repository.passphrase is PassphraseKind.GENERATED and not paths.passphrase(repository.name).exists():
        return None
    return repository_access(paths, repository, program, secrets.get(repository.name))


def _is_kept(paths: Paths, desired: DesiredState) -> bool:
    """Whether the copy of the desired state on this host, from which runs and local applies start, is whole."""
    try:
        return paths.desired.read_bytes() == render_file(desired).encode()
    except FileNotFoundError:
        return False


__all__ = ["Reconciliation", "reconcile"]
