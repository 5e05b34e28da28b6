# SPDX-License-Identifier: GPL-3.0-or-later
"""``fleetkeep validate``: all mistakes of an inventory at once, without contacting a host."""

from __future__ import annotations

import sys
from dataclasses import replace

import click

from ._ansible import Request
from ._common import emit_json, json_option, printable
from ._fleet import ERROR, fleet_options, print_failures, report_as_json, run_with_progress


@click.command(
    "validate",
    short_help="Check the whole inventory without contacting a host.",
    epilog="Exit status: 0 valid, 1 problems.",
)
@fleet_options
@json_option
def command(request: Request, as_json: bool) -> None:
    """Check the whole inventory without contacting a host; print each problem as file:line:column: sentence."""
    report = run_with_progress(replace(request, playbook="validate"), "Validating")
    result = report.results[0]
    if as_json:
        emit_json(report_as_json(report))
    elif result.problems:
        click.echo("\n".join(printable(problem) for problem in result.problems))
        click.echo(count(len(result.problems), "problem"), err=True)
    elif result.is_good:
        click.echo(f"{count(result.data['hosts'], 'host')}, {count(result.data['jobs'], 'job')}: valid")
    else:
        print_failures(report)
    sys.exit(0 if result.is_good else ERROR)


def count(number: int, noun: str) -> str:
    """A number of things.

    >>> count(1, "host"), count(3, "host")
    ('1 host', '3 hosts')
    """
    return f"{number} {noun}{'' if number == 1 else 's'}"


__all__ = ["command", "count"]
