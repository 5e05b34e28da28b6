# SPDX-License-Identifier: GPL-3.0-or-later
"""What live files say against what was recorded of an archive: what changed since, and what should make one suspicious.

A program that exchanges a file can set its size and its time of modification back, but not the time of its inode.
"""

from __future__ import annotations

import stat
from collections.abc import Callable, Sequence
from enum import Enum

from fleetkeep.model import FileStatus
from fleetkeep.model.base import Model

from .words import render_count

#: Recorded times are rounded to microseconds, in one direction or the other.
TOLERANCE_US = 1

_ARMED = stat.S_ISUID | stat.S_ISGID
_TYPES = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "folder",
    stat.S_IFLNK: "link",
    stat.S_IFIFO: "fifo",
    stat.S_IFBLK: "device",
    stat.S_IFCHR: "device",
}


class LiveKind(str, Enum):
    """What became of a path; what a person should look at first comes first."""

    SUSPICIOUS = "suspicious"
    """It runs with rights that it had not, or was touched under the same size and time."""

    CHANGED = "changed"
    REMOVED = "removed"
    ADDED = "added"


_KINDS = list(LiveKind)


class LiveFinding(Model):
    """One path that is not as it was recorded."""

    path: str
    """As stored: without a leading slash, and harmless to print."""

    kind: LiveKind
    """What became of it."""

    aspects: tuple[str, ...] = ()
    """In what it differs: `set-user-id`, `owner`, `mode`, `touched`, `type`, `size`, `modified`, `target`."""

    @property
    def rank(self) -> tuple[int, bool, str]:
        """Its place: rights and owners before content."""
        rights = {"set-user-id", "owner", "mode"} & set(self.aspects)
        return _KINDS.index(self.kind), not rights, self.path


class LiveReport(Model):
    """What changed since an archive."""

    archive: str
    """The archive that was compared with."""

    compared: int = 0
    """How many paths were compared."""

    counts: dict[LiveKind, int] = {}
    """How many findings of each kind there are."""

    findings: tuple[LiveFinding, ...] = ()
    """The findings, those that matter most first; at most 10,000."""

    touched_same: int = 0
    """How many were touched, but have the content of the archive: looked at with `--content`."""

    unreadable: int = 0
    """How many paths could not be looked at."""


def diff_live(recorded: FileStatus, live: FileStatus | None) -> tuple[LiveKind, tuple[str, ...]] | None:
    """What became of a path; ``None`` when it is as it was.

    >>> at = FileStatus(mode=0o100755, uid=0, gid=0, size=7, modified_us=9, changed_us=9)
    >>> diff_live(at, at.model_copy(update={"changed_us": 90}))
    (<LiveKind.SUSPICIOUS: 'suspicious'>, ('touched',))
    """
    if live is None:
        return LiveKind.REMOVED, ()
    if stat.S_IFMT(recorded.mode) != stat.S_IFMT(live.mode):
        words = f"{_type(recorded)} became {_type(live)}"
        return (LiveKind.SUSPICIOUS if live.mode & _ARMED and live.is_file else LiveKind.CHANGED), ("type", words)
    rights = _rights(recorded, live)
    content = _content(recorded, live)
    if "set-user-id" in rights:
        return LiveKind.SUSPICIOUS, (*rights, *content)
    if not rights and not content:
        return (LiveKind.SUSPICIOUS, ("touched",)) if _is_touched(recorded, live) else None
    return LiveKind.CHANGED, (*rights, *content)


def judge_added(live: FileStatus) -> tuple[LiveKind, tuple[str, ...]]:
    """What a path that was not there is: a program that runs with the rights of another is suspicious."""
    if live.is_file and live.mode & _ARMED:
        return LiveKind.SUSPICIOUS, ("added", "set-user-id")
    return LiveKind.ADDED, ()


