# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Director that lost its memory must hear before anything else makes sense."""

from __future__ import annotations

from contextlib import closing

from fleetkeep.clock import Clock
from fleetkeep.errors import NothingApplied, StateUnreadable
from fleetkeep.link import StateApplied

from .paths import Paths
from .spool import Spool
from .state import load_desired, repository_id


def retell_state(paths: Paths, clock: Clock) -> None:
    """Say once more what this host was brought to; it waits in the spool. Says nothing where nothing was applied."""
    try:
        desired = load_desired(paths)
    except (NothingApplied, StateUnreadable):
        return
    known = {name: repository_id(paths, name) for name in desired.repositories}
    ids = {name: found for name, found in known.items() if found is not None}
    with closing(Spool(paths.spool)) as spool:
        spool.append(StateApplied(at=clock.now(), state=desired, repository_ids=ids), desired.client, clock)


__all__ = ["retell_state"]
