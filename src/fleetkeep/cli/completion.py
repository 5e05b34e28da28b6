# SPDX-License-Identifier: GPL-3.0-or-later
"""``fleetkeep completion SHELL``: the script that completes verbs and options."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class


@click.command(short_help="Print the completion script of a shell.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the completion script of a shell; for bash: `source <(fleetkeep completion bash)`."""
    from .main import program

    script_class = get_completion_class(shell)
    if script_class is None:
        raise click.ClickException(f"there is no completion for {shell}")
    click.echo(script_class(program, {}, "fleetkeep", "_FLEETKEEP_COMPLETE").source())


__all__ = ["command"]
