# SPDX-License-Identifier: GPL-3.0-or-later
"""``fleetkeep plan``: what an apply would do, without doing it."""

from __future__ import annotations

import sys
from dataclasses import replace

import click

from fleetkeep.plan.render import render_markdown

from ._ansible import Request
from ._common import emit_json, json_option, print_plan
from ._fleet import (
    describe_failures,
    exit_status,
    host_options,
    plans_of,
    print_failures,
    report_as_json,
    run_with_progress,
)


@click.command(
    "plan",
    short_help="Show what an apply would change on each host.",
    epilog="Exit status: 0 no change, 2 changes, 1 error.",
)
@host_options
@click.option("--markdown", "as_markdown", is_flag=True, help="Print Markdown for a comment of a merge request.")
@json_option
def command(request: Request, as_markdown: bool, as_json: bool) -> None:
    """Show what an apply would change on each host; change nothing.

    Hosts that would change in the same way are shown once.
    """
    if as_json and as_markdown:
        raise click.UsageError("--json and --markdown exclude each other.")
    report = run_with_progress(replace(request, playbook="plan"), "Planning")
    if as_json:
        emit_json(report_as_json(report))
    elif as_markdown:
        click.echo(render_markdown(plans_of(report), describe_failures(report)))
    else:
        if plans := plans_of(report):
            print_plan(plans)
        print_failures(report)
    sys.exit(exit_status(report))


__all__ = ["command"]
