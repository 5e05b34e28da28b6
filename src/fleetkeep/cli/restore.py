# SPDX-License-Identifier: GPL-3.0-or-later
"""``fleetkeep restore``: brings files back, beside the original place or to it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fleetkeep.clock import SystemClock
from fleetkeep.errors import FleetkeepError, UnknownArchive

from ._bar import byte_bar
from ._common import emit_json, json_option, printable
from ._points import access_to, named_point
from ._signals import cancelled_by_signals

if TYPE_CHECKING:
    from fleetkeep.agent.restore import RestoreResult
    from fleetkeep.borg.access import BorgAccess
    from fleetkeep.model import ArchiveFacts
    from fleetkeep.plan.restore import RestorePlan

WARNINGS_SHOWN = 20

WARNING = 3

EPILOG = """Exit status: 0 restored, or shown with --dry-run; 1 error; 3 restored, but some paths with warnings;
130 cancelled. A PATH that begins with a dash goes after `--`."""


@click.command(short_help="Bring files of an archive back.", epilog=EPILOG)
@click.argument("words", nargs=-1, metavar="[ARCHIVE] [PATH]...")
@click.option("--job", metavar="NAME", help="Take the newest archive of this job instead of naming one.")
@click.option("--at", "moment", metavar="TIME", help="With --job: as of 2026-11-20, 2026-11-20T14:30 or 26h ago.")
@click.option("--to", "directory", metavar="DIRECTORY", type=click.Path(path_type=Path), help="Restore below it.")
@click.option("--in-place", is_flag=True, help="Restore to the original place.")
@click.option("-y", "--yes", is_flag=True, help="Overwrite without asking.")
@click.option("--dry-run", is_flag=True, help="Show what would be overwritten and created; write nothing.")
@click.option("--repository", metavar="NAME", help="Restore from this repository.")
@json_option
def command(
    words: tuple[str, ...],
    job: str | None,
    moment: str | None,
    directory: Path | None,
    in_place: bool,
    yes: bool,
    dry_run: bool,
    repository: str | None,
    as_json: bool,
) -> None:
    """Bring paths of an archive back; all of it when no PATH is given.

    \b
    fleetkeep restore web1-system-20261121T020000Z /etc/hosts --to /tmp/restored
    fleetkeep restore --job system --at 2026-11-20 /etc --in-place --dry-run
    """
    from fleetkeep.agent.restore import ORIGINAL_PLACE, plan_restore

    if (directory is None) == (not in_place):
        raise click.UsageError("say either --to DIRECTORY or --in-place.")
    archive_name, wanted = _split(words, job, moment)
    with cancelled_by_signals() as cancellation:
        archive, access = _find(archive_name, job, moment, repository)
        plan = plan_restore(
            access,
            archive,
            wanted,
            directory if directory is not None else ORIGINAL_PLACE,
            **({"show": None} if as_json and dry_run else {}),
            cancellation=cancellation,
        )
    if dry_run:
        _show_plan(plan, as_json)
        return
    consent = yes or (_can_ask(as_json) and _ask(plan))
    result = _restore(access, plan, consent=consent, as_json=as_json)
    emit_json(result) if as_json else click.echo(_describe(result))
    if result.warning_count:
        raise click.exceptions.Exit(WARNING)


def _split(words: tuple[str, ...], job: str | None, moment: str | None) -> tuple[str | None, tuple[str, ...]]:
    """The archive and the paths among the words of the command line."""
    if job is not None:
        return None, words
    if moment is not None:
        raise click.UsageError("--at needs --job.")
    if not words:
        raise click.UsageError("name an ARCHIVE (`fleetkeep archives` lists them) or say --job.")
    return words[0], words[1:]


def _find(
    archive: str | None, job: str | None, moment: str | None, repository: str | None
) -> tuple[ArchiveFacts, BorgAccess]:
    """The archive that is meant, and how to reach it."""
    from fleetkeep.agent.restore import look_up_archive
    from fleetkeep.plan.restore import parse_moment

    try:
        at = parse_moment(moment, SystemClock().now()) if moment is not None else None
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    try:
        facts = named_point(archive=archive, job=job, moment=at, repository=repository).archive
    except UnknownArchive:
        if archive is None or repository is None:
            raise
        access = access_to(repository)
        return look_up_archive(access, repository, archive), access
    return facts, access_to(facts.repository)


def _can_ask(as_json: bool) -> bool:
    return not as_json and sys.stdin.isatty() and sys.stdout.isatty()


def _ask(plan: RestorePlan) -> bool:
    """Whether a person agrees; asked only where consent is needed. Raises ``click.Abort`` when not."""
    from fleetkeep.agent.restore import check_consent

    try:
        check_consent(plan, consent=False)
    except FleetkeepError:
        _show_plan(plan, as_json=False)
        click.confirm("Restore?", abort=True)
    return True


def _show_plan(plan: RestorePlan, as_json: bool) -> None:
    from fleetkeep.plan.restore import render_restore_plan

    emit_json(plan) if as_json else click.echo(render_restore_plan(plan, printable))


def _restore(access: BorgAccess, plan: RestorePlan, *, consent: bool, as_json: bool) -> RestoreResult:
    from fleetkeep.agent.restore import run_restore

    with cancelled_by_signals() as cancellation, byte_bar("Restoring", silent=as_json) as bar:
        return run_restore(access, plan, SystemClock(), consent=consent, on_progress=bar, cancellation=cancellation)


def _describe(result: RestoreResult) -> str:
    from fleetkeep.plan.words import render_bytes, render_count, render_seconds

    where = "the original place" if result.target == "/" else printable(result.target)
    lines = [
        f"Restored {render_count(result.items, 'item')} ({render_count(result.files, 'file')}, "
        f"{render_bytes(result.size_bytes)}) of {result.archive} to {where} in "
        f"{render_seconds(result.duration_seconds)}; {result.overwritten:,} overwritten."
    ]
    if result.warning_count:
        lines.append(f"{render_count(result.warning_count, 'warning')}:")
        shown = result.warnings[:WARNINGS_SHOWN]
        lines += [f"  {printable(': '.join(filter(None, (each.path, each.message))))}" for each in shown]
        if result.warning_count > len(shown):
            lines.append(f"  and {result.warning_count - len(shown):,} more; --json has them")
    return "\n".join(lines)


__all__ = ["command"]
