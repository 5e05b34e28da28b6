# SPDX-License-Identifier: GPL-3.0-or-later
"""``fleetkeep restore``: brings files back, beside the original place, to it, or as a stream."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from fleetkeep.clock import SystemClock
from fleetkeep.errors import FleetkeepError, OutputRefused, RestoreStopped, StorageFull, UnknownArchive

from ._bar import byte_bar
from ._common import emit_json, paths, printable
from ._points import access_to, named_point
from ._restore_options import STANDARD_OUTPUT, RestoreOptions, restore_options
from ._restore_output import describe, show_plan
from ._restore_record import recorded
from ._signals import cancelled_by_signals

if TYPE_CHECKING:
    from fleetkeep.agent.restore import RestoreResult
    from fleetkeep.agent.restore_stream import Output
    from fleetkeep.borg.access import BorgAccess
    from fleetkeep.borg.process import Cancellation
    from fleetkeep.model import ArchiveFacts
    from fleetkeep.plan.restore import RestorePlan

WARNING = 3

#: What the words that finish a restore say in their own way.
_REPLACED = ("job", "moment", "repository", "resume", "afresh")

EPILOG = """Exit status: 0 restored, or shown with --dry-run; 1 error, or what was verified differs from the archive;
3 restored, but some paths with warnings; 130 cancelled. A PATH that begins with a dash goes after `--`."""


@click.command(short_help="Bring files of an archive back.", epilog=EPILOG)
@click.argument("words", nargs=-1, metavar="[ARCHIVE] [PATH]...")
@restore_options
def command(words: tuple[str, ...], **given: Any) -> None:
    """Bring paths of an archive back; all of it when neither PATH nor --pattern is given.

    \b
    fleetkeep restore web1-system-20261121T020000Z /etc/hosts --to /tmp/restored
    fleetkeep restore --job system --at 2026-11-20 /etc --in-place --dry-run
    fleetkeep restore --job system --pattern 'sh:etc/**/*.conf' --to-tar - | ssh web2 tar xf - -C /
    """
    from fleetkeep.plan.restore import RestoreForm

    options = RestoreOptions(**given)
    options.check()
    archive_name, wanted = _split(words, options.job)
    _refuse_terminal(options)
    with cancelled_by_signals() as cancellation:
        archive, access = _find(archive_name, options)
        plan = _plan(access, archive, wanted, options, cancellation)
    if options.dry_run:
        show_plan(plan, options.as_json)
        return
    if options.form is RestoreForm.FOLDER:
        result = _restore(access, plan, options, words)
    else:
        result = _stream(access, plan, options)
    emit_json(result) if options.as_json else click.echo(describe(result), err=result.target == "-")
    if result.differing:
        raise click.exceptions.Exit(1)
    if result.outcome.value == "warning":
        raise click.exceptions.Exit(WARNING)


def _split(words: tuple[str, ...], job: str | None) -> tuple[str | None, tuple[str, ...]]:
    """The archive and the paths among the words of the command line."""
    if job is not None:
        return None, words
    if not words:
        raise click.UsageError("name an ARCHIVE (`fleetkeep archives` lists them) or say --job.")
    return words[0], words[1:]


def _refuse_terminal(options: RestoreOptions) -> None:
    from fleetkeep.plan.restore import RestoreForm

    is_stream = options.form in (RestoreForm.TAR, RestoreForm.ZIP) and not options.dry_run
    if is_stream and options.output == STANDARD_OUTPUT and sys.stdout.isatty():
        form = f"{options.form.value} stream"
        raise OutputRefused(output="A terminal", form=form, reason="name a file, or lead it into a program with a pipe")


def _find(archive: str | None, options: RestoreOptions) -> tuple[ArchiveFacts, BorgAccess]:
    """The archive that is meant, and how to reach it."""
    from fleetkeep.agent.restore import look_up_archive
    from fleetkeep.plan.restore import parse_moment

    moment, repository = options.moment, options.repository
    try:
        at = parse_moment(moment, SystemClock().now()) if moment is not None else None
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    try:
        facts = named_point(archive=archive, job=options.job, moment=at, repository=repository).archive
    except UnknownArchive:
        if archive is None or repository is None:
            raise
        access = access_to(repository)
        return look_up_archive(access, repository, archive), access
    return facts, access_to(facts.repository)


def _plan(
    access: BorgAccess,
    archive: ArchiveFacts,
    wanted: tuple[str, ...],
    options: RestoreOptions,
    cancellation: Cancellation,
) -> RestorePlan:
    from fleetkeep.agent.restore import ORIGINAL_PLACE, make_selection, plan_restore
    from fleetkeep.agent.restore_plan import plan_stream
    from fleetkeep.plan.restore import PATHS_SHOWN, RestoreForm

    show = None if options.as_json and options.dry_run else PATHS_SHOWN
    if options.form is not RestoreForm.FOLDER:
        return plan_stream(
            access,
            archive,
            make_selection(wanted, options.patterns, options.excludes),
            options.form,
            strip_components=options.strip_components,
            show=show,
            cancellation=cancellation,
        )
    return plan_restore(
        access,
        archive,
        wanted,
        options.directory if options.directory is not None else ORIGINAL_PLACE,
        patterns=options.patterns,
        excludes=options.excludes,
        manner=options.manner,
        resume=options.resume,
        afresh=options.afresh,
        work=paths().restores,
        show=show,
        cancellation=cancellation,
    )


def _can_ask(as_json: bool) -> bool:
    return not as_json and sys.stdin.isatty() and sys.stdout.isatty()


def _ask(plan: RestorePlan) -> bool:
    """Whether a person agrees; asked only where consent is needed. Raises ``click.Abort`` when not."""
    from fleetkeep.agent.restore import check_consent

    try:
        check_consent(plan, consent=False)
    except FleetkeepError:
        show_plan(plan, as_json=False)
        click.confirm("Restore?", abort=True)
    return True


def _restore(access: BorgAccess, plan: RestorePlan, options: RestoreOptions, words: tuple[str, ...]) -> RestoreResult:
    from fleetkeep.agent.restore import run_restore

    consent = options.yes or (_can_ask(options.as_json) and _ask(plan))
    with (
        cancelled_by_signals() as cancellation,
        _resume_named(plan, words if options.job is not None else words[1:]),
        recorded(plan, report=options.report) as restore,
        byte_bar("Restoring", silent=options.as_json) as bar,
    ):
        restore.result = run_restore(
            access,
            plan,
            SystemClock(),
            consent=consent,
            ignore_space=options.ignore_space,
            work=paths().restores,
            report=options.report,
            verify=options.verify,
            on_progress=bar,
            cancellation=cancellation,
        )
    return restore.result


@contextmanager
def _resume_named(plan: RestorePlan, wanted: tuple[str, ...]) -> Iterator[None]:
    """Say with which words an interrupted restore is finished."""
    try:
        yield
    except (RestoreStopped, StorageFull):
        words = _words_to_resume(click.get_current_context(), plan, wanted)
        click.echo(f"To finish it: {printable(shlex.join(words))}", err=True)
        raise


def _words_to_resume(context: click.Context, plan: RestorePlan, wanted: tuple[str, ...]) -> list[str]:
    """The command line as it was given, with ``--resume``; the archive by its name, because a job gets newer ones."""
    given = ["fleetkeep"]
    root = context.find_root()
    if root.get_parameter_source("prefix") is click.core.ParameterSource.COMMANDLINE:
        given += ["--prefix", str(root.params["prefix"])]
    given += ["restore", "--repository", plan.repository]
    for parameter in context.command.params:
        name = parameter.name or ""
        is_given = context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
        if isinstance(parameter, click.Option) and is_given and name not in _REPLACED:
            given += _option_words(parameter, context.params.get(name))
    separator = ["--"] if any(word.startswith("-") for word in wanted) else []
    return [*given, "--resume", *separator, plan.archive, *wanted]


def _option_words(option: click.Option, value: Any) -> list[str]:
    if option.is_flag:
        return [option.opts[-1]]
    values = value if isinstance(value, tuple) else (value,)
    return [word for each in values for word in (option.opts[-1], str(each))]


def _stream(access: BorgAccess, plan: RestorePlan, options: RestoreOptions) -> RestoreResult:
    from fleetkeep.agent.restore_stream import write_stream

    is_silent = options.as_json
    with (
        cancelled_by_signals() as cancellation,
        recorded(plan, target=str(options.output), report=options.report) as restore,
        _opened(options) as output,
        byte_bar("Writing", silent=is_silent) as bar,
    ):
        restore.result = write_stream(
            access,
            plan,
            output,
            SystemClock(),
            report=options.report,
            on_progress=bar,
            cancellation=cancellation,
        )
    return restore.result


@contextmanager
def _opened(options: RestoreOptions) -> Iterator[Output]:
    from fleetkeep.agent.restore_stream import Output, open_output

    if options.output == STANDARD_OUTPUT:
        yield Output(sys.stdout.buffer, "-", options.form)
        return
    with open_output(options.output, options.form, replace=options.yes) as output:
        yield output


__all__ = ["command"]
