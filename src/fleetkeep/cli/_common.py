# SPDX-License-Identifier: GPL-3.0-or-later
"""What the verbs share: places, output, and the Director of this host."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from fleetkeep.agent.paths import Paths
from fleetkeep.clock import SystemClock
from fleetkeep.plan.words import printable

if TYPE_CHECKING:
    from rich.console import Console

    from fleetkeep.catalog.database import Catalog
    from fleetkeep.director.embedded import EmbeddedDirector
    from fleetkeep.plan.change import Plan

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs instead of text.")


def paths() -> Paths:
    """The places on this host, below the prefix that the command line names."""
    return Paths(click.get_current_context().find_root().obj)


def console(*, stderr: bool = False) -> Console:
    """A terminal that shows text as it is: no markup, no emoji, no highlighting; colours respect NO_COLOR."""
    from rich.console import Console

    return Console(markup=False, highlight=False, emoji=False, stderr=stderr, soft_wrap=False)


def use_color(*, stderr: bool = False) -> bool:
    """Whether an output takes colours: it is a terminal that has some, and NO_COLOR is not set."""
    terminal = console(stderr=stderr)
    return terminal.is_terminal and not terminal.no_color and terminal.color_system is not None


def emit_json(value: Any) -> None:
    """Print a value, or a model, as JSON on standard output."""
    if hasattr(value, "model_dump"):
        value = value.model_dump(mode="json")
    click.echo(json.dumps(value, indent=2, ensure_ascii=True, default=str))


def print_plan(plans: Sequence[Plan]) -> None:
    """Print plans for people on standard output."""
    from fleetkeep.plan.render import render_plan

    color = use_color()
    click.echo(render_plan(plans, color=color), color=color)


def print_sentence(sentence: str) -> None:
    """Print what went wrong as one line on standard error."""
    color = use_color(stderr=True)
    label = click.style("error:", fg="red", bold=True) if color else "error:"
    click.echo(f"{label} {printable(sentence)}", err=True, color=color)


def open_standalone_catalog() -> Catalog:
    """The embedded catalog of this host."""
    from fleetkeep.catalog.database import open_catalog

    return open_catalog(paths().catalog)


def embedded_director() -> EmbeddedDirector:
    """The Director in this process, over the embedded catalog of this host."""
    from fleetkeep.director.embedded import EmbeddedDirector

    return EmbeddedDirector(open_standalone_catalog(), SystemClock())


__all__ = [
    "console",
    "embedded_director",
    "emit_json",
    "json_option",
    "open_standalone_catalog",
    "paths",
    "print_plan",
    "print_sentence",
    "printable",
    "use_color",
]
