# SPDX-License-Identifier: GPL-3.0-or-later
"""``fleetkeep drill JOB``: proves the newest archive of a job by restoring some of it."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import click

from fleetkeep.clock import SystemClock
from fleetkeep.errors import NoArchiveAt, UnknownArchive
from fleetkeep.plan.drill import FILES_KEPT, render_drill
from fleetkeep.plan.sample import SampleRule

from ._bar import byte_bar
from ._common import embedded_director, emit_json, json_option, paths, printable
from ._points import access_to, named_point
from ._record import record
from ._signals import cancelled_by_signals
from .main import print_error

if TYPE_CHECKING:
    from fleetkeep.model import Drill, DrillRules, Point


@click.command(
    short_help="Prove an archive by restoring and comparing files.",
    epilog="Exit status: 0 proven in every repository; 1 not proven, or an error; 130 cancelled.",
)
@click.argument("job")
@click.option("--repository", metavar="NAME", help="Prove only the archive in this repository.")
@click.option("--archive", metavar="NAME", help="Prove this archive of the job instead of its newest good one.")
@click.option(
    "--files",
    metavar="NUMBER",
    type=click.IntRange(1, FILES_KEPT),
    help="Restore at most so many files instead of as many as the job says: the newest ones, and random ones of every "
    "size.",
)
@click.option("--seed", metavar="WORD", default="", help="Choose the same files as a drill with this seed.")
@json_option
def command(job: str, repository: str | None, archive: str | None, files: int | None, seed: str, as_json: bool) -> None:
    """Restore a sample of a job's newest archive into scratch space and compare its content.

    Each file is compared with the live source or, where that changed since, with the archive. Then what the job asserts
    is looked at: `drill` in the fleet file. The result is recorded.
    """
    from fleetkeep.agent.state import load_job

    declared = load_job(paths(), job)
    names = [repository] if repository is not None else list(declared.repositories)
    rules = declared.drill if files is None else declared.drill.model_copy(update={"files": files})
    drills = []
    for name in names:
        try:
            point = named_point(archive=archive, job=None if archive else job, repository=name)
        except (NoArchiveAt, UnknownArchive) as error:
            print_error(error)
            continue
        drill = _drill(point, rules, seed, as_json)
        drills.append(drill)
        if not as_json:
            click.echo(render_drill(drill, printable))
    if as_json:
        emit_json([drill.model_dump(mode="json") for drill in drills])
    if len(drills) < len(names) or not all(drill.outcome.is_good for drill in drills):
        raise click.exceptions.Exit(1)


def _drill(point: Point, rules: DrillRules, seed: str, as_json: bool) -> Drill:
    """One drill, recorded."""
    from fleetkeep.agent.drill import DrillPlace, drill_job
    from fleetkeep.agent.ledger import Ledger
    from fleetkeep.link import DrillFinished

    clock = SystemClock()
    place = DrillPlace(access=access_to(point.archive.repository), scratch=paths().scratch)
    with cancelled_by_signals() as cancellation, byte_bar("Proving", silent=as_json) as bar:
        drill = drill_job(
            point,
            place,
            clock,
            seed=seed,
            rule=SampleRule(files=rules.files),
            assertions=rules.assertions,
            earlier=_earlier(point),
            on_progress=bar,
            cancellation=cancellation,
        )
    with closing(Ledger(paths().spool, embedded_director(), point.client, clock)) as ledger:
        ledger.tell(DrillFinished(drill=drill))
        if ledger.problem:
            click.echo(f"The drill is not recorded yet: {ledger.problem}", err=True)
    return drill


def _earlier(point: Point) -> list[Point]:
    """The archives of the job before it in the same repository."""
    from fleetkeep.director.history import archives_before

    with record() as catalog:
        return archives_before(catalog, point) if catalog else []


__all__ = ["command"]
