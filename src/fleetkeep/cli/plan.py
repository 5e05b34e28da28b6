# SPDX-License-Identifier: GPL-3.0-or-later
"""``fleetkeep plan``: what an apply would do, without doing it."""

from __future__ import annotations

import sys
from dataclasses import replace

import click

from ._ansible import Request
from ._common import emit_json, json_option, print_plan
from ._fleet import (
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
@json_option
def command(request: Request, as_json: bool) -> None:
    """Show what an apply would change on each host; change nothing."""
    report = run_with_progress(replace(request, playbook="plan"), "Planning")
    if as_json:
        emit_json(report_as_json(report))
    else:
        if plans := plans_of(report):
            print_plan(plans)
        print_failures(report)
    sys.exit(exit_status(report))


__all__ = ["command"]
