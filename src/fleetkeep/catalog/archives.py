# SPDX-License-Identifier: GPL-3.0-or-later
"""Archives with their receipts. A row is never removed: a deleted archive is one with a time of deletion."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, func, insert, or_, select, update

from fleetkeep.model import ArchiveFacts, DeletionRequest, Outcome, Point, ReceiptKind

from . import tables

#: How many ids one statement names at most; SQLite allows 32,766 parameters, older ones 999.
_CHUNK = 500


@dataclass(frozen=True)
class NewestPoint:
    """The newest good archive of a job in one repository that still exists, and its newest proof."""

    job: int
    repository: str
    point: Point | None
    proven_at: datetime | None
    """When a drill last proved any archive of the job there that still exists."""


def record_archive(
    connection: Connection,
    facts: ArchiveFacts,
    *,
    client: int,
    job: int,
    repository: int,
    run_id: str,
    outcome: Outcome,
    received_at: datetime,
    receipt: ReceiptKind = ReceiptKind.RECEIVED,
) -> int:
    """The key of an archive; the first message that names it is its receipt, and later ones change nothing."""
    table = tables.archive
    number: int | None = connection.scalar(
        select(table.c.number).where(
            table.c.repository == repository,
            table.c.borg_repository_id == facts.repository_id,
            table.c.id == facts.id,
        )
    )
    if number is not None:
        return number
    values = facts.model_dump(exclude={"repository", "repository_id"})
    statement = insert(table).values(
        **values,
        client=client,
        job=job,
        repository=repository,
        borg_repository_id=facts.repository_id,
        run_id=run_id,
        outcome=outcome,
        received_at=received_at,
        receipt=receipt,
    )
    made: int = connection.execute(statement.returning(table.c.number)).scalar_one()
    return made


def mark_deleted(
    connection: Connection, *, repository: int, borg_repository_id: str, ids: Sequence[str], at: datetime
) -> None:
    """Remember when archives were deleted; those that were deleted before keep their time."""
    table = tables.archive
    for chunk in _chunks(ids):
        connection.execute(
            update(table)
            .where(
                table.c.repository == repository,
                table.c.borg_repository_id == borg_repository_id,
                table.c.id.in_(chunk),
                table.c.deleted_at.is_(None),
            )
            .values(deleted_at=at)
        )


def mark_proven(connection: Connection, *, repository: int, archive_id: str, at: datetime) -> None:
    """Remember when a drill proved an archive; the newest proof stands."""
    table = tables.archive
    connection.execute(
        update(table)
        .where(
            table.c.repository == repository,
            table.c.id == archive_id,
            or_(table.c.proven_at.is_(None), table.c.proven_at < at),
        )
        .values(proven_at=at)
    )


def points_of_listing(connection: Connection, request: DeletionRequest) -> list[Point]:
    """The receipts of listed archives in the order of recording: the client's own and, where the repository is shared,
    those of others."""
    points: list[tuple[int, Point]] = []
    for chunk in _chunks([archive.id for archive in request.listed]):
        query = _points().where(
            tables.archive.c.id.in_(chunk),
            or_(
                (tables.client.c.name == request.client) & (tables.repository.c.name == request.repository),
                tables.archive.c.borg_repository_id.in_(_borg_ids(request.client, request.repository)),
            ),
        )
        points += [(row.number, _point(row, repository=request.repository)) for row in connection.execute(query)]
    return [point for _, point in sorted(points, key=lambda pair: pair[0])]


def list_points(
    connection: Connection,
    *,
    client: str | None = None,
    job: str | None = None,
    repository: str | None = None,
    deleted: bool = False,
    limit: int | None = None,
) -> list[Point]:
    """Archives that exist, or with ``deleted`` all that ever did, the newest receipt first."""
    query = _points().order_by(tables.archive.c.number.desc()).limit(limit)
    for column, value in (
        (tables.client.c.name, client),
        (tables.job.c.name, job),
        (tables.repository.c.name, repository),
    ):
        if value is not None:
            query = query.where(column == value)
    if not deleted:
        query = query.where(tables.archive.c.deleted_at.is_(None))
    return [_point(row) for row in connection.execute(query)]


def count_points(connection: Connection) -> tuple[int, int]:
    """How many archives exist, and how many ever did."""
    table = tables.archive
    row = connection.execute(select(func.count(), func.count(table.c.deleted_at)).select_from(table)).one()
    return row[0] - row[1], row[0]


def find_points(connection: Connection, text: str, *, client: str | None = None) -> list[Point]:
    """Archives that exist whose name is ``text`` or whose id begins with it, the newest receipt first."""
    table = tables.archive
    begins = table.c.id.startswith(text, autoescape=True)
    query = _points().where(or_(table.c.name == text, begins), table.c.deleted_at.is_(None))
    if client is not None:
        query = query.where(tables.client.c.name == client)
    return [_point(row) for row in connection.execute(query.order_by(table.c.number.desc()))]


def points_by_number(connection: Connection, numbers: Sequence[int]) -> dict[int, Point]:
    """Archives by key, whether they still exist or not."""
    result = {}
    for chunk in _chunks(numbers):
        for row in connection.execute(_points().where(tables.archive.c.number.in_(chunk))):
            result[row.number] = _point(row)
    return result


def newest_points(connection: Connection) -> list[NewestPoint]:
    """For each job and repository with a receipt, what could be restored now; the newest by order of recording."""
    table = tables.archive
    good = [Outcome.SUCCEEDED, Outcome.WARNING]
    there = (table.c.deleted_at.is_(None)) & (table.c.outcome.in_(good))
    groups = (
        select(
            table.c.job,
            table.c.repository,
            func.max(table.c.number).filter(there).label("newest"),
            func.max(table.c.proven_at).filter(table.c.deleted_at.is_(None)).label("proven_at"),
        )
        .group_by(table.c.job, table.c.repository)
        .subquery()
    )
    query = select(groups, tables.repository.c.name).join(
        tables.repository, tables.repository.c.number == groups.c.repository
    )
    rows = list(connection.execute(query))
    points = points_by_number(connection, [row.newest for row in rows if row.newest is not None])
    return [
        NewestPoint(row.job, row.name, None if row.newest is None else points[row.newest], row.proven_at)
        for row in rows
    ]


def _points() -> Select[Any]:
    return (
        select(
            tables.archive,
            tables.client.c.name.label("client_name"),
            tables.job.c.name.label("job_name"),
            tables.repository.c.name.label("repository_name"),
        )
        .join(tables.client, tables.archive.c.client == tables.client.c.number)
        .join(tables.job, tables.archive.c.job == tables.job.c.number)
        .join(tables.repository, tables.archive.c.repository == tables.repository.c.number)
    )


def _borg_ids(client: str, repository: str) -> Select[Any]:
    """Borg's id of a client's repository, if it is known."""
    return (
        select(tables.repository.c.borg_id)
        .join(tables.client, tables.repository.c.client == tables.client.c.number)
        .where(
            tables.client.c.name == client,
            tables.repository.c.name == repository,
            tables.repository.c.borg_id.is_not(None),
        )
    )


def _point(row: Any, *, repository: str | None = None) -> Point:
    return Point(
        archive=ArchiveFacts(
            id=row.id,
            name=row.name,
            repository=repository or row.repository_name,
            repository_id=row.borg_repository_id,
            started_at=row.started_at,
            finished_at=row.finished_at,
            files=row.files,
            original_bytes=row.original_bytes,
            compressed_bytes=row.compressed_bytes,
            deduplicated_bytes=row.deduplicated_bytes,
        ),
        client=row.client_name,
        job=row.job_name,
        run_id=row.run_id,
        received_at=row.received_at,
        receipt=row.receipt,
        outcome=row.outcome,
        deleted_at=row.deleted_at,
        proven_at=row.proven_at,
    )


def _chunks(values: Sequence[Any]) -> Iterable[Sequence[Any]]:
    return (values[start : start + _CHUNK] for start in range(0, len(values), _CHUNK))


__all__ = [
    "NewestPoint",
    "count_points",
    "find_points",
    "list_points",
    "mark_deleted",
    "mark_proven",
    "newest_points",
    "points_by_number",
    "points_of_listing",
    "record_archive",
]
