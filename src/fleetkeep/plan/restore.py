# SPDX-License-Identifier: GPL-3.0-or-later
"""What a restore would do to each path, decided before anything is written."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, time, timezone, tzinfo
from enum import Enum
from pathlib import PurePosixPath

from fleetkeep.borg.items import ArchiveItem, lossy_name
from fleetkeep.model import RestoreManner, Selection
from fleetkeep.model.base import Model, parse_duration

from .words import render_bytes, render_count, render_seconds

#: So many paths of each action are kept for people; all are counted.
PATHS_SHOWN = 20

#: Borg prints times in microseconds and rounds on its way.
TIME_TOLERANCE_US = 1

_KIND_WORDS = {
    "-": "a file",
    "d": "a folder",
    "l": "a symbolic link",
    "p": "a fifo",
    "b": "a block device",
    "c": "a character device",
    "s": "a socket",
}


class RestoreAction(str, Enum):
    """What a restore does to one path; in the order in which a person wants to see them."""

    CONFLICT = "conflict"
    """Something of another type is in the way; it is replaced, or the path fails where that is impossible."""

    OVERWRITE = "overwrite"
    """Something of the same type but another size, time, mode or target is replaced."""

    UNCLEAR = "unclear"
    """The listing cannot carry the name, and something with a name like it is there."""

    RENAME = "rename"
    """Something else is there and stays; the archive's version is put beside it."""

    KEEP = "keep"
    """Something else is there and stays; the archive's version is not restored."""

    CREATE = "create"
    """Nothing is there."""

    SAME = "same"
    """What is there has the same type, size, time and mode; it is written again only where the archive's version is to
    take the place of everything."""


class RestoreChange(Model):
    """What a restore does to one path."""

    path: str
    """Below the target, without a leading slash."""

    action: RestoreAction
    """What happens."""

    reason: str = ""
    """What differs."""


class RestoreForm(str, Enum):
    """What a restore makes."""

    FOLDER = "folder"
    """Files below a folder."""

    TAR = "tar"
    """A tar stream."""

    ZIP = "zip"
    """A zip stream."""

    FILE = "file"
    """The content of one file."""


class RestoreSpace(Model):
    """What a restore needs on one file system."""

    folder: str
    """A folder on it: the target, or where something else is mounted below it."""

    needed_bytes: int
    """What the content adds to what is there; a file with holes may need less."""

    free_bytes: int | None = None
    """What is free."""

    @property
    def is_short(self) -> bool:
        return self.free_bytes is not None and self.free_bytes < self.needed_bytes


class RestorePlan(Model):
    """What a restore would do, in counts and paths."""

    archive: str
    """The archive."""

    archive_id: str = ""
    """Its id; empty when nothing was listed."""

    repository: str
    """The repository that holds it."""

    target: str
    """The folder below which the paths are written; ``/`` for the original place, empty for a stream."""

    form: RestoreForm = RestoreForm.FOLDER
    """What is made of them."""

    paths: tuple[str, ...] = ()
    """What was asked for, as stored; neither paths nor patterns mean all."""

    patterns: tuple[str, ...] = ()
    """The Borg patterns that were asked for."""

    excludes: tuple[str, ...] = ()
    """The Borg patterns of what is left out."""

    manner: RestoreManner = RestoreManner()
    """How it is written."""

    resume: bool = False
    """Whether it finishes a restore that was interrupted."""

    items: int = 0
    """How many things are written in all."""

    files: int = 0
    """How many of them are regular files."""

    size_bytes: int = 0
    """The size of their content."""

    done_files: int = 0
    """How many files an interrupted restore has written already."""

    done_bytes: int = 0
    """The size of their content."""

    stripped: int = 0
    """How many paths are left out because nothing is left of them without their leading folders."""

    free_bytes: int | None = None
    """What is free at the target."""

    spaces: tuple[RestoreSpace, ...] = ()
    """What is needed and free on each file system that is written to."""

    seconds: float | None = None
    """How long it takes at the pace of the last restore from the repository; nothing where there was none."""

    counts: dict[RestoreAction, int] = {}
    """How many paths get each action; folders that are there already count as the same."""

    changes: tuple[RestoreChange, ...] = ()
    """The paths that do not stay the same; of each action the first few, or all when all were asked for."""

    @property
    def selection(self) -> Selection:
        """Which part of the archive is meant."""
        return Selection(paths=self.paths, patterns=self.patterns, excludes=self.excludes)

    @property
    def overwritten(self) -> int:
        """How many things that are there now do not survive, or may not."""
        endangered = (RestoreAction.CONFLICT, RestoreAction.OVERWRITE, RestoreAction.UNCLEAR)
        return sum(self.counts.get(action, 0) for action in endangered)


