# SPDX-License-Identifier: GPL-3.0-or-later
"""``fleetkeep explain``: each resolved value of a host, and where it comes from."""

from __future__ import annotations

import sys
from dataclasses import replace

import click

from ._ansible import Request
from ._common import json_option, printable
from ._fleet import exit_status, fleet_options, print_failures, run_with_progress


@click.command(
    "explain",
    short_help="Show each value of a host, and where it comes from.",
    epilog="Exit status: 0 explained, 1 error.",
)
@click.argument("host")
@click.argument("job", required=False)
@fleet_options
@json_option
def command(request: Request, host: str, job: str | None, as_json: bool) -> None:
    """Show what the fleet files resolve to for HOST (or one JOB of it), and where each value comes from."""
    from fleetkeep.fleet import Explained, explained_as_json, render_explained

    variables = {**request.variables, **({"fleetkeep_job": job} if job else {})}
    report = run_with_progress(replace(request, playbook="explain", limit=host, variables=variables), "Explaining")
    explained = [Explained(**value) for result in report.results for value in result.data.get("explanation", ())]
    if as_json:
        click.echo(explained_as_json(explained))
    elif explained:
        click.echo("\n".join(map(printable, render_explained(explained).splitlines())))
    print_failures(report)
    sys.exit(exit_status(report))


__all__ = ["command"]
