# SPDX-License-Identifier: GPL-3.0-or-later
"""What happened, and what can be restored: questions to the catalog."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from fleetkeep.catalog import archives, clients, promises, runs
from fleetkeep.catalog.database import Catalog
from fleetkeep.catalog.runs import RunFilter
from fleetkeep.errors import AmbiguousId, NoArchiveAt, UnknownArchive, UnknownRun
from fleetkeep.model import Outcome, Point, Promise, Run

#: The shortest beginning of an id that stands for the whole.
SHORTEST = 4


def list_runs(
    catalog: Catalog,
    *,
    client: str | None = None,
    job: str | None = None,
    outcomes: Sequence[Outcome] = (),
    limit: int = 100,
) -> list[Run]:
    """Runs, the one that began last first; their warnings are counted, ``find_run`` lists them."""
    wanted = RunFilter(client=client, job=job, outcomes=tuple(outcomes), limit=limit)
    with catalog.read() as connection:
        return runs.list_runs(connection, wanted)


def find_run(catalog: Catalog, text: str, *, client: str | None = None) -> Run:
    """One run with all that is known of it, by its id or the beginning of it.

    Raises ``UnknownRun`` and ``AmbiguousId``.
    """
    with catalog.read() as connection:
        found = runs.find_runs(connection, text, client=client) if text else []
    exact = [run for run in found if run.id == text]
    found = exact or (found if len(text) >= SHORTEST else [])
    if not found:
        raise UnknownRun(run=text)
    if len(found) > 1:
        raise _ambiguous(text, "runs", [f"{run.id} of {run.client}" for run in found])
    return found[0]


def list_job_names(catalog: Catalog) -> list[str]:
    """The names of all jobs that are declared or were ever heard of."""
    with catalog.read() as connection:
        return sorted({job.name for job in clients.list_jobs(connection)})


def list_archives(
    catalog: Catalog,
    *,
    client: str | None = None,
    job: str | None = None,
    repository: str | None = None,
    deleted: bool = False,
    limit: int | None = 100,
) -> list[Point]:
    """Archives that exist, or with ``deleted`` all that ever did, the newest receipt first."""
    with catalog.read() as connection:
        return archives.list_points(
            connection, client=client, job=job, repository=repository, deleted=deleted, limit=limit
        )


def list_promises(
    catalog: Catalog, *, client: str | None = None, job: str | None = None, after: datetime | None = None
) -> list[Promise]:
    """Expected runs and what became of them, by client, job and the moment they are due."""
    with catalog.read() as connection:
        return promises.list_promises(connection, client=client, job=job, after=after)


def find_point(catalog: Catalog, text: str, *, client: str | None = None, repository: str | None = None) -> Point:
    """The archive that exists and has this name, or an id that begins with it.

    A run gives its archives one name in all its repositories; where the repository does not matter, the archive that
    was proven last is taken, else the first that was received. Raises ``UnknownArchive`` and ``AmbiguousId``.
    """
    with catalog.read() as connection:
        found = archives.find_points(connection, text, client=client) if text else []
    if repository is not None:
        found = [point for point in found if point.archive.repository == repository]
    named = [point for point in found if text in (point.archive.name, point.archive.id)]
    found = named or (found if len(text) >= SHORTEST else [])
    if not found:
        raise UnknownArchive(archive=text)
    if len({(point.client, point.run_id, point.archive.name) for point in found}) > 1:
        raise _ambiguous(text, "archives", [f"{point.archive.name} of {point.client}" for point in found])
    return _best(found)


def find_point_at(
    catalog: Catalog,
    job: str,
    moment: datetime,
    *,
    client: str | None = None,
    repository: str | None = None,
) -> Point:
    """The archive of a job as of a moment: the newest that had begun by then, and that exists and ended well.

    By the time at which the archive began, because from then on it is the state of the files. Raises ``NoArchiveAt``
    and ``UnknownArchive``.
    """
    points = [
        point
        for point in list_archives(catalog, client=client, job=job, repository=repository, limit=None)
        if point.outcome.is_good
    ]
    if not points:
        raise UnknownArchive(archive=f"of job {job}")
    before = [point for point in points if point.archive.started_at <= moment]
    if not before:
        oldest = min(point.archive.started_at for point in points)
        raise NoArchiveAt(job=job, moment=_plain(moment), oldest=_plain(oldest))
    newest = max(before, key=lambda point: point.archive.started_at)
    return _best([point for point in before if point.run_id == newest.run_id])


def archives_before(catalog: Catalog, point: Point) -> list[Point]:
    """The archives of the same job and repository that are older and ended well, deleted or not, the newest first."""
    where = {"client": point.client, "job": point.job, "repository": point.archive.repository}
    older = [
        other
        for other in list_archives(catalog, **where, deleted=True, limit=None)
        if other.outcome.is_good and other.archive.started_at < point.archive.started_at
    ]
    return sorted(older, key=lambda other: other.archive.started_at, reverse=True)


def _best(points: Sequence[Point]) -> Point:
    """Of the archives of one run, the one that was proven last, else the first that was received."""
    proven = [point for point in points if point.proven_at is not None]
    if proven:
        return max(proven, key=lambda point: point.proven_at or point.received_at)
    return points[-1]


def _ambiguous(text: str, what: str, examples: Sequence[str]) -> AmbiguousId:
    return AmbiguousId(text=text, what=what, count=len(examples), examples=", ".join(examples[:3]))


def _plain(moment: datetime) -> str:
    return moment.isoformat(sep=" ", timespec="seconds")


__all__ = [
    "SHORTEST",
    "archives_before",
    "find_point",
    "find_point_at",
    "find_run",
    "list_archives",
    "list_job_names",
    "list_promises",
    "list_runs",
]
