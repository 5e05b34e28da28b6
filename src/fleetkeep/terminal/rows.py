# SPDX-License-Identifier: GPL-3.0-or-later
"""How nouns look in the browser: text that neither the terminal nor a markup language reads as anything else; pure.

Every cell is a ``Text``, because the widgets read markup in a plain ``str``.
"""

from __future__ import annotations

import stat
from datetime import datetime, timedelta

from rich.text import Text

from fleetkeep.model import FileEntry, FileHit, FileState, FileStatus, Point
from fleetkeep.plan.words import printable, render_bytes, render_count

MARK = "*"
LONGEST_NAME = 400


def inert(text: object, style: str = "") -> Text:
    """Foreign text, shown and never obeyed."""
    shown = printable(str(text))
    if len(shown) > LONGEST_NAME:
        shown = f"{shown[: LONGEST_NAME // 2]} ... {shown[-LONGEST_NAME // 2 :]}"
    return Text(shown, style=style, no_wrap=True, end="")


def point_text(point: Point, now: datetime, *, several_clients: bool) -> Text:
    """A point in two lines: whose and where; how old, how large, whether proven."""
    owner = f"{point.client}/{point.job}" if several_clients else point.job
    age = short_age(now - point.archive.started_at)
    first = Text.assemble(inert(owner, "bold"), " in ", inert(point.archive.repository))
    proven = Text("proven", style="green") if point.proven_at else Text("unproven", style="yellow")
    second = Text.assemble(f"  {age}, {render_bytes(point.archive.original_bytes)}, ", proven)
    return Text("\n").join([first, second])


def short_age(age: timedelta) -> str:
    """An age in few letters.

    >>> short_age(timedelta(hours=26)), short_age(timedelta(days=3)), short_age(timedelta(seconds=-5))
    ('26h', '3d', 'new')
    """
    seconds = int(age.total_seconds())
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size}{unit}"
    return "1m" if seconds >= 60 else "new"


def place_text(point: Point | None, folder: str, entries: int, marked: int) -> Text:
    """Where the browser stands."""
    if point is None:
        return Text("No point is chosen.")
    words = [inert(point.archive.name, "bold"), Text("  "), inert("/" + folder)]
    words.append(Text(f"  {render_count(entries, 'entry', 'entries')}"))
    if marked:
        words.append(Text(f", {marked:,} marked", style="bold"))
    return Text.assemble(*words)


def entry_cells(entry: FileEntry, *, is_marked: bool) -> tuple[Text, ...]:
    """Mark, name, size, time, rights and owner of what lies in a folder."""
    status = entry.status
    name = inert(entry.name)
    if status is None or status.is_folder:
        name.append("/")
        name.stylize("bold")
    elif stat.S_ISLNK(status.mode):
        name.append_text(inert(f" -> {status.target}", "dim"))
    mark = Text(MARK if is_marked else " ", style="bold")
    if status is None:
        return mark, name, Text("-", justify="right"), Text("-"), Text("-")
    size = Text(render_bytes(status.size) if status.is_file else "-", justify="right")
    return mark, name, size, Text(moment(status.modified_at)), inert(_rights(status))


def version_cells(version: FileState, *, is_marked: bool, several_clients: bool = False) -> tuple[Text, ...]:
    """Mark, range of time, size, time of change, number of archives and line of one version."""
    status = version.status
    until = "now" if version.is_present else moment(version.last_seen_at)
    line = f"{version.job} in {', '.join(version.repositories)}"
    return (
        Text(MARK if is_marked else " ", style="bold"),
        Text(moment(status.modified_at)),
        Text(render_bytes(status.size) if status.is_file else "-", justify="right"),
        Text(f"{moment(version.first_seen_at)} - {until}"),
        Text(f"{version.archives:,}", justify="right"),
        inert(f"{version.client}/{line}" if several_clients else line),
    )


def hit_cells(hit: FileHit) -> tuple[Text, ...]:
    """Path, size, when it was seen last, and how many versions there are of what a search found."""
    newest = hit.newest
    seen = "now" if newest.is_present else moment(newest.last_seen_at)
    return (
        inert("/" + hit.path, "bold" if newest.status.is_folder else ""),
        Text(render_bytes(newest.status.size) if newest.status.is_file else "-", justify="right"),
        Text(seen),
        Text(f"{hit.states:,}", justify="right"),
        inert(newest.job),
    )


def moment(at: datetime) -> str:
    """A moment on the clock of this machine; whatever an archive says, it is one."""
    try:
        return at.astimezone().strftime("%Y-%m-%d %H:%M")
    except (OverflowError, ValueError):
        return at.isoformat(sep=" ", timespec="minutes")[:16]


def _rights(status: FileStatus) -> str:
    owner = status.owner or (str(status.uid) if status.uid >= 0 else "")
    group = status.group or (str(status.gid) if status.gid >= 0 else "")
    names = f" {owner}:{group}" if owner or group else ""
    return stat.filemode(status.mode) + names


__all__ = [
    "MARK",
    "entry_cells",
    "hit_cells",
    "inert",
    "moment",
    "place_text",
    "point_text",
    "short_age",
    "version_cells",
]
