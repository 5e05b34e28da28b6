# SPDX-License-Identifier: GPL-3.0-or-later
"""The one reconcile behind every door: observe, diff, refuse or apply, tell the Director."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial

from fleetkeep.borg.access import BorgAccess
from fleetkeep.borg.program import BorgProgram
from fleetkeep.clock import Clock
from fleetkeep.errors import AnotherApply
from fleetkeep.link import StateApplied
from fleetkeep.model import DesiredState, PassphraseKind, Repository
from fleetkeep.plan.change import Plan
from fleetkeep.plan.diff import check_removals, diff

from . import systemd
from .access import host_borg, repository_access
from .apply import Apply
from .director_port import Director
from .files import write_file
from .lock import Held, hold
from .observe import observe
from .paths import Paths
from .resources import render_file, render_resources
from .spool import Spool, drain


@dataclass(frozen=True)
class Reconciliation:
    """What a reconcile found, and did."""

    plan: Plan
    applied: bool
    """Whether the plan was carried out; false in check mode and when there was nothing to do."""

    @property
    def changed(self) -> bool:
        """Whether something was, or in check mode would be, changed."""
        return bool(self.plan.changes)


def reconcile(
    paths: Paths,
    desired: DesiredState,
    secrets: Mapping[str, str],
    *,
    check: bool,
    allow_removals: bool,
    clock: Clock,
    command: Sequence[str],
    director: Director | None = None,
) -> Reconciliation:
    """Bring this host to its desired state, or in check mode say exactly what that would change.

    ``secrets`` holds given passphrases by repository name; ``command`` is the program that units start. Idempotent.
    Raises ``TooManyRemovals``, ``AnotherApply``, ``ApplyFailed`` (changes before it stand), repository problems.
    """
    by_systemd = systemd.is_scheduler(desired.scheduler, paths)
    resources = render_resources(desired, secrets, paths, systemd=by_systemd, command=command)
    program = host_borg(paths, remember=not check)
    access_to = partial(_access, paths, secrets, program)
    if check:
        plan = diff(resources, observe(resources, paths, secrets, access_to, systemd=by_systemd))
        check_removals(plan, allow_removals=allow_removals)
        return Reconciliation(plan=plan, applied=False)
    try:
        with hold(paths.lock("apply")):
            actual = observe(resources, paths, secrets, access_to, systemd=by_systemd)
            plan = diff(resources, actual)
            check_removals(plan, allow_removals=allow_removals)
            if not plan.changes and actual.owned.digest == desired.digest and _is_kept(paths, desired):
                return Reconciliation(plan=plan, applied=False)
            apply = Apply(plan, resources, actual, paths, access_to, clock, owned=actual.owned, applied=[])
            apply.run()
            write_file(paths.desired, render_file(desired))
            ids = {name: apply.owned.repositories[name].id for name in desired.repositories}
            with closing(Spool(paths.spool)) as spool:
                spool.append(StateApplied(at=clock.now(), state=desired, repository_ids=ids), desired.client, clock)
                apply.finish(desired.digest)
                if director is not None:
                    drain(spool, director)
    except Held as held:
        raise AnotherApply(holder=held.holder, prefix=paths.prefix) from None
    return Reconciliation(plan=plan, applied=True)


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
