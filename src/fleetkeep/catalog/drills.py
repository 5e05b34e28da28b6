# SPDX-License-Identifier: GPL-3.0-or-later
"""Drills: restores that were done to prove an archive."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, func, insert, select

from fleetkeep.model import Drill, DrillFile

from . import tables


def is_recorded(connection: Connection, client: int, drill_id: str) -> bool:
    """Whether a drill of a client is known."""
    table = tables.drill
    return connection.scalar(select(table.c.number).where(table.c.client == client, table.c.id == drill_id)) is not None


def record_drill(connection: Connection, drill: Drill, *, client: int, job: int, repository: int) -> None:
    """Write a drill down with the files that it compared."""
    values = drill.model_dump(exclude={"client", "job", "repository", "files", "assertions"})
    values["assertions"] = json.dumps([result.model_dump(mode="json") for result in drill.assertions])
    statement = insert(tables.drill).values(client=client, job=job, repository=repository, **values)
    number = connection.execute(statement.returning(tables.drill.c.number)).scalar_one()
    if drill.files:
        rows = [file.model_dump() | {"drill": number, "position": place} for place, file in enumerate(drill.files)]
        connection.execute(insert(tables.drill_file), rows)


def list_drills(
    connection: Connection, *, client: str | None = None, job: str | None = None, limit: int = 100
) -> list[Drill]:
    """Drills with their files, the one that ended last first."""
    query = (
        select(
            tables.drill,
            tables.client.c.name.label("client_name"),
            tables.job.c.name.label("job_name"),
            tables.repository.c.name.label("repository_name"),
        )
        .join(tables.client, tables.drill.c.client == tables.client.c.number)
        .join(tables.job, tables.drill.c.job == tables.job.c.number)
        .join(tables.repository, tables.drill.c.repository == tables.repository.c.number)
        .order_by(tables.drill.c.finished_at.desc(), tables.drill.c.number.desc())
        .limit(limit)
    )
    if client is not None:
        query = query.where(tables.client.c.name == client)
    if job is not None:
        query = query.where(tables.job.c.name == job)
    rows = list(connection.execute(query))
    files = _files(connection, [row.number for row in rows])
    return [_drill(row, files[row.number]) for row in rows]


def latest_drills(connection: Connection) -> dict[tuple[int, str], Drill]:
    """By key of the job and name of the repository, the drill that ended last; without its files."""
    order = func.row_number().over(
        partition_by=(tables.drill.c.job, tables.drill.c.repository),
        order_by=(tables.drill.c.finished_at.desc(), tables.drill.c.number.desc()),
    )
    places = select(tables.drill.c.number, order.label("place")).subquery()
    query = (
        select(
            tables.drill,
            tables.client.c.name.label("client_name"),
            tables.job.c.name.label("job_name"),
            tables.repository.c.name.label("repository_name"),
        )
        .join(tables.client, tables.drill.c.client == tables.client.c.number)
        .join(tables.job, tables.drill.c.job == tables.job.c.number)
        .join(tables.repository, tables.drill.c.repository == tables.repository.c.number)
        .join(places, places.c.number == tables.drill.c.number)
        .where(places.c.place == 1)
    )
    return {(row.job, row.repository_name): _drill(row, ()) for row in connection.execute(query)}


def _files(connection: Connection, drills: Sequence[int]) -> dict[int, list[DrillFile]]:
    table = tables.drill_file
    result: dict[int, list[DrillFile]] = defaultdict(list)
    for row in connection.execute(select(table).where(table.c.drill.in_(drills)).order_by(table.c.position)):
        result[row.drill].append(
            DrillFile(path=row.path, compared_with=row.compared_with, matches=row.matches, sha256=row.sha256)
        )
    return result


def _drill(row: Any, files: Sequence[DrillFile]) -> Drill:
    return Drill(
        id=row.id,
        client=row.client_name,
        job=row.job_name,
        repository=row.repository_name,
        archive_id=row.archive_id,
        archive_name=row.archive_name,
        started_at=row.started_at,
        finished_at=row.finished_at,
        outcome=row.outcome,
        reason=row.reason,
        sample_size=row.sample_size,
        population=row.population,
        left_out=row.left_out,
        sample_bytes=row.sample_bytes,
        seed=row.seed,
        files=tuple(files),
        assertions=json.loads(row.assertions),
    )


__all__ = ["is_recorded", "latest_drills", "list_drills", "record_drill"]
