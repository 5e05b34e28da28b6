# SPDX-License-Identifier: GPL-3.0-or-later
"""Which archives the file catalog may show, in their lines: the archives of one job in one repository.

An archive may be shown when its files are completely known and it was not deleted.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, func, select, text

from fleetkeep.model import IndexState, Outcome, Point

from . import tables
from .types import moment_of

#: Archives that may be shown, line by line. By hand, because there may be thousands for each question.
_LINES = text(
    """
    SELECT tree.number, tree.client, client.name, job.name, repository.name,
           point.ordinal, archive.name, archive.started_at, archive.outcome IN :good
    FROM file_tree AS tree
    JOIN client ON client.number = tree.client
    JOIN job ON job.number = tree.job
    JOIN repository ON repository.number = tree.repository
    JOIN file_point AS point ON point.tree = tree.number
    JOIN archive ON archive.number = point.archive
    WHERE point.state = 'complete' AND archive.deleted_at IS NULL
      AND (:client IS NULL OR client.name = :client)
      AND (:job IS NULL OR job.name = :job)
      AND (:repository IS NULL OR repository.name = :repository)
    ORDER BY client.name, job.name, repository.name, tree.number, point.ordinal
    """
).bindparams(bindparam("good", expanding=True))


class LinePoint(NamedTuple):
    """An archive that may be shown."""

    ordinal: int
    """Its place in its tree."""

    archive: str
    """Its name."""

    started_us: int
    """When it began, in microseconds since 1970."""

    is_good: bool
    """Whether its making ended well."""

    @property
    def started_at(self) -> datetime:
        return moment_of(self.started_us)


@dataclass(frozen=True)
class Line:
    """The archives of one job in one repository that may be shown, in their order; there is at least one."""

    tree: int
    client_number: int
    client: str
    job: str
    repository: str
    points: tuple[LinePoint, ...]
    ordinals: tuple[int, ...]

    def between(self, first: int, last: int | None) -> Sequence[LinePoint]:
        """Those of an interval of ordinals; ``None`` as its end is the newest."""
        end = len(self.points) if last is None else bisect_right(self.ordinals, last)
        return self.points[bisect_left(self.ordinals, first) : end]


@dataclass(frozen=True)
class PlaceInTree:
    """Where a point is in the file catalog."""

    tree: int
    ordinal: int
    client: int


def list_lines(
    connection: Connection, *, client: str | None = None, job: str | None = None, repository: str | None = None
) -> list[Line]:
    """The lines of archives, by client, job and repository."""
    wanted = {"client": client, "job": job, "repository": repository}
    rows = connection.execute(_LINES, wanted | {"good": [Outcome.SUCCEEDED.value, Outcome.WARNING.value]})
    return [_line(list(group)) for _, group in groupby(rows, key=itemgetter(0))]


def find_place(connection: Connection, point: Point) -> PlaceInTree | None:
    """Where a point is; ``None`` when it may not be shown."""
    table, archive, tree = tables.file_point, tables.archive, tables.file_tree
    query = (
        select(table.c.tree, table.c.ordinal, tree.c.client)
        .join(archive, archive.c.number == table.c.archive)
        .join(tree, tree.c.number == table.c.tree)
        .join(tables.client, tables.client.c.number == archive.c.client)
        .join(tables.repository, tables.repository.c.number == archive.c.repository)
        .where(
            archive.c.id == point.archive.id,
            archive.c.borg_repository_id == point.archive.repository_id,
            tables.client.c.name == point.client,
            tables.repository.c.name == point.archive.repository,
            archive.c.deleted_at.is_(None),
            table.c.state == IndexState.COMPLETE,
        )
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else PlaceInTree(tree=row.tree, ordinal=row.ordinal, client=row.client)


def count_indexed(
    connection: Connection, *, client: str | None = None, job: str | None = None, repository: str | None = None
) -> tuple[int, int]:
    """How many archives exist, and of how many of them the files are known."""
    archive, point = tables.archive, tables.file_point
    query = (
        select(func.count(), func.count(point.c.archive))
        .select_from(archive)
        .join(tables.client, tables.client.c.number == archive.c.client)
        .join(tables.job, tables.job.c.number == archive.c.job)
        .join(tables.repository, tables.repository.c.number == archive.c.repository)
        .outerjoin(point, (point.c.archive == archive.c.number) & (point.c.state == IndexState.COMPLETE))
        .where(archive.c.deleted_at.is_(None))
    )
    wanted = ((tables.client.c.name, client), (tables.job.c.name, job), (tables.repository.c.name, repository))
    for column, value in wanted:
        if value is not None:
            query = query.where(column == value)
    row = connection.execute(query).one()
    return row[0], row[1]


def _line(rows: Sequence[Sequence[Any]]) -> Line:
    tree, client_number, client, job, repository = rows[0][:5]
    points = tuple(LinePoint(*row[5:]) for row in rows)
    ordinals = tuple(point.ordinal for point in points)
    return Line(tree, client_number, client, job, repository, points, ordinals)


__all__ = ["Line", "LinePoint", "PlaceInTree", "count_indexed", "find_place", "list_lines"]
