# SPDX-License-Identifier: GPL-3.0-or-later
"""From what a person names on the command line to an archive and the access to its repository."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from fleetkeep.clock import SystemClock
from fleetkeep.errors import UnknownArchive

from ._common import paths
from ._record import record

if TYPE_CHECKING:
    from fleetkeep.borg.access import BorgAccess
    from fleetkeep.model import Point


def named_point(
    *, archive: str | None = None, job: str | None = None, moment: datetime | None = None, repository: str | None = None
) -> Point:
    """The archive of a name or id, or the newest good one of a job up to a moment.

    Raises UnknownArchive, AmbiguousId, NoArchiveAt; UnknownJob and NothingApplied where nothing was ever recorded.
    """
    from fleetkeep.director.history import find_point, find_point_at

    with record() as catalog:
        if catalog is None:
            raise _unrecorded(archive, job)
        if archive is not None:
            return find_point(catalog, archive, repository=repository)
        return find_point_at(catalog, job or "", moment or SystemClock().now(), repository=repository)


def _unrecorded(archive: str | None, job: str | None) -> UnknownArchive:
    """Why nothing is known of an archive where nothing was recorded. Raises UnknownJob, NothingApplied."""
    from fleetkeep.agent.state import load_job

    if archive is None:
        load_job(paths(), job or "")
    return UnknownArchive(archive=archive or f"of job {job}")


def access_to(repository: str) -> BorgAccess:
    """How to reach a repository of this host. Raises UnknownRepository and what a missing secret or borg raises."""
    from fleetkeep.agent.access import host_borg, repository_access
    from fleetkeep.agent.state import load_repository

    return repository_access(paths(), load_repository(paths(), repository), host_borg(paths()))


__all__ = ["access_to", "named_point"]
