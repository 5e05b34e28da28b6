# SPDX-License-Identifier: GPL-3.0-or-later
"""``fleetkeep agent``: keeps the schedule on a host where systemd does not."""

from __future__ import annotations

import signal
from datetime import timezone
from types import FrameType

import click

from fleetkeep.agent.command import own_command
from fleetkeep.agent.lock import Held, hold
from fleetkeep.agent.scheduler import Scheduler, next_start
from fleetkeep.agent.state import load_desired, load_jobs
from fleetkeep.clock import SystemClock
from fleetkeep.errors import AnotherAgent
from fleetkeep.plan.words import render_count

from ._common import emit_json, json_option, paths


@click.command(short_help="Keep this host's schedule where systemd does not.")
@click.option("--show", is_flag=True, help="Print when each job starts next, and end.")
@json_option
def command(show: bool, as_json: bool) -> None:
    """Keep the schedule of this host: start each job when it is due, one catch-up after time off.

    Needed only where systemd does not run or below a private --prefix; elsewhere systemd timers do it. Stays in the
    foreground until SIGTERM or Ctrl-C; runs that are at work then go on by themselves. An apply is noticed by itself.
    """
    places, clock = paths(), SystemClock()
    if show:
        _show(as_json)
        return
    if as_json:
        raise click.UsageError("--json needs --show.")
    desired = load_desired(places)
    scheduler = Scheduler(
        places, clock, own_command(), report=lambda line: click.echo(f"{clock.now().astimezone():%H:%M:%S} {line}")
    )

    def stop(number: int, frame: FrameType | None) -> None:
        scheduler.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    try:
        with hold(places.lock("agent")):
            click.echo(f"Agent of {desired.client}: {render_count(len(desired.jobs), 'job')} below {places.prefix}.")
            scheduler.run()
    except Held as held:
        raise AnotherAgent(holder=held.holder, prefix=places.prefix) from None


def _show(as_json: bool) -> None:
    places, now = paths(), SystemClock().now()
    client = load_desired(places).client
    moments = {job.name: next_start(job, client, now) for job in load_jobs(places).values()}
    if as_json:
        emit_json({name: moment.isoformat() if moment else None for name, moment in moments.items()})
        return
    for name, moment in moments.items():
        text = moment.astimezone(timezone.utc).strftime("%a %Y-%m-%d %H:%M:%S UTC") if moment else "only by hand"
        click.echo(f"{name:<20} {text}")


__all__ = ["command"]