def _rights(recorded: FileStatus, live: FileStatus) -> tuple[str, ...]:
    if stat.S_ISLNK(live.mode):
        return ("owner",) if _owner_differs(recorded, live) else ()
    words = []
    if live.is_file and live.mode & _ARMED & ~recorded.mode:
        words.append("set-user-id")
    if _owner_differs(recorded, live):
        words.append("owner")
    if stat.S_IMODE(recorded.mode) != stat.S_IMODE(live.mode):
        words.append("mode")
    return tuple(words)


def _owner_differs(recorded: FileStatus, live: FileStatus) -> bool:
    pairs = ((recorded.uid, live.uid), (recorded.gid, live.gid))
    return any(before not in (-1, now) for before, now in pairs)


def _content(recorded: FileStatus, live: FileStatus) -> tuple[str, ...]:
    if recorded.is_folder:
        return ()
    if stat.S_ISLNK(recorded.mode):
        return ("target",) if recorded.target != live.target else ()
    is_hard_link = bool(recorded.target)  # its size is told under its first name
    words = ["size"] if recorded.is_file and not is_hard_link and recorded.size != live.size else []
    if abs(recorded.modified_us - live.modified_us) > TOLERANCE_US:
        words.append("modified")
    return tuple(words)


def _is_touched(recorded: FileStatus, live: FileStatus) -> bool:
    return live.is_file and recorded.changed_us > 0 and live.changed_us > recorded.changed_us + TOLERANCE_US


def _type(status: FileStatus) -> str:
    return _TYPES.get(stat.S_IFMT(status.mode), "socket")


def is_unchanged(recorded: FileStatus, live: FileStatus | None) -> bool:
    """Whether a regular file has the size and time of modification that were recorded, so that its content must be the
    same; when its inode changed does not matter."""
    return (
        live is not None
        and live.is_file
        and recorded.size == live.size
        and abs(recorded.modified_us - live.modified_us) <= TOLERANCE_US
    )


def render_live(report: LiveReport, show: Callable[[str], str] = str, most: int = 50) -> str:
    """A report as text for people; ``show`` makes a path safe to print."""
    counted = ", ".join(f"{report.counts[kind]:,} {kind.value}" for kind in LiveKind if report.counts.get(kind))
    lines = [
        f"{render_count(report.compared, 'path')} compared with {show(report.archive)}: {counted or 'nothing changed'}"
    ]
    for finding in report.findings[:most]:
        aspects = f" ({', '.join(finding.aspects)})" if finding.aspects else ""
        lines.append(f"  {finding.kind.value:<10} /{show(finding.path)}{aspects}")
    rest = sum(report.counts.values()) - most
    if rest > 0:
        lines.append(f"  and {rest:,} more; --json lists up to 10,000")
    if report.touched_same:
        lines.append(f"  {render_count(report.touched_same, 'file')} touched, but with the content of the archive")
    if report.unreadable:
        lines.append(f"  {render_count(report.unreadable, 'path')} could not be looked at")
    return "\n".join(lines)


def named_spot(differing: Sequence[str]) -> str:
    """What is wrong when unchanged files differ in content.

    >>> named_spot(["etc/hosts"])
    '1 file (etc/hosts) differs from the archive, though size and time are the same: it went bad here or there.'
    """
    rest = " and more" if len(differing) > 3 else ""
    named = f"{render_count(len(differing), 'file')} ({', '.join(differing[:3])}{rest})"
    verb, pronoun = ("differs", "it") if len(differing) == 1 else ("differ", "they")
    return f"{named} {verb} from the archive, though size and time are the same: {pronoun} went bad here or there."


def sort_findings(findings: Sequence[LiveFinding]) -> list[LiveFinding]:
    """What a person should look at first comes first."""
    return sorted(findings, key=lambda finding: finding.rank)


__all__ = [
    "LiveFinding",
    "LiveKind",
    "LiveReport",
    "diff_live",
    "is_unchanged",
    "judge_added",
    "named_spot",
    "render_live",
    "sort_findings",
]
