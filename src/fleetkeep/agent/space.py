# SPDX-License-Identifier: GPL-3.0-or-later
"""What a restore needs on each file system that it writes to, and what is free there."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

from fleetkeep.plan.restore import RestoreSpace

FOLDERS_REMEMBERED = 10_000


class SpaceTally:
    """Adds up content by the file system that its path below a folder is on; no link is followed."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._needs: dict[int, int] = {}
        self._folders: dict[int, Path] = {}
        self.device = lru_cache(FOLDERS_REMEMBERED)(self._find_device)

    def add(self, place: str, size_bytes: int) -> None:
        """Content that will be written to a path; a negative size is what it frees, which counts for nothing."""
        device = self.device(place.rpartition("/")[0])
        self._needs[device] = self._needs.get(device, 0) + max(0, size_bytes)

    def top(self, place: str) -> Path:
        """The highest folder of the path's file system that is not above the root."""
        device = self.device(place.rpartition("/")[0])
        return self._folders[device]

    def spaces(self) -> tuple[RestoreSpace, ...]:
        """What is needed, by file system."""
        return tuple(
            RestoreSpace(
                folder=str(self._folders[device]), needed_bytes=needed, free_bytes=free_bytes(self._folders[device])
            )
            for device, needed in self._needs.items()
        )

    def _find_device(self, folder: str) -> int:
        place = self._root / folder
        try:
            device = place.lstat().st_dev
        except OSError:
            if folder:
                return int(self.device(folder.rpartition("/")[0]))
            place = nearest_folder(place)
            device = place.stat().st_dev
        if folder and int(self.device(folder.rpartition("/")[0])) == device:
            return device
        self._folders.setdefault(device, place)
        return device


def nearest_folder(place: Path) -> Path:
    """The place itself, or the nearest thing above it that exists."""
    return next(folder for folder in (place, *place.parents) if folder.exists())


def free_bytes(place: Path) -> int | None:
    """What is free where a place is, or will be."""
    try:
        status = os.statvfs(nearest_folder(place))
    except OSError:
        return None
    return status.f_bavail * status.f_frsize


__all__ = ["SpaceTally", "free_bytes", "nearest_folder"]