@dataclass(frozen=True)
class OnDisk:
    """What is at a path now."""

    kind: str
    """The same letters as in ``ArchiveItem.kind``."""

    mode: int = 0
    size_bytes: int = 0
    modified_us: int = 0
    link_target: str = ""

    blocked_by: str = ""
    """The parent, below the target, that is no folder and is not replaced by the restore; then nothing else is
    known."""


def diff_item(item: ArchiveItem, now: OnDisk | None) -> RestoreChange:
    """What restoring an item does to its path, where ``now`` is there (``None``: nothing, nor anything like it)."""
    action, reason = _decide(item, now)
    return RestoreChange(path=item.path, action=action, reason=reason)


def _decide(item: ArchiveItem, now: OnDisk | None) -> tuple[RestoreAction, str]:
    if now is None:
        return RestoreAction.CREATE, ""
    if not item.is_faithful:
        return RestoreAction.UNCLEAR, "its name cannot be listed exactly, and one like it is there"
    if now.blocked_by:
        return RestoreAction.CONFLICT, f"{now.blocked_by} is {_KIND_WORDS.get(now.kind, now.kind)}, not a folder"
    if now.kind != item.kind:
        words = [_KIND_WORDS.get(kind, kind) for kind in (now.kind, item.kind)]
        return RestoreAction.CONFLICT, f"{words[0]} is there, the archive has {words[1]}"
    differences = "" if item.kind == "d" else ", ".join(_differences(item, now))
    return (RestoreAction.OVERWRITE if differences else RestoreAction.SAME), differences


def _differences(item: ArchiveItem, now: OnDisk) -> Iterator[str]:
    if item.kind == "l":
        if (now.link_target if item.is_exact else lossy_name(now.link_target)) != item.link_target:
            yield "target"
        return
    if item.kind == "-" and not item.is_hard_link and now.size_bytes != item.size_bytes:
        yield f"{now.size_bytes:,} bytes become {item.size_bytes:,}"
    if abs(now.modified_us - item.modified_us) > TIME_TOLERANCE_US:
        yield "newer is there" if now.modified_us > item.modified_us else "older is there"
    if now.mode != item.mode:
        yield f"mode {now.mode:04o} becomes {item.mode:04o}"


class Tally:
    """Counts items as they stream by; remembers only the paths that are to be shown."""

    def __init__(self, show: int | None = PATHS_SHOWN) -> None:
        self.show = show
        self.items = self.files = self.size_bytes = self.done_files = self.done_bytes = 0
        self.archive_id = ""
        self.counts: dict[RestoreAction, int] = {}
        self._changes: dict[RestoreAction, list[RestoreChange]] = {action: [] for action in RestoreAction}

    def add(self, item: ArchiveItem, change: RestoreChange, *, is_written: bool = True, is_done: bool = False) -> None:
        self.archive_id = self.archive_id or item.archive_id
        if is_done:
            self.done_files += 1
            self.done_bytes += item.size_bytes
            return
        if is_written:
            self.items += 1
            self.files += item.kind == "-"
            self.size_bytes += item.size_bytes
        self.counts[change.action] = self.counts.get(change.action, 0) + 1
        shown = self._changes[change.action]
        if change.action is not RestoreAction.SAME and (self.show is None or len(shown) < self.show):
            shown.append(change)

    @property
    def changes(self) -> tuple[RestoreChange, ...]:
        return tuple(change for action in RestoreAction for change in self._changes[action])


def normalize_paths(paths: Iterable[str]) -> tuple[str, ...]:
    """The paths a person asked for, as an archive stores them.

    >>> normalize_paths(["/etc/hosts", "srv//www/", "./a"])
    ('etc/hosts', 'srv/www', 'a')
    >>> normalize_paths(["/etc", "/"])
    ()

    Nothing means everything. Raises ``ValueError`` with the path that leads upwards or is no path.
    """
    stored = []
    for path in paths:
        if not path or "\0" in path or ".." in PurePosixPath(path).parts:
            raise ValueError(path)
        relative = str(PurePosixPath("/" + path)).lstrip("/")
        if not relative:
            return ()
        stored.append(relative)
    return tuple(dict.fromkeys(stored))


def is_below(path: str, ancestor: str) -> bool:
    """Whether a stored path is another one or lies below it; both may be lossy.

    >>> is_below("etc/ssh/key", "etc"), is_below("etcetera", "etc")
    (True, False)
    """
    return path == ancestor or path.startswith(ancestor + os.sep)


