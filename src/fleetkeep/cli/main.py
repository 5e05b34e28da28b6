# SPDX-License-Identifier: GPL-3.0-or-later
"""The command ``fleetkeep``: a table of verbs, each in its own file, and the one place that prints errors."""

from __future__ import annotations

import importlib
import sqlite3
import sys
from pathlib import Path

import click

from fleetkeep import __version__
from fleetkeep.errors import FleetkeepError, HostProblem, NotAllowed, Problems

#: The verbs in the order in which the help shows them, with the section they stand in.
VERBS: dict[str, str] = {
    "validate": "Declare",
    "explain": "Declare",
    "plan": "Declare",
    "apply": "Declare",
    "run": "Back up",
    "agent": "Back up",
    "status": "Watch",
    "runs": "Watch",
    "archives": "Watch",
    "ls": "Find",
    "find": "Find",
    "history": "Find",
    "diff": "Find",
    "catalog": "Find",
    "restore": "Restore and prove",
    "restores": "Restore and prove",
    "browse": "Restore and prove",
    "mount": "Restore and prove",
    "umount": "Restore and prove",
    "mounts": "Restore and prove",
    "drill": "Restore and prove",
    "check": "Restore and prove",
    "verify": "Restore and prove",
    "kit": "Keep the keys",
    "key": "Keep the keys",
    "completion": "More",
}


class VerbGroup(click.Group):
    """Loads a verb's file when the verb is called, so that ``fleetkeep run`` does not pay for the others."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        module = importlib.import_module(f"fleetkeep.cli.{cmd_name}")
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in VERBS and not args[0].startswith("-"):
            ctx.fail(f"there is no verb {args[0]!r}{_nearest(args[0])}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for section in dict.fromkeys(VERBS.values()):
            with formatter.section(section):
                verbs = [verb for verb, where in VERBS.items() if where == section]
                rows = [(verb, self._short_help(ctx, verb)) for verb in verbs]
                formatter.write_dl(rows)

    def _short_help(self, ctx: click.Context, verb: str) -> str:
        command = self.get_command(ctx, verb)
        return (command.short_help or "") if command else ""


def _nearest(word: str) -> str:
    import difflib

    near = difflib.get_close_matches(word, VERBS, n=1)
    return f"; did you mean {near[0]!r}?" if near else "; `fleetkeep --help` lists them."


@click.group(
    cls=VerbGroup,
    subcommand_metavar="VERB [ARGUMENTS]...",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="Exit status: 0 well, 1 error; verbs that have more say so in their own help.",
)
@click.version_option(__version__, prog_name="fleetkeep")
@click.option(
    "--prefix",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="FLEETKEEP_PREFIX",
    default=Path("/"),
    show_default=True,
    show_envvar=True,
    help="Folder below which Fleetkeep keeps everything on this host.",
)
@click.pass_context
def program(context: click.Context, prefix: Path) -> None:
    """Declarative backups on BorgBackup: what is declared is kept true, and every backup is proven by a restore."""
    context.obj = prefix.absolute()


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and end the process with its exit status; errors become sentences, never tracebacks."""
    try:
        status = program.main(args=arguments, prog_name="fleetkeep", standalone_mode=False)
    except Problems as problems:
        for problem in problems.problems:
            print_error(problem)
        status = 1
    except FleetkeepError as error:
        print_error(error)
        status = 1
    except PermissionError as error:
        print_error(NotAllowed(path=error.filename or "A file"))
        status = 1
    except OSError as error:
        print_error(HostProblem(what=error.filename or "This host", reason=error.strerror or error))
        status = 1
    except sqlite3.Error as error:
        print_error(HostProblem(what="What this host keeps below its prefix", reason=error))
        status = 1
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        status = 1
    except click.ClickException as error:
        print_misuse(error)
        status = 1
    except click.Abort:
        click.echo("Cancelled.", err=True)
        status = 130
    sys.exit(status if isinstance(status, int) else 0)


def print_error(error: FleetkeepError) -> None:
    """Print one error as one line on standard error."""
    from ._common import print_sentence

    print_sentence(f"{error} [{error.code}]")


def print_misuse(error: click.ClickException) -> None:
    """Print what is wrong with a command line, and how it is meant."""
    from ._common import print_sentence

    print_sentence(error.format_message())
    context = error.ctx if isinstance(error, click.UsageError) else None
    if context is not None:
        click.echo(f"{context.get_usage()}\n`{context.command_path} --help` says more.", err=True)


__all__ = ["VERBS", "VerbGroup", "main", "print_error", "print_misuse", "program"]
