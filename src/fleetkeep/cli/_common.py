# SPDX-License-Identifier: GPL-3.0-or-later
"""What the verbs share: places, output, and the Director of this host."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from fleetkeep.agent.paths import Paths
from fleetkeep.clock import SystemClock

if TYPE_CHECKING:
    from rich.console import Console

    from fleetkeep.catalog.database import Catalog
    from fleetkeep.director.embedded import EmbeddedDirector

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs instead of text.")


def paths() -> Paths:
    """The places on this host, below the prefix that the command line names."""
    return Paths(click.get_current_context().find_root().obj)


def console(*, stderr: bool = False) -> Console:
    """A terminal that shows text as it is: no markup, no emoji, no highlighting; colours respect NO_COLOR."""
    from rich.console import Console

    return Console(markup=False, highlight=False, emoji=False, stderr=stderr, soft_wrap=False)


def use_color(*, stderr: bool = False) -> bool:
    """Whether standard output (or standard error) takes colours: it is a terminal, and NO_COLOR is not set."""
    terminal = console(stderr=stderr)
    return terminal.is_terminal and not terminal.no_color


def emit_json(value: Any) -> None:
    """Print a value, or a model, as JSON on standard output."""
    if hasattr(value, "model_dump"):
        value = value.model_dump(mode="json")
    click.echo(json.dumps(value, indent=2, ensure_ascii=True, default=str))


def open_standalone_catalog() -> Catalog:
    """The embedded catalog of this host."""
    from fleetkeep.catalog.database import open_catalog

    return open_catalog(paths().catalog)


def embedded_director() -> EmbeddedDirector:
    """The Director in this process, over the embedded catalog of this host."""
    from fleetkeep.director.embedded import EmbeddedDirector

    return EmbeddedDirector(open_standalone_catalog(), SystemClock())


def printable(text: str) -> str:
    r"""Text with control and direction characters escaped, so that a hostile name cannot drive a terminal.

    >>> printable("a\x1b[31mb")
    'a\\x1b[31mb'
    """
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in text
    )


__all__ = [
    "console",
    "embedded_director",
    "emit_json",
    "json_option",
    "open_standalone_catalog",
    "paths",
    "printable",
    "use_color",
]
