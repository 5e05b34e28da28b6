# SPDX-License-Identifier: GPL-3.0-or-later
"""``fleetkeep diff``: what differs between two archives, folder by folder, path by path, or within a text file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING

import click

from fleetkeep.clock import SystemClock
from fleetkeep.errors import PathInNeither, TextDiffRefused

from ._common import emit_json, json_option, printable, use_color
from ._files import shown_path, stored_path
from ._points import access_to, named_point
from ._record import record
from ._signals import cancelled_by_signals
from ._tables import inert, output, print_table

if TYPE_CHECKING:
    from fleetkeep.borg.process import Cancellation
    from fleetkeep.model import FileChange, FileStatus, FolderChanges, Point, PointDiff

_LINE_COLORS = {"+": "green", "-": "red", "@": "cyan"}


@click.command(
    short_help="Show what differs between two archives.",
    epilog="Exit status: 0 shown, whether anything differs or not; 1 an error; 130 cancelled.",
)
@click.argument("a")
@click.argument("b")
@click.argument("path", required=False, default="/")
@click.option("--job", metavar="NAME", help="A and B are moments, such as 2026-11-20 or 26h; its archives then.")
@click.option("--repository", metavar="NAME", help="The archives in this repository.")
@click.option(
    "--depth",
    metavar="NUMBER",
    type=click.IntRange(0, 100),
    default=3,
    show_default=True,
    help="Add up so many folders deep below PATH.",
)
@click.option("--files", is_flag=True, help="List every path that differs instead of adding up.")
@click.option("--text", is_flag=True, help="Show the lines in which the text file PATH differs.")
@click.option(
    "--limit",
    metavar="NUMBER",
    type=click.IntRange(1, 10_000_000),
    default=1000,
    show_default=True,
    help="With --files: at most so many paths.",
)
@json_option
def command(
    a: str,
    b: str,
    path: str,
    job: str | None,
    repository: str | None,
    depth: int,
    files: bool,
    text: bool,
    limit: int,
    as_json: bool,
) -> None:
    """Show what came, went and changed from archive A to archive B, at all or in PATH, added up by folder.

    A new modification time of a folder alone is no change: it says that something in it changed, which is counted for
    itself.

    \b
    fleetkeep diff 08d6 9ac6
    fleetkeep diff --job system 2026-11-19 2026-11-20 /etc --files
    fleetkeep diff --job system 2d 1d --text /etc/ssh/sshd_config
    """
    if files and text:
        raise click.UsageError("say either --files or --text.")
    wanted = stored_path(path)
    one, other = (_point(word, job, repository) for word in (a, b))
    if text:
        _text(one, other, wanted, as_json)
    elif files:
        _files(one, other, wanted, limit, as_json)
    else:
        _folders(one, other, wanted, depth, as_json)


def _point(word: str, job: str | None, repository: str | None) -> Point:
    from fleetkeep.plan.restore import parse_moment

    if job is None:
        return named_point(archive=word, repository=repository)
    try:
        moment = parse_moment(word, SystemClock().now())
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    return named_point(job=job, moment=moment, repository=repository)


# --- by folder ---


def _folders(one: Point, other: Point, path: str, depth: int, as_json: bool) -> None:
    from fleetkeep.director.files import diff_points

    with record() as catalog:
        diff = diff_points(catalog, one, other, path, depth=depth) if catalog else None
    if diff is None:
        raise PathInNeither(a=one.archive.name, b=other.archive.name, path=shown_path(path))
    if as_json:
        emit_json(diff)
        return
    output().print(inert(_summary(one, other, path, diff)), soft_wrap=True)
    if len(diff.folders) > 1 or any(folder.path != path for folder in diff.folders):
        head = ("FOLDER", "ADDED", "REMOVED", "CHANGED", "GROWN BY")
        print_table(head, map(_row, diff.folders), numbers=head[1:], fold=False)


def _summary(one: Point, other: Point, path: str, diff: PointDiff) -> str:
    from fleetkeep.plan.words import render_bytes, render_count

    total = diff.total
    where = f"{shown_path(path)}, " if path else ""
    between = f"{where}{one.archive.name} to {other.archive.name}"
    if not diff.folders:
        return f"{between}: nothing differs."
    parts = (
        (total.added, "added", total.added_bytes),
        (total.removed, "removed", total.removed_bytes),
        (total.changed, "changed", total.changed_bytes),
    )
    words = [f"{render_count(count, 'path')} {word} ({render_bytes(size)})" for count, word, size in parts if count]
    return f"{between}: {', '.join(words)}."


def _row(folder: FolderChanges) -> tuple[object, ...]:
    counts = (folder.added, folder.removed, folder.changed)
    return shown_path(folder.path), *(f"{count:,}" if count else "-" for count in counts), _grown(folder.grown_bytes)


def _grown(size_bytes: int) -> str:
    from fleetkeep.plan.words import render_bytes

    return f"{'+' if size_bytes > 0 else '-'}{render_bytes(abs(size_bytes))}" if size_bytes else "0 B"


# --- by path ---


def _files(one: Point, other: Point, path: str, limit: int, as_json: bool) -> None:
    from fleetkeep.director.files import diff_entries

    with record() as catalog:
        changes = list(islice(diff_entries(catalog, one, other, path), limit + 1)) if catalog else []
    shown = changes[:limit]
    if as_json:
        emit_json([change.model_dump(mode="json") for change in shown])
    elif shown:
        print_table(("", "SIZE", "DIFFERS IN", "PATH"), _change_rows(shown), numbers=("SIZE",), fold=False)
    else:
        click.echo("Nothing differs.")
    if len(changes) > limit:
        click.echo(f"These are the first {limit:,}; --limit shows more.", err=True)


def _change_rows(changes: Sequence[FileChange]) -> Iterator[tuple[object, ...]]:
    from fleetkeep.plan.file_diff import diff_status
    from fleetkeep.plan.words import render_bytes

    for change in changes:
        mark, style = _mark(change)
        slash = "/" if all(each is None or each.is_folder for each in (change.before, change.after)) else ""
        sizes = [render_bytes(each.size) for each in (change.before, change.after) if each is not None and each.is_file]
        words = ", ".join(diff_status(change.before, change.after)) if change.before and change.after else ""
        yield inert(mark, style), " to ".join(dict.fromkeys(sizes)) or "-", words, shown_path(change.path) + slash


def _mark(change: FileChange) -> tuple[str, str]:
    if change.before is None:
        return "added", "green"
    return ("removed", "red") if change.after is None else ("changed", "yellow")


# --- within a text file ---


def _text(one: Point, other: Point, path: str, as_json: bool) -> None:
    from fleetkeep.plan.text_diff import diff_text

    statuses = [_text_status(point, path) for point in (one, other)]
    if statuses == [None, None]:
        raise PathInNeither(a=one.archive.name, b=other.archive.name, path=shown_path(path))
    with cancelled_by_signals() as cancellation:
        contents = [
            b"" if status is None else _content(point, path, status, cancellation)
            for point, status in zip((one, other), statuses, strict=True)
        ]
    names = (f"{one.archive.name}:/{path}", f"{other.archive.name}:/{path}")
    lines = diff_text(contents[0], contents[1], names)
    if as_json:
        emit_json({"path": path, "a": one.archive.name, "b": other.archive.name, "lines": lines})
    elif lines:
        for line in lines:
            _print_line(line)
    else:
        click.echo(f"The content of {shown_path(path)} is the same.")


def _text_status(point: Point, path: str) -> FileStatus | None:
    """What the catalog says of a file whose text is wanted. Raises TextDiffRefused for what is none."""
    from fleetkeep.director.files import find_entry
    from fleetkeep.plan.text_diff import LARGEST_BYTES
    from fleetkeep.plan.words import render_bytes

    with record() as catalog:
        entry = find_entry(catalog, point, path) if catalog and path else None
    if entry is None and path:
        return None
    status = entry.status if entry else None
    if status is None or not status.is_file:
        raise _refused(point, path, "is no regular file")
    if status.size > LARGEST_BYTES:
        size, limit = render_bytes(status.size), render_bytes(LARGEST_BYTES)
        raise _refused(point, path, f"is {size}, and only up to {limit} are compared by line")
    return status


def _content(point: Point, path: str, status: FileStatus, cancellation: Cancellation) -> bytes:
    from fleetkeep.agent.content import read_content
    from fleetkeep.plan.text_diff import LARGEST_BYTES, is_binary

    access = access_to(point.archive.repository)
    content = read_content(access, point.archive, status.target or path, cancellation=cancellation)
    if len(content) > LARGEST_BYTES:  # of a further name of a hard link the catalog has no size
        raise _refused(point, path, "is too large to be compared by line")
    if is_binary(content):
        raise _refused(point, path, "is no text")
    return content


def _refused(point: Point, path: str, problem: str) -> TextDiffRefused:
    return TextDiffRefused(path=shown_path(path), archive=point.archive.name, problem=problem)


def _print_line(line: str) -> None:
    color = use_color()
    shown = "\n".join(printable(part.expandtabs()) for part in line.split("\n"))
    click.echo(click.style(shown, fg=_LINE_COLORS.get(line[:1])) if color else shown, color=color)


__all__ = ["command"]
