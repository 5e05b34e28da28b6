# SPDX-License-Identifier: GPL-3.0-or-later
"""What the verbs that go through Ansible share: options, progress, the exit status, and how failures are shown."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from pydantic import ValidationError

from fleetkeep.errors import AnsibleStopped
from fleetkeep.plan.words import render_count

from ._ansible import HostResult, Report, Request, run_playbook
from ._common import console, print_sentence

if TYPE_CHECKING:
    from fleetkeep.plan.change import Plan

NO_CHANGE, ERROR, CHANGES = 0, 1, 2

_OPTIONS = (
    click.option("-i", "--inventory", "inventories", multiple=True, metavar="PATH", help="Inventory file or folder."),
    click.option("-l", "--limit", metavar="PATTERN", help="Only these hosts, as an Ansible host pattern."),
    click.option("-e", "--extra-vars", multiple=True, metavar="VARS", help="Variables: k=v, JSON or @file."),
    click.option("--vault-password-file", multiple=True, metavar="FILE", help="Where the Vault password is."),
    click.option("-J", "--ask-vault-pass", is_flag=True, help="Ask for the Vault password."),
    click.option(
        "--prefix",
        type=click.Path(path_type=Path, file_okay=False),
        help="Folder below which Fleetkeep keeps everything on the hosts.",
    ),
    click.option("-v", "--verbose", count=True, help="Show Ansible's output; more v, more of it."),
)


def fleet_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a verb the options of ``ansible-playbook`` that it needs; it receives them as one ``Request``."""

    @functools.wraps(function)
    def with_request(
        inventories: tuple[str, ...],
        limit: str | None,
        extra_vars: tuple[str, ...],
        vault_password_file: tuple[str, ...],
        ask_vault_pass: bool,
        prefix: Path | None,
        verbose: int,
        **others: Any,
    ) -> Any:
        arguments = [f"--vault-password-file={file}" for file in vault_password_file]
        arguments += ["--ask-vault-pass"] if ask_vault_pass else []
        arguments += [f"--extra-vars={variables}" for variables in extra_vars]
        request = Request(
            playbook="",
            inventories=inventories,
            limit=limit,
            arguments=tuple(arguments),
            variables=_prefix_variable(prefix),
            verbosity=verbose,
        )
        return function(request=request, **others)

    for option in reversed(_OPTIONS):
        with_request = option(with_request)
    return with_request


def host_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options of verbs that reach hosts: ``fleet_options``, ``--allow-removals``, and what stands after ``--``."""

    @functools.wraps(function)
    def with_arguments(
        request: Request, allow_removals: bool, ansible_arguments: tuple[str, ...], **others: Any
    ) -> Any:
        if ansible_arguments and not ansible_arguments[0].startswith("-"):
            name = ansible_arguments[0]
            raise click.UsageError(f"unexpected argument {name!r}; did you mean --limit {name}?")
        request = replace(
            request,
            arguments=(*request.arguments, *ansible_arguments),
            variables={**request.variables, **({"fleetkeep_allow_removals": True} if allow_removals else {})},
        )
        return function(request=request, **others)

    removals = click.option(
        "--allow-removals", is_flag=True, help="Accept a plan that removes more than a third of a host's jobs."
    )
    rest = click.argument("ansible_arguments", nargs=-1, type=click.UNPROCESSED, metavar="[-- ANSIBLE_ARGUMENTS]")
    return fleet_options(removals(rest(with_arguments)))


def _prefix_variable(prefix: Path | None) -> dict[str, str]:
    """The prefix as a variable, if somebody gave one; else the inventory has a say for each host."""
    root = click.get_current_context().find_root()
    if prefix is None and root.get_parameter_source("prefix") is not click.core.ParameterSource.DEFAULT:
        prefix = root.obj
    return {"fleetkeep_prefix": str(prefix.absolute())} if prefix else {}


def run_with_progress(request: Request, doing: str) -> Report:
    """Run a playbook; on a terminal, say how many hosts are done. ``doing`` begins the line, such as ``Planning``."""
    terminal = console(stderr=True)
    if request.verbosity or not terminal.is_terminal:
        return _without_validation(run_playbook(request))
    with terminal.status(f"{doing} ...") as status:
        report = run_playbook(
            request,
            lambda done, total: status.update(f"{doing}: {done} of {render_count(total, 'host')}" if total else doing),
        )
    return _without_validation(report)


def _without_validation(report: Report) -> Report:
    """The report without the good news that came before the hosts were asked."""
    hosts = tuple(r for r in report.results if r.data.get("state") != "validated" or not r.is_good)
    return replace(report, results=hosts or report.results)


def exit_status(report: Report) -> int:
    """0 when nothing changes, 2 when something does, 1 when a host failed or Ansible stopped early."""
    if report.exit_code or not all(result.is_good for result in report.results):
        return ERROR
    return CHANGES if changes_something(report) else NO_CHANGE


def changes_something(report: Report) -> bool:
    """Whether a host that did not fail changes."""
    return any(result.changed and result.is_good for result in report.results)


def plans_of(report: Report) -> list[Plan]:
    """The plans of the hosts that have one, in the order of their names."""
    plans = [plan for result in report.results if (plan := _plan_of(result)) is not None]
    return sorted(plans, key=lambda plan: plan.client)


def _plan_of(result: HostResult) -> Plan | None:
    from fleetkeep.plan.change import Plan

    try:
        return Plan.model_validate(result.data["plan"]) if result.data.get("plan") else None
    except ValidationError:
        raise click.ClickException(
            f"the plan of {result.host} cannot be shown: a passphrase is a word that also stands in the plan,"
            " so Ansible masked it there; declare a longer passphrase."
        ) from None


def print_failures(report: Report) -> None:
    """Print on standard error what went wrong, each problem once, then the hosts that failed otherwise."""
    for line in describe_failures(report):
        print_sentence(line)
    if report.exit_code and all(result.is_good for result in report.results):
        click.echo(report.said, err=True)
        print_sentence(f"{AnsibleStopped(exit_code=report.exit_code)} [{AnsibleStopped.code}]")


def describe_failures(report: Report) -> list[str]:
    """What went wrong, each problem once."""
    return list(dict.fromkeys(line for result in report.results for line in _failures(result)))


def report_as_json(report: Report) -> dict[str, Any]:
    """The report for programs."""
    return {
        "changed": any(result.changed for result in report.results),
        "failed": exit_status(report) == ERROR,
        "hosts": [_result_as_json(result) for result in sorted(report.results, key=lambda result: result.host)],
    }


def _result_as_json(result: HostResult) -> dict[str, Any]:
    return {
        "host": result.host,
        "outcome": result.outcome,
        "changed": result.changed,
        "message": result.message,
        "problems": list(result.problems),
        **result.data,
    }


def _failures(result: HostResult) -> list[str]:
    """What went wrong on one host, each as one line with its code."""
    if result.is_good:
        return []
    code = f" [{result.data['code']}]" if "code" in result.data else ""
    if result.problems:
        return [f"{problem}{code}" for problem in result.problems]
    message = " ".join(result.message.split()) or "failed; say -v to see what Ansible says"
    place = "" if message.startswith(f"{result.host}: ") else f"{result.host}: "
    return [f"{place}{message}{code}"]


__all__ = [
    "CHANGES",
    "ERROR",
    "NO_CHANGE",
    "changes_something",
    "describe_failures",
    "exit_status",
    "fleet_options",
    "host_options",
    "plans_of",
    "print_failures",
    "report_as_json",
    "run_with_progress",
]
