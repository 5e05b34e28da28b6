# SPDX-License-Identifier: GPL-3.0-or-later
"""``fleetkeep ls``: what lies in a folder of an archive, from the catalog, in no time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import click

from fleetkeep.errors import PathNotInArchive

from ._common import emit_json, json_option, printable
from ._files import moment, shown_mode, shown_path, stored_path
from ._points import named_point
from ._record import record
from ._tables import print_table, render_moment

if TYPE_CHECKING:
    from fleetkeep.model import FileEntry, Point


@click.command(
    short_help="List a folder of an archive.",
    epilog="Exit status: 0 listed; 1 the archive has no such path, or an error.",
)
@click.argument("words", nargs=-1, metavar="[ARCHIVE[:PATH]] [PATH]")
@click.option("--job", metavar="NAME", help="Take the newest archive of this job instead of naming one.")
@click.option(
    "--at", "as_of", metavar="TIME", callback=moment, help="With --job: as of 2026-11-20, 2026-11-20T14:30 or 26h."
)
@click.option("--repository", metavar="NAME", help="The archive in this repository.")
@json_option
def command(
    words: tuple[str, ...], job: str | None, as_of: datetime | None, repository: str | None, as_json: bool
) -> None:
    """List what lies in a folder of an archive; without PATH, at its root. A file is shown itself.

    \b
    fleetkeep ls web1-system-20261121T020000Z-061a8e42470e:/etc/ssh
    fleetkeep ls 9ac6:/etc/ssh
    fleetkeep ls --job system --at 2026-11-20 /etc/ssh
    """
    archive, typed = _split(words, job, as_of)
    path = stored_path(typed)
    point = named_point(archive=archive, job=job, moment=as_of, repository=repository)
    entries = _entries(point, path)
    if as_json:
        emit_json([entry.model_dump(mode="json") for entry in entries])
    elif entries:
        _list(entries)
    else:
        click.echo(f"{shown_path(path)} is empty in {printable(point.archive.name)}.", err=True)


def _split(words: tuple[str, ...], job: str | None, as_of: datetime | None) -> tuple[str | None, str]:
    """The archive and the path among the words of the command line."""
    if as_of is not None and job is None:
        raise click.UsageError("--at needs --job.")
    if job is not None:
        archive, paths = None, list(words)
    elif words:
        archive, colon, path = words[0].partition(":")
        paths = [*([path or "/"] if colon else []), *words[1:]]
    else:
        raise click.UsageError("name an ARCHIVE (`fleetkeep archives` lists them) or say --job.")
    if len(paths) > 1:
        raise click.UsageError("name one PATH at a time.")
    return archive, paths[0] if paths else "/"


def _entries(point: Point, path: str) -> list[FileEntry]:
    from fleetkeep.director.files import find_entry, list_folder

    with record() as catalog:
        if catalog is None:  # the point was found in it a moment ago
            raise PathNotInArchive(archive=point.archive.name, path=f"/{path}")
        entry = find_entry(catalog, point, path) if path else None
        if entry is not None and entry.status is not None and not entry.status.is_folder:
            return [entry]
        if path and entry is None:
            raise PathNotInArchive(archive=point.archive.name, path=f"/{path}")
        return list_folder(catalog, point, path)


def _list(entries: Sequence[FileEntry]) -> None:
    head = ("MODE", "OWNER", "GROUP", "SIZE", "MODIFIED", "NAME")
    print_table(head, map(_row, entries), numbers=("SIZE",), fold=False)


def _row(entry: FileEntry) -> tuple[object, ...]:
    from fleetkeep.plan.words import render_bytes

    status = entry.status
    if status is None:
        return "-", "-", "-", "-", "-", f"{entry.name}/"
    mark = "/" if status.is_folder else ""
    target = f" -> {status.target}" if status.target and not status.is_file else ""
    same = f" = /{status.target}" if status.target and status.is_file else ""
    return (
        shown_mode(status),
        status.owner or status.uid,
        status.group or status.gid,
        render_bytes(status.size) if status.is_file and not status.target else "-",
        render_moment(status.modified_at),
        f"{entry.name}{mark}{target}{same}",
    )


__all__ = ["command"]
