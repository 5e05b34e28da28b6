# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs with their outcome per repository and stage. A run that ended is never written again."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, delete, exists, func, insert, select, update

from fleetkeep.model import FileWarning, IndexRequest, Outcome, RepositoryRun, Run, Stage

from . import tables
from .archives import points_by_number

_AT_WORK = (Outcome.QUEUED, Outcome.RUNNING)
#: The outcomes that say how a job fares; a run that was cancelled or skipped says nothing of that.
CONCLUSIVE = (Outcome.SUCCEEDED, Outcome.WARNING, Outcome.FAILED)


@dataclass(frozen=True)
class RunFilter:
    """Which runs are asked for; what is ``None`` does not matter."""

    client: str | None = None
    job: str | None = None
    outcomes: tuple[Outcome, ...] = ()
    started_after: datetime | None = None
    limit: int = 100


@dataclass(frozen=True)
class RepositoryKeys:
    """The keys that one repository of a run has in the catalog."""

    repository: int
    archive: int | None


def is_ended(connection: Connection, client: int, run_id: str) -> bool | None:
    """Whether a run has ended; ``None`` when it is not known."""
    table = tables.run
    outcome: Outcome | None = connection.scalar(
        select(table.c.outcome).where(table.c.client == client, table.c.id == run_id)
    )
    return None if outcome is None else outcome not in _AT_WORK


def record_run(
    connection: Connection, run: Run, *, client: int, job: int, repositories: Sequence[RepositoryKeys]
) -> None:
    """Write a run down, or the end of one that is known. The caller has made sure that it did not end before.

    ``repositories``: the keys of ``run.repositories``, in the same order.
    """
    values = run.model_dump(include={"trigger", "outcome", "reason", "due_at", "started_at", "finished_at"})
    table = tables.run
    known = select(table.c.number).where(table.c.client == client, table.c.id == run.id)
    number = connection.scalar(known)
    if number is None:
        statement = insert(table).values(id=run.id, client=client, job=job, **values)
        number = connection.execute(statement.returning(table.c.number)).scalar_one()
    else:
        connection.execute(update(table).where(table.c.number == number).values(values))
        connection.execute(delete(tables.stage).where(tables.stage.c.run == number))
        connection.execute(delete(tables.run_repository).where(tables.run_repository.c.run == number))
    _insert_stages(connection, run.stages, run=number, run_repository=None)
    for position, (part, keys) in enumerate(zip(run.repositories, repositories, strict=True)):
        _insert_repository(connection, part, keys, run=number, position=position)


def list_runs(connection: Connection, wanted: RunFilter) -> list[Run]:
    """Runs, the one that began last first; their warnings are counted but not listed."""
    query = _filtered(wanted).order_by(tables.run.c.started_at.desc(), tables.run.c.number.desc()).limit(wanted.limit)
    return _assemble(connection, list(connection.execute(query)), warnings=False)


def find_runs(connection: Connection, text: str, *, client: str | None = None) -> list[Run]:
    """The runs whose id begins with ``text``, with all that is known of them, the one that began last first."""
    query = _runs().where(tables.run.c.id.startswith(text, autoescape=True))
    if client is not None:
        query = query.where(tables.client.c.name == client)
    rows = list(connection.execute(query.order_by(tables.run.c.started_at.desc()).limit(20)))
    return _assemble(connection, rows, warnings=True)


def count_runs(connection: Connection) -> int:
    """How many runs there are."""
    return connection.scalar(select(func.count()).select_from(tables.run)) or 0


def latest_runs(connection: Connection, *, conclusive: bool) -> dict[int, Run]:
    """By key of the job, the run that began last: of all, or of those that succeeded, warned or failed."""
    order = func.row_number().over(
        partition_by=tables.run.c.job, order_by=(tables.run.c.started_at.desc(), tables.run.c.number.desc())
    )
    ranked = select(tables.run.c.number, order.label("place"))
    if conclusive:
        ranked = ranked.where(tables.run.c.outcome.in_(CONCLUSIVE))
    places = ranked.subquery()
    query = _runs().join(places, places.c.number == tables.run.c.number).where(places.c.place == 1)
    rows = list(connection.execute(query))
    return dict(zip([row.job for row in rows], _assemble(connection, rows, warnings=False), strict=True))


def _filtered(wanted: RunFilter) -> Select[Any]:
    query = _runs()
    if wanted.client is not None:
        query = query.where(tables.client.c.name == wanted.client)
    if wanted.job is not None:
        query = query.where(tables.job.c.name == wanted.job)
    if wanted.outcomes:
        query = query.where(tables.run.c.outcome.in_(wanted.outcomes))
    if wanted.started_after is not None:
        query = query.where(tables.run.c.started_at > wanted.started_after)
    return query


def _runs() -> Select[Any]:
    return (
        select(tables.run, tables.client.c.name.label("client_name"), tables.job.c.name.label("job_name"))
        .join(tables.client, tables.run.c.client == tables.client.c.number)
        .join(tables.job, tables.run.c.job == tables.job.c.number)
    )


# --- writing the parts of a run ---


def _insert_repository(
    connection: Connection, part: RepositoryRun, keys: RepositoryKeys, *, run: int, position: int
) -> None:
    table = tables.run_repository
    statement = insert(table).values(
        run=run,
        position=position,
        repository=keys.repository,
        outcome=part.outcome,
        reason=part.reason,
        archive=keys.archive,
        warning_count=part.warning_count,
        deleted=json.dumps(part.deleted),
    )
    number = connection.execute(statement.returning(table.c.number)).scalar_one()
    _insert_stages(connection, part.stages, run=run, run_repository=number)
    if part.warnings:
        rows = [
            warning.model_dump() | {"run_repository": number, "position": place}
            for place, warning in enumerate(part.warnings)
        ]
        connection.execute(insert(tables.warning), rows)


