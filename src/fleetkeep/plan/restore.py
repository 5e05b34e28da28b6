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
from fleetkeep.model.base import Model, parse_duration

from .words import render_bytes, render_count

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

    CREATE = "create"
    """Nothing is there."""

    SAME = "same"
    """What is there has the same type, size, time and mode; its content is written all the same."""


class RestoreChange(Model):
    """What a restore does to one path."""

    path: str
    """Below the target, without a leading slash."""

    action: RestoreAction
    """What happens."""

    reason: str = ""
    """What differs."""


class RestorePlan(Model):
    """What a restore would do, in counts and paths."""

    archive: str
    """The archive."""

    archive_id: str = ""
    """Its id; empty when nothing was listed."""

    repository: str
    """The repository that holds it."""

    target: str
    """The folder below which the paths are written; ``/`` for the original place."""

    paths: tuple[str, ...] = ()
    """What was asked for, as stored; nothing means all."""

    items: int = 0
    """How many things are written in all."""

    files: int = 0
    """How many of them are regular files."""

    size_bytes: int = 0
    """The size of their content."""

    free_bytes: int | None = None
    """What is free at the target."""

    counts: dict[RestoreAction, int] = {}
    """How many paths get each action; folders that are there already count as the same."""

    changes: tuple[RestoreChange, ...] = ()
    """The paths that do not stay the same; of each action the first few, or all when all were asked for."""

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
        self.items = self.files = self.size_bytes = 0
        self.archive_id = ""
        self.counts: dict[RestoreAction, int] = {}
        self._changes: dict[RestoreAction, list[RestoreChange]] = {action: [] for action in RestoreAction}

    def add(self, item: ArchiveItem, change: RestoreChange) -> None:
        self.items += 1
        self.files += item.kind == "-"
        self.size_bytes += item.size_bytes
        self.archive_id = self.archive_id or item.archive_id
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
    lines = [f"{size}, from {plan.archive} to {show(plan.target)}"]
    for action in RestoreAction:
        if not plan.counts.get(action):
            continue
        lines.append(f"  {_ACTION_WORDS[action]}: {plan.counts[action]:,}")
        shown = [change for change in plan.changes if change.action is action]
        for change in shown:
            lines.append(f"    {show(change.path)}" + (f"  ({show(change.reason)})" if change.reason else ""))
        if action is not RestoreAction.SAME and len(shown) < plan.counts[action]:
            lines.append(f"    and {plan.counts[action] - len(shown):,} more; --json lists all")
    if plan.free_bytes is not None and plan.free_bytes < plan.size_bytes:
        needed, free = render_bytes(plan.size_bytes), render_bytes(plan.free_bytes)
        lines.append(f"  The content is {needed}, but only {free} are free there.")
    return "\n".join(lines)


_ACTION_WORDS = {
    RestoreAction.CONFLICT: "of another type than what is there",
    RestoreAction.OVERWRITE: "would be overwritten",
    RestoreAction.UNCLEAR: "perhaps overwritten (their names cannot be listed exactly)",
    RestoreAction.CREATE: "would be created",
    RestoreAction.SAME: "there already, with the same size, time and mode",
}


__all__ = [
    "PATHS_SHOWN",
    "OnDisk",
    "RestoreAction",
    "RestoreChange",
    "RestorePlan",
    "Tally",
    "diff_item",
    "is_below",
    "normalize_paths",
    "parse_moment",
    "render_restore_plan",
]
