# SPDX-License-Identifier: GPL-3.0-or-later
"""``fleetkeep runs [RUN]``: what was done, or all that is known of one run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import click

from ._common import emit_json, json_option
from ._record import record
from ._tables import colored, inert, output, print_table, render_moment, render_took

if TYPE_CHECKING:
    from fleetkeep.catalog.database import Catalog
    from fleetkeep.model import RepositoryRun, Run, Stage


@click.command(short_help="List runs, or show all that is known of one.")
@click.argument("run", required=False)
@click.option("--job", metavar="NAME", help="Only runs of this job.")
@click.option(
    "--limit",
    metavar="NUMBER",
    type=click.IntRange(1, 10_000),
    default=20,
    show_default=True,
    help="At most this many.",
)
@json_option
def command(run: str | None, job: str | None, limit: int, as_json: bool) -> None:
    """List runs, the newest first, or show one: its outcome per repository and stage, and the files Borg warned about.

    RUN is the beginning of a run's id, four characters or more.
    """
    from fleetkeep.director import history
    from fleetkeep.errors import UnknownRun

    with record() as catalog:
        if run is not None:
            if catalog is None:
                raise UnknownRun(run=run)
            found = history.find_run(catalog, run)
            emit_json(found) if as_json else _show(found)
            return
        runs = history.list_runs(catalog, job=job, limit=limit) if catalog else []
        if as_json:
            emit_json([found.model_dump(mode="json") for found in runs])
        elif runs:
            _list(runs, limit)
        else:
            click.echo(_nothing(catalog, job))


def _nothing(catalog: Catalog | None, job: str | None) -> str:
    from fleetkeep.director import history

    known = history.list_job_names(catalog) if catalog else []
    if job is not None and known and job not in known:
        return f"No job {job} is known here; there is {', '.join(known)}."
    which = f"job {job}" if job else "any job"
    return f"No run of {which} is recorded yet; `fleetkeep run {job or 'JOB'}` starts one."


# --- many runs ---


def _list(runs: Sequence[Run], limit: int) -> None:
    several = len({run.client for run in runs}) > 1
    head = ("RUN", "JOB", "STARTED", "TOOK", "OUTCOME", "FILES", "SIZE", "ADDED", "REASON")
    numbers = ("TOOK", "FILES", "SIZE", "ADDED")
    print_table(head, (_row(run, several) for run in runs), numbers=numbers, fold=False)
    if len(runs) == limit:
        output().print(inert(f"These are the newest {limit}; --limit shows more.", "dim"))


def _row(run: Run, several: bool) -> tuple[object, ...]:
    from fleetkeep.plan.words import render_bytes

    archives = [part.archive for part in run.repositories if part.archive]
    files, size = (f"{archives[0].files:,}", render_bytes(archives[0].original_bytes)) if archives else ("-", "-")
    added = render_bytes(sum(archive.deduplicated_bytes for archive in archives)) if archives else "-"
    name = f"{run.client}/{run.job}" if several else run.job
    took = render_took(run.started_at, run.finished_at)
    return run.id, name, render_moment(run.started_at), took, colored(run.outcome), files, size, added, run.reason


# --- one run ---


def _show(run: Run) -> None:
    out = output()
    out.print(inert(f"Run {run.id} of job {run.job} on {run.client}: ", "bold"), colored(run.outcome), sep="")
    if run.reason:
        out.print(inert(run.reason))
    due = f", due {render_moment(run.due_at)}" if run.due_at else ""
    ended = f", took {render_took(run.started_at, run.finished_at)}" if run.finished_at else ", not ended yet"
    out.print(inert(f"Started {render_moment(run.started_at)} by {run.trigger.value}{due}{ended}."))
    _show_stages(run.stages)
    for part in run.repositories:
        _show_repository(part)


def _show_repository(part: RepositoryRun) -> None:
    out = output()
    out.print()
    out.print(inert(f"Repository {part.repository}: ", "bold"), colored(part.outcome), sep="")
    for line in _facts(part):
        out.print(inert(f"  {line}"))
    _show_stages(part.stages)
    if part.warning_count:
        out.print(inert(f"  Borg warned {part.warning_count} times:", "yellow"))
        for warning in part.warnings:
            out.print(inert(f"    {warning.path}: {warning.message}" if warning.path else f"    {warning.message}"))
    if part.warning_count > len(part.warnings):
        out.print(inert(f"    and {part.warning_count - len(part.warnings)} more, which the run's log holds"))


def _facts(part: RepositoryRun) -> Iterable[str]:
    from fleetkeep.plan.words import render_bytes

    if part.reason:
        yield part.reason
    if part.archive is not None:
        archive = part.archive
        yield f"Archive {archive.name} ({archive.id[:12]})"
        sizes = (archive.original_bytes, archive.compressed_bytes, archive.deduplicated_bytes)
        original, compressed, added = (render_bytes(size) for size in sizes)
        yield f"{archive.files:,} files, {original}, compressed {compressed}, added {added}"
    if part.deleted:
        yield f"Deleted by retention: {', '.join(part.deleted)}"


def _show_stages(stages: Sequence[Stage]) -> None:
    if not stages:
        return
    rows = [
        (
            f"  {stage.name.value}",
            colored(stage.outcome),
            f"{stage.duration_seconds:.1f} s",
            "" if stage.exit_code is None else f"exit code {stage.exit_code}",
            stage.reason,
        )
        for stage in stages
    ]
    print_table(("  STAGE", "OUTCOME", "TOOK", "", ""), rows, numbers=("TOOK",))


__all__ = ["command"]
