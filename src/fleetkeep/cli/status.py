# SPDX-License-Identifier: GPL-3.0-or-later
"""``fleetkeep status``: the verdict in one sentence, then what needs a person."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from fleetkeep.clock import SystemClock

from ._common import emit_json, json_option, paths
from ._record import record
from ._tables import colored, inert, output, print_table, render_moment

if TYPE_CHECKING:
    from fleetkeep.director.status import Finding, JobStatus, KeyChange, Status

NEEDS_PERSON = 3


@click.command(
    short_help="Say what is protected and what needs a person.",
    epilog="Exit status: 0 all is well, 3 something needs a person, 1 error.",
)
@json_option
def command(as_json: bool) -> None:
    """Say whether everything is protected, then what needs a person and what to do about it, the worst first."""
    from fleetkeep.director.status import fleet_status, judge

    now = SystemClock().now()
    with record() as catalog:
        changes = _key_changes()
        status = judge([], {}, now, (), changes) if catalog is None else fleet_status(catalog, now, changes)
    emit_json(status) if as_json else _show(status)
    if status.needs_person:
        raise click.exceptions.Exit(NEEDS_PERSON)


def _key_changes() -> list[KeyChange]:
    """The changes of passphrases on this host that are not finished."""
    from fleetkeep.agent.rotation import unfinished_changes
    from fleetkeep.agent.state import load_desired
    from fleetkeep.director.status import KeyChange

    unfinished = unfinished_changes(paths())
    client = load_desired(paths()).client if unfinished else ""
    return [KeyChange(client, repository) for repository in unfinished]


def _show(status: Status) -> None:
    out = output()
    out.print(inert(status.verdict, "bold red" if status.needs_person else "bold green"), soft_wrap=True)
    _show_findings(status.findings)
    if status.jobs:
        out.print()
        _show_jobs(status.jobs)


def _show_findings(findings: Sequence[Finding]) -> None:
    out = output()
    if findings:
        out.print()
    for finding in findings:
        mark, style = ("!", "red") if finding.kind.needs_person else ("-", "yellow")
        out.print(inert(f"{mark} {finding.subject}: {finding.sentence}", style), soft_wrap=True)
        out.print(inert(f"  {finding.next_step}"), soft_wrap=True)


def _show_jobs(jobs: Sequence[JobStatus]) -> None:
    several = len({job.client for job in jobs}) > 1
    rows = [
        (
            f"{job.client}/{job.job}" if several else job.job,
            job.state.value,
            inert("-") if job.last_outcome is None else colored(job.last_outcome),
            render_moment(job.last_started_at),
            render_moment(job.newest_archive_at),
            render_moment(job.proven_at),
            render_moment(job.checked_at),
            render_moment(job.next_due_at),
        )
        for job in jobs
    ]
    print_table(("JOB", "STATE", "LAST RUN", "STARTED", "DATA FROM", "PROVEN", "CHECKED", "NEXT DUE"), rows)


__all__ = ["command"]
