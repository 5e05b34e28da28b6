# SPDX-License-Identifier: GPL-3.0-or-later
"""``fleetkeep archives``: what can be restored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from ._common import emit_json, json_option
from ._record import record
from ._tables import inert, output, print_table, render_moment

if TYPE_CHECKING:
    from fleetkeep.catalog.database import Catalog
    from fleetkeep.model import Point


@click.command(short_help="List what can be restored.")
@click.option("--job", metavar="NAME", help="Only archives of this job.")
@click.option("--repository", metavar="NAME", help="Only archives in this repository.")
@click.option("--deleted", is_flag=True, help="Also archives that retention deleted since.")
@click.option(
    "--limit",
    metavar="NUMBER",
    type=click.IntRange(1, 100_000),
    default=50,
    show_default=True,
    help="At most this many.",
)
@json_option
def command(job: str | None, repository: str | None, deleted: bool, limit: int, as_json: bool) -> None:
    """List archives, the newest first: their sizes when made, when a restore last proved and a check last read them."""
    from fleetkeep.director import history
    from fleetkeep.director.verifications import with_checks

    with record() as catalog:
        wanted = {"job": job, "repository": repository}
        points = history.list_archives(catalog, **wanted, deleted=deleted, limit=limit) if catalog else []
        points = with_checks(catalog, points) if catalog else []
        if as_json:
            emit_json([point.model_dump(mode="json") for point in points])
        elif points:
            _list(points, limit, deleted)
        else:
            click.echo(_nothing(catalog, job, repository))


def _nothing(catalog: Catalog | None, job: str | None, repository: str | None) -> str:
    from fleetkeep.director import history

    known = history.list_job_names(catalog) if catalog else []
    if job is not None and known and job not in known:
        return f"No job {job} is known here; there is {', '.join(known)}."
    which = " ".join([f"of job {job}"] * bool(job) + [f"in repository {repository}"] * bool(repository))
    what = f"No archive {which} is known" if which else "No archive is known"
    return f"{what} yet; `fleetkeep run {job or 'JOB'}` makes one."


def _list(points: Sequence[Point], limit: int, deleted: bool) -> None:
    several = len({point.client for point in points}) > 1
    ends = ["DELETED"] if deleted else []
    head = ["ID", "JOB", "REPOSITORY", "RECEIVED", "FILES", "SIZE", "ADDED", "PROVEN", "CHECKED", *ends, "ARCHIVE"]
    rows = (_row(point, several, deleted) for point in points)
    print_table(head, rows, numbers=("FILES", "SIZE", "ADDED"), fold=False)
    if len(points) == limit:
        output().print(inert(f"These are the newest {limit}; --limit shows more.", "dim"))


def _row(point: Point, several: bool, deleted: bool) -> tuple[object, ...]:
    from fleetkeep.plan.words import render_bytes

    archive = point.archive
    proven = render_moment(point.proven_at) if point.proven_at else inert("unproven", "yellow")
    return (
        archive.id[:12],
        f"{point.client}/{point.job}" if several else point.job,
        archive.repository,
        render_moment(point.received_at),
        f"{archive.files:,}",
        render_bytes(archive.original_bytes),
        render_bytes(archive.deduplicated_bytes),
        proven,
        _checked(point),
        *([render_moment(point.deleted_at)] if deleted else []),
        archive.name,
    )


def _checked(point: Point) -> object:
    """The worst of what stands: a failed check first, then its content, then its metadata alone."""
    from fleetkeep.model import Outcome, VerificationKind

    checks = {check.kind: check for check in point.checks}
    looked = [checks[kind] for kind in (VerificationKind.DATA, VerificationKind.ARCHIVE) if kind in checks]
    failed = [check for check in looked if check.outcome is Outcome.FAILED]
    if failed:
        return inert(f"FAILED {render_moment(failed[0].at)}", "bold red")
    if not looked:
        return inert("never", "yellow")
    depth = "" if looked[0].kind is VerificationKind.DATA else " (metadata)"
    return f"{render_moment(looked[0].at)}{depth}"


__all__ = ["command"]
