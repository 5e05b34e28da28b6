# SPDX-License-Identifier: GPL-3.0-or-later
"""``fleetkeep run JOB``: backs up now."""

from __future__ import annotations

from datetime import datetime

import click

from fleetkeep.agent.runner import run_job
from fleetkeep.agent.state import load_job
from fleetkeep.clock import UTC, SystemClock
from fleetkeep.director.late import LateDirector
from fleetkeep.errors import JobBusy
from fleetkeep.model import Outcome, Trigger

from ._aside import begin_anew
from ._common import paths
from ._run_display import display
from ._signals import CANCELLED, cancelled_by_signals
from .main import print_error

#: A run waits so long for others that hold the catalog; what it has to say can wait in the spool.
PATIENCE_SECONDS = 5.0

#: The run did not happen, because the job was running already.
BUSY = 75

EXIT_STATUS = {
    Outcome.SUCCEEDED: 0,
    Outcome.FAILED: 1,
    Outcome.WARNING: 3,
    Outcome.SKIPPED: BUSY,
    Outcome.CANCELLED: CANCELLED,
}


def parse_moment(context: click.Context, parameter: click.Parameter, value: str | None) -> datetime | None:
    """A moment from ``2026-11-21T02:00:00+00:00``; one without a zone is UTC. Raises ``click.BadParameter``."""
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value.replace("Z", "+00:00"))
    except ValueError:
        raise click.BadParameter(f"{value} is no moment; write it as 2026-11-21T02:00:00+00:00.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@click.command(
    short_help="Back up a job of this host now.",
    epilog="Exit status: 0 succeeded; 1 failed or refused; 3 there is an archive, but with warnings; 75 skipped, "
    "because the job is running already; 130 cancelled.",
)
@click.argument("job")
@click.option("--json", "as_json", is_flag=True, help="Print every event as one line of JSON, and the run at the end.")
@click.option(
    "--accept-changes", is_flag=True, help="Take moved mounts and a much smaller size as the right ones from now on."
)
@click.option(
    "--trigger",
    type=click.Choice([trigger.value for trigger in Trigger]),
    default=Trigger.HAND.value,
    show_default=True,
    help="What starts the run; schedulers say it.",
)
@click.option(
    "--due", callback=parse_moment, metavar="TIMESTAMP", help="The moment at which a schedule wanted the run."
)
def command(job: str, as_json: bool, accept_changes: bool, trigger: str, due: datetime | None) -> None:
    """Back up a job of this host now, to all its repositories at once.

    Ctrl-C and SIGTERM end it within two seconds: no lock stays, and the hooks that always run still run.
    """
    places, clock = paths(), SystemClock()
    declared = load_job(places, job)
    with cancelled_by_signals() as cancellation, display(as_json) as shown:
        try:
            run = run_job(
                declared,
                paths=places,
                director=LateDirector(places.catalog, clock, PATIENCE_SECONDS, begin_anew(places)),
                clock=clock,
                trigger=Trigger(trigger),
                due_at=due,
                progress=shown.take,
                cancellation=cancellation,
                accept_changes=accept_changes,
            )
        except JobBusy as error:
            print_error(error)
            raise click.exceptions.Exit(BUSY) from None
    shown.summarize(run, places.run_log(run.id))
    raise click.exceptions.Exit(EXIT_STATUS[run.outcome])


__all__ = ["EXIT_STATUS", "command"]
