# SPDX-License-Identifier: GPL-3.0-or-later
"""``fleetkeep apply``: bring hosts to their desired state."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from pathlib import Path

import click

from fleetkeep.errors import ConsentNeeded

from ._ansible import Report, Request
from ._common import embedded_director, emit_json, json_option, paths, print_plan
from ._fleet import (
    CHANGES,
    ERROR,
    NO_CHANGE,
    changes_something,
    exit_status,
    host_options,
    plans_of,
    print_failures,
    report_as_json,
    run_with_progress,
)


@click.command(
    "apply",
    short_help="Bring each host to its declared state.",
    epilog="Exit status: 0 nothing had to change, 2 changes were made, 1 error.",
)
@host_options
@click.option("-y", "--yes", "--auto-approve", "agreed", is_flag=True, help="Apply without asking.")
@click.option(
    "--wave",
    metavar="HOSTS",
    callback=lambda _context, _parameter, value: _check_wave(value),
    help="Apply to so many hosts at a time, such as 10 or 25%; stop at the first failure.",
)
@click.option(
    "--local",
    is_flag=True,
    help="Put back on this host what was applied to it last; without Ansible and inventory.",
)
@json_option
def command(request: Request, agreed: bool, wave: str | None, local: bool, as_json: bool) -> None:
    """Bring each host to its declared state: show the plan, ask, then apply.

    No repository and no archive is ever deleted by an apply.
    """
    if local:
        _check_local(request)
        sys.exit(_apply_local(allow_removals="fleetkeep_allow_removals" in request.variables, as_json=as_json))
    if not agreed:
        if as_json or not sys.stdin.isatty():
            raise ConsentNeeded
        if (status := _ask(request)) is not None:
            sys.exit(status)
    if wave:
        request = replace(request, variables={**request.variables, "fleetkeep_wave": wave})
    report = run_with_progress(replace(request, playbook="apply"), "Applying")
    if as_json:
        emit_json(report_as_json(report))
    else:
        _print_applied(report, show_plan=agreed)
    sys.exit(exit_status(report))


def _check_wave(value: str | None) -> str | None:
    if value is not None and not re.fullmatch(r"[1-9]\d*|[1-9]\d?%|100%", value):
        raise click.BadParameter(f"{value!r} is no number of hosts and no share of them; give 10 or 25%.")
    return value


def _ask(request: Request) -> int | None:
    """Show the plan and ask; gives the exit status when there is nothing to apply, ``None`` to go on."""
    report = run_with_progress(replace(request, playbook="plan"), "Planning")
    status = exit_status(report)
    _print_plan(report)
    print_failures(report)
    if not changes_something(report):
        return status
    failed = not all(result.is_good for result in report.results)
    if click.confirm("Apply this plan, without the hosts that failed?" if failed else "Apply this plan?"):
        return None
    click.echo("Nothing was applied.", err=True)
    return ERROR


def _print_plan(report: Report) -> None:
    if plans := plans_of(report):
        print_plan(plans)


def _print_applied(report: Report, *, show_plan: bool) -> None:
    if show_plan:
        _print_plan(report)
    if report.results and (changed := sum(result.changed for result in report.results)):
        click.echo(f"Applied to {changed} {'host' if changed == 1 else 'hosts'}.")
    print_failures(report)


def _check_local(request: Request) -> None:
    """Refuse options that mean nothing on the host itself; the prefix counts wherever it stands."""
    if request.inventories or request.limit or request.arguments:
        raise click.UsageError("--local takes neither an inventory nor a limit nor variables: it reads no fleet files.")
    root = click.get_current_context().find_root()
    root.obj = Path(request.variables.get("fleetkeep_prefix", root.obj))


def _apply_local(*, allow_removals: bool, as_json: bool) -> int:
    """Reconcile this host with the desired state that it keeps."""
    from fleetkeep.agent.command import own_command
    from fleetkeep.agent.reconcile import reconcile
    from fleetkeep.agent.resources import Given
    from fleetkeep.agent.state import load_desired
    from fleetkeep.clock import SystemClock

    desired = load_desired(paths())
    result = reconcile(
        paths(),
        desired,
        Given(),
        check=False,
        allow_removals=allow_removals,
        clock=SystemClock(),
        command=own_command(),
        director=embedded_director(),
    )
    if as_json:
        emit_json({"changed": result.changed, "plan": result.plan.model_dump(mode="json")})
    else:
        print_plan([result.plan])
    return CHANGES if result.changed else NO_CHANGE


__all__ = ["command"]