def _insert_stages(connection: Connection, stages: Sequence[Stage], *, run: int, run_repository: int | None) -> None:
    if stages:
        rows = [
            stage.model_dump() | {"run": run, "run_repository": run_repository, "position": place}
            for place, stage in enumerate(stages)
        ]
        connection.execute(insert(tables.stage), rows)


# --- reading them back ---


def _assemble(connection: Connection, rows: Sequence[Any], *, warnings: bool) -> list[Run]:
    """Whole runs from their rows, with four queries however many runs there are."""
    numbers = [row.number for row in rows]
    of_run, of_repository = _stages(connection, numbers)
    repositories = _repositories(connection, numbers, of_repository, warnings=warnings)
    return [
        Run(
            id=row.id,
            client=row.client_name,
            job=row.job_name,
            trigger=row.trigger,
            outcome=row.outcome,
            reason=row.reason,
            due_at=row.due_at,
            started_at=row.started_at,
            finished_at=row.finished_at,
            stages=tuple(of_run[row.number]),
            repositories=tuple(repositories[row.number]),
        )
        for row in rows
    ]


def _stages(connection: Connection, runs: Sequence[int]) -> tuple[dict[int, list[Stage]], dict[int, list[Stage]]]:
    """Stages by run and by repository of a run."""
    table = tables.stage
    of_run: dict[int, list[Stage]] = defaultdict(list)
    of_repository: dict[int, list[Stage]] = defaultdict(list)
    for row in connection.execute(select(table).where(table.c.run.in_(runs)).order_by(table.c.position)):
        stage = Stage(
            name=row.name,
            outcome=row.outcome,
            reason=row.reason,
            exit_code=row.exit_code,
            duration_seconds=row.duration_seconds,
        )
        if row.run_repository is None:
            of_run[row.run].append(stage)
        else:
            of_repository[row.run_repository].append(stage)
    return of_run, of_repository


def _repositories(
    connection: Connection, runs: Sequence[int], stages: dict[int, list[Stage]], *, warnings: bool
) -> dict[int, list[RepositoryRun]]:
    table = tables.run_repository
    query = (
        select(table, tables.repository.c.name)
        .join(tables.repository, table.c.repository == tables.repository.c.number)
        .where(table.c.run.in_(runs))
        .order_by(table.c.run, table.c.position)
    )
    rows = list(connection.execute(query))
    points = points_by_number(connection, [row.archive for row in rows if row.archive is not None])
    files = _warnings(connection, [row.number for row in rows]) if warnings else {}
    result: dict[int, list[RepositoryRun]] = defaultdict(list)
    for row in rows:
        result[row.run].append(
            RepositoryRun(
                repository=row.name,
                outcome=row.outcome,
                reason=row.reason,
                archive=None if row.archive is None else points[row.archive].archive,
                stages=tuple(stages[row.number]),
                warnings=tuple(files.get(row.number, ())),
                warning_count=row.warning_count,
                deleted=tuple(json.loads(row.deleted)),
            )
        )
    return result


def _warnings(connection: Connection, run_repositories: Sequence[int]) -> dict[int, list[FileWarning]]:
    table = tables.warning
    query = select(table).where(table.c.run_repository.in_(run_repositories)).order_by(table.c.position)
    result: dict[int, list[FileWarning]] = defaultdict(list)
    for row in connection.execute(query):
        result[row.run_repository].append(FileWarning(path=row.path, message=row.message, code=row.code))
    return result


#: A question to a repository names so many runs at most; more are not interrupted between two good ones.
MOST_INTERRUPTED = 200


def interrupted_runs(connection: Connection, request: IndexRequest) -> Sequence[str]:
    """Runs that were killed or cancelled, of which no archive there is on record; one that failed there said so."""
    run, part, archive = tables.run, tables.run_repository, tables.archive
    repository = (
        select(tables.repository.c.number)
        .join(tables.client, tables.repository.c.client == tables.client.c.number)
        .where(tables.client.c.name == request.client, tables.repository.c.name == request.repository)
        .scalar_subquery()
    )
    is_on_record = exists().where(
        archive.c.run_id == run.c.id,
        archive.c.repository == repository,
        archive.c.borg_repository_id == request.repository_id,
    )
    has_failed_there = exists().where(
        part.c.run == run.c.number, part.c.repository == repository, part.c.outcome == Outcome.FAILED
    )
    query = (
        select(run.c.id)
        .join(tables.client, run.c.client == tables.client.c.number)
        .join(tables.job, run.c.job == tables.job.c.number)
        .where(
            tables.client.c.name == request.client,
            tables.job.c.name == request.job,
            run.c.outcome.in_((Outcome.FAILED, Outcome.CANCELLED)),
            ~is_on_record,
            ~has_failed_there,
        )
        .order_by(run.c.number.desc())
        .limit(MOST_INTERRUPTED)
    )
    return connection.scalars(query).all()


__all__ = [
    "CONCLUSIVE",
    "RepositoryKeys",
    "RunFilter",
    "count_runs",
    "find_runs",
    "interrupted_runs",
    "is_ended",
    "latest_runs",
    "list_runs",
    "record_run",
]
