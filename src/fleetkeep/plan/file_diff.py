# SPDX-License-Identifier: GPL-3.0-or-later
"""What counts as a change between two points, and how changes add up by folder."""

from __future__ import annotations

from collections.abc import Iterable

from fleetkeep.model import FileChange, FileStatus, FolderChanges, PointDiff

#: What may differ in a status, in the order in which a person wants to know it.
_WORDS = {
    "type": "type",
    "size": "size",
    "modified_us": "modified",
    "target": "target",
    "permissions": "mode",
    "ownership": "owner",
    "changed_us": "inode",
}


def diff_status(before: FileStatus | None, after: FileStatus | None) -> tuple[str, ...]:
    """In what two statuses differ, in words; nothing when it is no change.

    The times of a folder do not count: they say that something in it changed, which is told for itself. A new time of
    the inode goes with every other change and is told only where it is all that there is: that is what is left of a
    change that was covered up.
    """
    if before is None or after is None:
        return () if before is after else ("removed" if after is None else "added",)
    old, new = _facts(before), _facts(after)
    if before.is_folder and after.is_folder:
        for name in ("size", "modified_us", "changed_us"):
            old[name] = new[name] = None
    different = [word for name, word in _WORDS.items() if old[name] != new[name]]
    return tuple(word for word in different if word != "inode") or tuple(different)


def roll_up(changes: Iterable[FileChange], path: str = "", depth: int = 1) -> PointDiff:
    """Changes added up by folder, down to ``depth`` folders below ``path``; what lies deeper counts in the last.

    >>> at = FileStatus(mode=0o100644, uid=0, gid=0, size=7, modified_us=0, changed_us=0)
    >>> diff = roll_up([FileChange(path="etc/ssh/key", after=at), FileChange(path="etc/motd", before=at)])
    >>> [(each.path, each.added, each.removed, each.grown_bytes) for each in diff.folders]
    [('etc', 1, 1, 0)]
    """
    tallies: dict[str, dict[str, int]] = {}
    total: dict[str, int] = {}
    for change in changes:
        numbers = _numbers(change)
        folder = _folder_at(change.path, path, depth)
        for tally in (total, tallies.setdefault(folder, {})):
            for name, number in numbers.items():
                tally[name] = tally.get(name, 0) + number
    folders = sorted(tallies, key=lambda folder: folder.split("/") if folder else [])
    return PointDiff(
        total=FolderChanges(path=path, **total),
        folders=tuple(FolderChanges(path=folder, **tallies[folder]) for folder in folders),
    )


def _facts(status: FileStatus) -> dict[str, object]:
    return {
        "type": status.mode & 0o170000,
        "size": status.size,
        "modified_us": status.modified_us,
        "target": status.target,
        "permissions": status.mode & 0o7777,
        "ownership": (status.uid, status.gid, status.owner, status.group),
        "changed_us": status.changed_us,
    }


def _folder_at(path: str, start: str, depth: int) -> str:
    """The folder in which a change counts."""
    folder = path.rpartition("/")[0]
    if path == start or len(folder) < len(start):
        return start
    below = folder[len(start) :].strip("/")
    names = below.split("/")[:depth] if below else []
    return "/".join(([start] if start else []) + names)


def _numbers(change: FileChange) -> dict[str, int]:
    old = change.before.size if change.before else 0
    new = change.after.size if change.after else 0
    if change.before is None:
        return {"added": 1, "added_bytes": new, "grown_bytes": new}
    if change.after is None:
        return {"removed": 1, "removed_bytes": old, "grown_bytes": -old}
    return {"changed": 1, "changed_bytes": new, "grown_bytes": new - old}


__all__ = ["diff_status", "roll_up"]
