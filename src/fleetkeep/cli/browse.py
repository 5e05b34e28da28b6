# SPDX-License-Identifier: GPL-3.0-or-later
"""``fleetkeep browse``: walks points and files in the terminal."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fleetkeep.clock import SystemClock
from fleetkeep.errors import NoTerminal
from fleetkeep.settings import has_dumb_terminal

from ._common import paths, print_sentence
from ._points import named_point
from ._record import record

if TYPE_CHECKING:
    from fleetkeep.model import Point


@click.command(short_help="Walk archives and files, search, view and restore with the keyboard.")
@click.argument("words", nargs=-1, metavar="[ARCHIVE] [PATH]")
@click.option("--job", metavar="NAME", help="Begin at the newest archive of this job.")
@click.option("--at", "moment", metavar="TIME", help="With --job: as of 2026-11-20, 2026-11-20T14:30 or 26h ago.")
@click.option("--repository", metavar="NAME", help="Begin at the archive in this repository.")
def command(words: tuple[str, ...], job: str | None, moment: str | None, repository: str | None) -> None:
    """Walk what can be restored: points on the left, their files on the right, the history of each path below.

    `/` finds files in all points, Space marks, `r` restores, `v` views, `d` compares two versions, `?` says the rest.
    Begins at the newest archive, or at the one that is named, with the cursor on PATH.

    \b
    fleetkeep browse
    fleetkeep browse --job system --at 2026-11-20 /etc/hosts
    """
    archive, path = _split(words, job, moment)
    if not (sys.stdin.isatty() and sys.stdout.isatty()) or has_dumb_terminal():
        raise NoTerminal
    point = None
    if archive is not None or job is not None:
        point = named_point(archive=archive, job=job, moment=_moment(moment), repository=repository)
    failure = _browse(point, path)
    if failure:
        print_sentence(failure)
        raise click.exceptions.Exit(1)


def _split(words: tuple[str, ...], job: str | None, moment: str | None) -> tuple[str | None, str]:
    """The archive and the stored path among the words of the command line."""
    if moment is not None and job is None:
        raise click.UsageError("--at needs --job.")
    archive = words[0] if words and job is None else None
    rest = words if archive is None else words[1:]
    if len(rest) > 1:
        raise click.UsageError("name one PATH to begin at.")
    return archive, _stored(rest[0]) if rest else ""


def _stored(path: str) -> str:
    from fleetkeep.plan.restore import normalize_paths

    try:
        return "".join(normalize_paths([path]))
    except ValueError:
        raise click.UsageError("a PATH is not empty and does not lead upwards; name it from the root.") from None


def _moment(text: str | None) -> datetime | None:
    from fleetkeep.plan.restore import parse_moment

    try:
        return None if text is None else parse_moment(text, SystemClock().now())
    except ValueError as error:
        raise click.UsageError(str(error)) from None


def _browse(point: Point | None, path: str) -> str:
    """Browse until the person quits; why it ended otherwise."""
    with record() as catalog:
        if catalog is None:
            return "No archive is known yet; `fleetkeep run JOB` makes one."
        from fleetkeep.terminal.app import Browser, Start
        from fleetkeep.terminal.host import HostShelf

        browser = Browser(HostShelf(catalog, paths()), SystemClock(), Start(point, path, Path("~/restored")))
        browser.run()
        return browser.failure


__all__ = ["command"]
