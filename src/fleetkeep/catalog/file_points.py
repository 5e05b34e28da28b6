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
from typing import Any

from sqlalchemy import Connection, func, select

from fleetkeep.model import IndexState, Outcome, Point

from . import tables


@dataclass(frozen=True)
class LinePoint:
    """An archive that may be shown."""

    ordinal: int
    """Its place in its tree."""

    archive: str
    """Its name."""

    started_at: datetime
    outcome: Outcome


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
    point, archive, tree = tables.file_point, tables.archive, tables.file_tree
    query = (
        select(
            tree.c.number,
            tree.c.client,
            tables.client.c.name.label("client_name"),
            tables.job.c.name.label("job_name"),
            tables.repository.c.name.label("repository_name"),
            point.c.ordinal,
            archive.c.name.label("archive_name"),
            archive.c.started_at,
            archive.c.outcome,
        )
        .join(point, point.c.tree == tree.c.number)
        .join(archive, archive.c.number == point.c.archive)
        .join(tables.client, tables.client.c.number == tree.c.client)
        .join(tables.job, tables.job.c.number == tree.c.job)
        .join(tables.repository, tables.repository.c.number == tree.c.repository)
        .where(point.c.state == IndexState.COMPLETE, archive.c.deleted_at.is_(None))
        .order_by(tables.client.c.name, tables.job.c.name, tables.repository.c.name, tree.c.number, point.c.ordinal)
    )
    wanted = ((tables.client.c.name, client), (tables.job.c.name, job), (tables.repository.c.name, repository))
    for column, value in wanted:
        if value is not None:
            query = query.where(column == value)
    rows = connection.execute(query)
    return [_line(list(group)) for _, group in groupby(rows, key=lambda row: row.number)]


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


def _line(rows: Sequence[Any]) -> Line:
    head = rows[0]
    return Line(
        tree=head.number,
        client_number=head.client,
        client=head.client_name,
        job=head.job_name,
        repository=head.repository_name,
        points=tuple(LinePoint(row.ordinal, row.archive_name, row.started_at, row.outcome) for row in rows),
        ordinals=tuple(row.ordinal for row in rows),
    )


__all__ = ["Line", "LinePoint", "PlaceInTree", "count_indexed", "find_place", "list_lines"]