def parse_moment(text: str, now: datetime, zone: tzinfo | None = None) -> datetime:
    """A point in time that a person wrote, in UTC.

    A date alone means the end of that day; a duration means so long ago; without a zone the local one holds.

    >>> now = datetime(2026, 11, 21, 12, tzinfo=timezone.utc)
    >>> parse_moment("2026-11-20", now, timezone.utc).isoformat()
    '2026-11-20T23:59:59.999999+00:00'
    >>> parse_moment("26h", now).isoformat()
    '2026-11-20T10:00:00+00:00'

    Arguments:
        text: What was written.
        now: The present, aware.
        zone: The zone of a time without one; ``None`` means that of this machine.

    Raises ``ValueError`` when it is none of these.
    """
    text = text.strip()
    if re.fullmatch(r"(\d+[smhdw])+", text):
        return now.astimezone(timezone.utc) - parse_duration(text)
    try:
        moment = datetime.fromisoformat(re.sub(r"[zZ]$", "+00:00", text))
    except ValueError:
        raise ValueError(
            f"{text!r} is no moment; write 2026-11-20, 2026-11-20T14:30, with a zone if it is another, or 26h for "
            "so long ago"
        ) from None
    if re.fullmatch(r"\d{4}-?\d{2}-?\d{2}", text):
        moment = datetime.combine(moment.date(), time.max)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone) if zone else moment.astimezone()
    return moment.astimezone(timezone.utc)


def render_restore_plan(plan: RestorePlan, show: Callable[[str], str] = str) -> str:
    """A plan as text for people; ``show`` makes a path safe to print."""
    size = f"{render_count(plan.items, 'item')}, {render_bytes(plan.size_bytes)}"
    pace = f"; about {render_seconds(plan.seconds)} at the pace of the last restore" if plan.seconds else ""
    lines = [f"{size}, from {plan.archive} to {_destination(plan, show)}{pace}"]
    if plan.done_files:
        lines.append(f"  restored already: {render_count(plan.done_files, 'file')}, {render_bytes(plan.done_bytes)}")
    for action in RestoreAction:
        if plan.counts.get(action):
            lines += _action_lines(plan, action, show)
    if plan.stripped:
        lines.append(f"  left out, because nothing of their paths is left: {plan.stripped:,}")
    if not plan.spaces and plan.free_bytes is not None and plan.free_bytes < plan.size_bytes:
        lines.append(f"  The content is {render_bytes(plan.size_bytes)}, but only {_free(plan.free_bytes)} there.")
    for space in plan.spaces:
        if space.is_short:
            where = show(space.folder)
            lines.append(f"  {where} needs {render_bytes(space.needed_bytes)}, but only {_free(space.free_bytes)}.")
    return "\n".join(lines)


def _destination(plan: RestorePlan, show: Callable[[str], str]) -> str:
    if plan.form is RestoreForm.FOLDER:
        return show(plan.target)
    return "standard output" if plan.form is RestoreForm.FILE else f"a {plan.form.value} stream"


def _action_lines(plan: RestorePlan, action: RestoreAction, show: Callable[[str], str]) -> Iterator[str]:
    yield f"  {_ACTION_WORDS[action]}: {plan.counts[action]:,}"
    shown = [change for change in plan.changes if change.action is action]
    for change in shown:
        yield f"    {show(change.path)}" + (f"  ({show(change.reason)})" if change.reason else "")
    if action is not RestoreAction.SAME and len(shown) < plan.counts[action]:
        yield f"    and {plan.counts[action] - len(shown):,} more; --json lists all"


def _free(free_bytes: int | None) -> str:
    return f"{render_bytes(free_bytes or 0)} are free"


_ACTION_WORDS = {
    RestoreAction.CONFLICT: "of another type than what is there",
    RestoreAction.OVERWRITE: "would be overwritten",
    RestoreAction.UNCLEAR: "perhaps overwritten (their names cannot be listed exactly)",
    RestoreAction.RENAME: "something else is there and stays, so they would be put beside it",
    RestoreAction.KEEP: "something else is there and would be kept",
    RestoreAction.CREATE: "would be created",
    RestoreAction.SAME: "there already, with the same size, time and mode",
}


__all__ = [
    "PATHS_SHOWN",
    "OnDisk",
    "RestoreAction",
    "RestoreChange",
    "RestoreForm",
    "RestorePlan",
    "RestoreSpace",
    "Tally",
    "diff_item",
    "is_below",
    "normalize_paths",
    "parse_moment",
    "render_restore_plan",
]
