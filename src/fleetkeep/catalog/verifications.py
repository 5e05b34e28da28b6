# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks and comparisons. A row is never changed: what is newer stands beside what is older."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, and_, func, insert, or_, select

from fleetkeep.model import Outcome, PointCheck, Verification, VerificationKind

from . import tables

_CHUNK = 500


@dataclass(frozen=True)
class VerificationFilter:
    """Which verifications; what is ``None`` or empty does not matter."""

    client: str | None = None
    repository: str | None = None
    archive_id: str | None = None
    kinds: tuple[VerificationKind, ...] = ()
    limit: int = 100


def is_recorded(connection: Connection, client: int, identifier: str) -> bool:
    """Whether a verification of a client is known."""
    table = tables.verification
    query = select(table.c.number).where(table.c.client == client, table.c.id == identifier)
    return connection.scalar(query) is not None


def find_archive(connection: Connection, repository: int, archive_id: str) -> int:
    """The key of the archive that was verified. Raises ``LookupError`` for one that was never received."""
    table = tables.archive
    query = select(func.max(table.c.number)).where(table.c.repository == repository, table.c.id == archive_id)
    number: int | None = connection.scalar(query)
    if number is None:
        raise LookupError(f"archive {archive_id} was never received")
    return number


def record_verification(
    connection: Connection, verification: Verification, *, client: int, repository: int, archive: int | None
) -> None:
    """Write a verification down."""
    values = verification.model_dump(exclude={"client", "repository", "archive_id", "archive_name", "evidence"})
    evidence = json.dumps(verification.evidence)
    statement = insert(tables.verification).values(
        client=client, repository=repository, archive=archive, evidence=evidence, **values
    )
    connection.execute(statement)


def list_verifications(connection: Connection, wanted: VerificationFilter) -> list[Verification]:
    """Verifications, the one that was recorded last first."""
    query = _verifications().order_by(tables.verification.c.number.desc()).limit(wanted.limit)
    for column, value in (
        (tables.client.c.name, wanted.client),
        (tables.repository.c.name, wanted.repository),
        (tables.archive.c.id, wanted.archive_id),
    ):
        if value is not None:
            query = query.where(column == value)
    if wanted.kinds:
        query = query.where(tables.verification.c.kind.in_(wanted.kinds))
    return [_verification(row) for row in connection.execute(query)]


def open_rounds(connection: Connection, *, client: str, repository: str) -> list[Verification]:
    """The last complete verification of each kind of each archive that exists, and of the repository, and all the parts
    that came after it; the newest first."""
    table = tables.verification
    complete = (
        select(table.c.repository, table.c.archive, table.c.kind, func.max(table.c.number).label("number"))
        .where(table.c.is_complete)
        .group_by(table.c.repository, table.c.archive, table.c.kind)
        .subquery()
    )
    same = and_(
        complete.c.repository == table.c.repository,
        complete.c.archive.is_not_distinct_from(table.c.archive),
        complete.c.kind == table.c.kind,
    )
    query = (
        _verifications()
        .outerjoin(complete, same)
        .where(
            tables.client.c.name == client,
            tables.repository.c.name == repository,
            tables.archive.c.deleted_at.is_(None),
            or_(complete.c.number.is_(None), table.c.number >= complete.c.number),
        )
        .order_by(table.c.number.desc())
    )
    return [_verification(row) for row in connection.execute(query)]


def standing_results(
    connection: Connection, kinds: Collection[VerificationKind]
) -> dict[tuple[str, str], list[tuple[int | None, Verification]]]:
    """By client and repository: the result that stands for each kind of each archive that exists, and of the
    repository, with the key of the archive's job.

    A part that found nothing wrong says nothing yet; one that failed stands until a whole one succeeds.
    """
    table = tables.verification
    order = func.row_number().over(
        partition_by=(table.c.repository, table.c.archive, table.c.kind), order_by=table.c.number.desc()
    )
    places = (
        select(table.c.number, order.label("place"))
        .where(or_(table.c.is_complete, table.c.outcome == Outcome.FAILED), table.c.kind.in_(tuple(kinds)))
        .subquery()
    )
    query = (
        _verifications()
        .join(places, places.c.number == table.c.number)
        .where(places.c.place == 1, tables.archive.c.deleted_at.is_(None))
        .order_by(table.c.number.desc())
    )
    found: dict[tuple[str, str], list[tuple[int | None, Verification]]] = defaultdict(list)
    for row in connection.execute(query):
        found[row.client_name, row.repository_name].append((row.archive_job, _verification(row)))
    return found


def point_checks(connection: Connection, archive_ids: Sequence[str]) -> dict[tuple[str, str, str], list[PointCheck]]:
    """By client, repository and archive id: the result that stands of each kind, the newest first."""
    table = tables.verification
    found: dict[tuple[str, str, str], list[PointCheck]] = defaultdict(list)
    for start in range(0, len(archive_ids), _CHUNK):
        order = func.row_number().over(partition_by=(table.c.archive, table.c.kind), order_by=table.c.number.desc())
        places = (
            select(table.c.number, order.label("place"))
            .join(tables.archive, table.c.archive == tables.archive.c.number)
            .where(
                or_(table.c.is_complete, table.c.outcome == Outcome.FAILED),
                tables.archive.c.id.in_(archive_ids[start : start + _CHUNK]),
            )
            .subquery()
        )
        query = _verifications().join(places, places.c.number == table.c.number).where(places.c.place == 1)
        for row in connection.execute(query.order_by(table.c.number.desc())):
            check = PointCheck(kind=row.kind, at=row.finished_at, outcome=row.outcome)
            found[row.client_name, row.repository_name, row.archive_id].append(check)
    return found


def _verifications() -> Select[Any]:
    table = tables.verification
    return (
        select(
            table,
            tables.client.c.name.label("client_name"),
            tables.repository.c.name.label("repository_name"),
            tables.archive.c.id.label("archive_id"),
            tables.archive.c.name.label("archive_name"),
            tables.archive.c.job.label("archive_job"),
        )
        .join(tables.client, table.c.client == tables.client.c.number)
        .join(tables.repository, table.c.repository == tables.repository.c.number)
        .outerjoin(tables.archive, table.c.archive == tables.archive.c.number)
    )


def _verification(row: Any) -> Verification:
    return Verification(
        id=row.id,
        client=row.client_name,
        repository=row.repository_name,
        kind=row.kind,
        archive_id=row.archive_id or "",
        archive_name=row.archive_name or "",
        started_at=row.started_at,
        finished_at=row.finished_at,
        outcome=row.outcome,
        reason=row.reason,
        is_complete=row.is_complete,
        evidence=json.loads(row.evidence),
    )


__all__ = [
    "VerificationFilter",
    "find_archive",
    "is_recorded",
    "list_verifications",
    "open_rounds",
    "point_checks",
    "record_verification",
    "standing_results",
]
