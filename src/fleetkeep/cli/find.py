# SPDX-License-Identifier: GPL-3.0-or-later
"""``fleetkeep find``: which files there are in all archives, and where."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import click

from fleetkeep.errors import NoFilesIndexed
from fleetkeep.model import FileQuery, FileType, PatternKind

from ._common import emit_json, json_option, printable
from ._files import beginning, moment, shown_path, size, tell_what_is_missing
from ._record import record
from ._tables import inert, output, print_table, render_moment

if TYPE_CHECKING:
    from fleetkeep.model import FileHit

#: As grep has it: an answer, and no error.
NO_MATCH = 1

EPILOG = """Exit status, as grep has it: 0 found, 1 nothing found or an error. A PATTERN that begins with a dash goes
after `--`."""


@click.command(short_help="Search the files of all archives by name, size and time.", epilog=EPILOG)
@click.argument("pattern", required=False, default="")
@click.option("--exact", "kind", flag_value="exact", help="PATTERN is the whole name, or with a slash the whole path.")
@click.option("--glob", "kind", flag_value="glob", help="PATTERN has wildcards, even if it looks as if it had none.")
@click.option("--part", "kind", flag_value="substring", help="PATTERN is a part of the name, even with * or ? in it.")
@click.option("--match-case", is_flag=True, help="Tell A from a.")
@click.option(
    "--type",
    "types",
    multiple=True,
    type=click.Choice([each.value for each in FileType]),
    help="Only such; say it again for more.",
)
@click.option("--larger", metavar="SIZE", callback=size, help="Only of this size or larger, such as 500M.")
@click.option("--smaller", metavar="SIZE", callback=size, help="Only of this size or smaller.")
@click.option("--modified-after", metavar="TIME", callback=beginning, help="Only changed since, such as 7d ago.")
@click.option("--modified-before", metavar="TIME", callback=beginning, help="Only not changed since that time.")
@click.option("--at", "as_of", metavar="TIME", callback=moment, help="Only as of 2026-11-20, 2026-11-20T14:30, 26h.")
@click.option("--archive", metavar="NAME", help="Only in this archive, by its name or the beginning of its id.")
@click.option("--job", metavar="NAME", help="Only files of this job.")
@click.option("--repository", metavar="NAME", help="Only in this repository.")
@click.option(
    "--limit",
    metavar="NUMBER",
    type=click.IntRange(1, 1_000_000),
    default=100,
    show_default=True,
    help="At most this many paths.",
)
@json_option
def command(
    pattern: str,
    kind: str | None,
    match_case: bool,
    types: tuple[str, ...],
    larger: int | None,
    smaller: int | None,
    modified_after: datetime | None,
    modified_before: datetime | None,
    as_of: datetime | None,
    archive: str | None,
    job: str | None,
    repository: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """List the paths in all archives that match, with what they were last: size, time, and the newest archive that has
    them. VERSIONS says how many different ones of each there are; `fleetkeep history PATH` shows them.

    PATTERN is a part of the name, capital letters or not. With *, ? or [...] it is the whole name as shells write it.
    With a slash it is about the path: `ssh/key` finds /etc/ssh/key.pub, `/etc/ssh` what begins so from the root,
    '/home/*/.bashrc' stays within folders, '/home/**/*.pdf' is any number of folders deep.

    Paths come folder by folder, and the search ends with --limit. Letters that PATTERN fixes, and --larger, --type and
    the times, tell which folders are looked into; '[0-9]?*' fixes no letter, so that every name may have to be read.

    \b
    fleetkeep find invoice
    fleetkeep find '*.iso' --larger 1G
    fleetkeep find /etc/ssh/ --at 2026-11-20 --job system
    """
    query = FileQuery(
        pattern=pattern,
        kind=PatternKind(kind) if kind else None,
        match_case=match_case,
        types=tuple(FileType(each) for each in types),
        smallest_bytes=larger,
        largest_bytes=smaller,
        modified_after=modified_after,
        modified_before=modified_before,
        at=as_of,
        archive=_archive_name(archive, repository),
        job=job,
        repository=repository,
        limit=limit,
    )
    hits = _find(query)
    if as_json:
        emit_json([hit.model_dump(mode="json") for hit in hits])
    elif hits:
        _list(hits, limit)
    else:
        click.echo(f"Nothing matches {printable(pattern)}." if pattern else "Nothing matches.", err=True)
    if not hits:
        raise click.exceptions.Exit(NO_MATCH)


def _archive_name(wanted: str | None, repository: str | None) -> str | None:
    """The whole name of an archive; a run gives it to its archives in all repositories."""
    from ._points import named_point

    return None if wanted is None else named_point(archive=wanted, repository=repository).archive.name


def _find(query: FileQuery) -> list[FileHit]:
    from fleetkeep.director.files import find_hits

    with record() as catalog:
        if catalog is None:
            raise NoFilesIndexed(which="of any job" if query.job is None else f"of job {query.job}")
        hits = find_hits(catalog, query)
        tell_what_is_missing(catalog, job=query.job, repository=query.repository)
        return hits


def _list(hits: Sequence[FileHit], limit: int) -> None:
    several = len({hit.client for hit in hits}) > 1
    head = ("MODIFIED", "SIZE", "VERSIONS", "THERE", "NEWEST ARCHIVE", "PATH")
    print_table(head, (_row(hit, several) for hit in hits), numbers=("SIZE", "VERSIONS"), fold=False)
    if len(hits) == limit:
        output().print(inert(f"These are the first {limit:,}; --limit shows more.", "dim"))


def _row(hit: FileHit, several: bool) -> tuple[object, ...]:
    from fleetkeep.plan.words import render_bytes

    newest = hit.newest
    status = newest.status
    path = shown_path(hit.path) + ("/" if status.is_folder else "")
    return (
        render_moment(status.modified_at),
        render_bytes(status.size) if status.is_file else "-",
        f"{hit.states:,}",
        "yes" if newest.is_present else inert("gone", "yellow"),
        newest.last_archive,
        f"{printable(hit.client)}:{path}" if several else path,
    )


__all__ = ["command"]
