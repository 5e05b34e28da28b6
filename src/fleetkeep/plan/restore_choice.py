# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of each item of a restore: written, put beside what is there, or left alone; decided before a write."""

from __future__ import annotations

import hashlib
import os
from dataclasses import asdict, dataclass, replace
from typing import Any

from fleetkeep.borg.items import ArchiveItem
from fleetkeep.model import OnConflict

from .restore import TIME_TOLERANCE_US, OnDisk, RestoreAction, RestoreChange, diff_item

#: The most bytes of a name that Linux's file systems take.
NAME_BYTES = 255

_ENDANGERING = (RestoreAction.CONFLICT, RestoreAction.OVERWRITE, RestoreAction.UNCLEAR)


@dataclass(frozen=True)
class Choice:
    """What a restore does with one item."""

    item: ArchiveItem
    """The item."""

    place: str
    """Its path below the target: the stored one without its stripped folders."""

    action: RestoreAction
    """What happens to the path."""

    reason: str = ""
    """What differs from what is there."""

    is_written: bool = True
    """Whether the archive's version is written at all."""

    unit: str = ""
    """Of what is put beside: the path that gets another name; the item itself, or a folder above it."""

    is_done: bool = False
    """Whether an interrupted restore has written it already."""

    @property
    def change(self) -> RestoreChange:
        return RestoreChange(path=self.place, action=self.action, reason=self.reason)

    def to_record(self) -> dict[str, Any]:
        """The choice as plain values, for ``from_record``."""
        item = {key: value for key, value in asdict(self.item).items() if key not in ("archive_id", "changed_us")}
        record = {"item": item, "place": self.place, "action": self.action.value, "reason": self.reason}
        return {**record, "is_written": self.is_written, "unit": self.unit}

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> Choice:
        """The choice that ``to_record`` gave."""
        item, action = ArchiveItem(**record["item"]), RestoreAction(record["action"])
        return cls(**{**record, "item": item, "action": action})


def choose(item: ArchiveItem, place: str, now: OnDisk | None, policy: OnConflict) -> Choice:
    """What becomes of an item whose path below the target is ``place``, where ``now`` is there."""
    change = diff_item(replace(item, path=place), now)
    choice = Choice(item=item, place=place, action=change.action, reason=change.reason)
    if policy is OnConflict.OVERWRITE or change.action is RestoreAction.CREATE:
        return choice
    if change.action not in _ENDANGERING:
        return replace(choice, is_written=False)
    if policy is OnConflict.NEWER and now is not None and _is_newer(item, change.action, now):
        return choice
    if policy is OnConflict.RENAME and change.action is not RestoreAction.UNCLEAR:
        unit = now.blocked_by if now is not None and now.blocked_by else place
        return replace(choice, action=RestoreAction.RENAME, unit=unit)
    return replace(choice, action=RestoreAction.KEEP, is_written=False)


def is_restored(choice: Choice, now: OnDisk | None) -> bool:
    """Whether an interrupted restore has written an item completely: Borg sets the time of a file last."""
    if not choice.is_written or not choice.item.is_file:
        return False
    return diff_item(replace(choice.item, path=choice.place), now).action is RestoreAction.SAME


def strip_path(path: str, components: int) -> str:
    """A stored path without its leading folders; empty when nothing is left.

    >>> strip_path("srv/www/index.html", 2), strip_path("srv/www", 2)
    ('index.html', '')
    """
    return path.split(os.sep, components)[components] if path.count(os.sep) >= components else ""


def beside_name(name: str, suffix: str) -> str:
    """The name under which something is put beside what has its own; one that gets too long is cut, recognisably.

    >>> beside_name("hosts", ".restored-20261125T041500Z")
    'hosts.restored-20261125T041500Z'
    """
    whole = os.fsencode(name)
    if len(whole) + len(suffix) <= NAME_BYTES:
        return name + suffix
    mark = "~" + hashlib.sha256(whole).hexdigest()[:8]
    cut = whole[: NAME_BYTES - len(suffix) - len(mark)]
    while not name.startswith(os.fsdecode(cut)):
        cut = cut[:-1]  # the middle of a letter
    return os.fsdecode(cut) + mark + suffix


class CollisionWatch:
    """Notices when two items of an archive get the same path because their leading folders are taken off.

    Folders may meet, everything else may not. It keeps a number for each path.
    """

    def __init__(self) -> None:
        self._folders: set[int] = set()
        self._others: set[int] = set()

    def collides(self, place: str, *, is_folder: bool) -> bool:
        """Whether the path cannot be written beside what was noted before; notes it."""
        above = place.rpartition(os.sep)[0]
        while above:
            if hash(above) in self._others:
                return True
            self._folders.add(hash(above))
            above = above.rpartition(os.sep)[0]
        number = hash(place)
        if number in self._others or (not is_folder and number in self._folders):
            return True
        (self._folders if is_folder else self._others).add(number)
        return False


def _is_newer(item: ArchiveItem, action: RestoreAction, now: OnDisk) -> bool:
    """Whether the archive has the newer version of the same thing; things of different types are no versions."""
    return action is RestoreAction.OVERWRITE and item.modified_us > now.modified_us + TIME_TOLERANCE_US


__all__ = ["NAME_BYTES", "Choice", "CollisionWatch", "beside_name", "choose", "is_restored", "strip_path"]
