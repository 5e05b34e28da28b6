# SPDX-License-Identifier: GPL-3.0-or-later
"""What is mounted on this host, as each mount says of itself and as the kernel knows it."""

from __future__ import annotations

import hashlib
import os
import re
from datetime import timedelta
from enum import Enum
from pathlib import Path

from pydantic import AwareDatetime, ValidationError

from fleetkeep.clock import Clock
from fleetkeep.model.base import Model

from .files import remove_file, write_file
from .lock import holder_of
from .paths import Paths

#: What the kernel calls a file system of Borg.
BORG_SOURCE = b"borgfs"

#: So long it can be read why a mount ended.
REMEMBERED = timedelta(days=1)

_MOUNTS = Path("/proc/self/mountinfo")
_ESCAPED = re.compile(rb"\\([0-7]{3})")


class MountState(str, Enum):
    """How it stands with a mount."""

    MOUNTED = "mounted"
    """It is there, and its keeper watches over it."""

    LEFT = "left"
    """Its keeper was killed; the repository may be held until it is unmounted."""

    ENDED = "ended"
    """It is unmounted."""


class Mount(Model):
    """An archive, or all archives of a repository, shown as a folder."""

    mountpoint: str
    """The folder."""

    repository: str
    """The repository."""

    archive: str | None = None
    """The archive; none for all of the repository."""

    process: int
    """The process that keeps it."""

    began_at: AwareDatetime
    """Since when it is there."""

    ends_at: AwareDatetime
    """When it unmounts by itself."""

    state: MountState = MountState.MOUNTED
    """How it stands."""

    reason: str = ""
    """Why it ended."""

    @property
    def what(self) -> str:
        """What it shows, in words."""
        return f"archive {self.archive}" if self.archive else f"all archives of repository {self.repository}"


def remember(paths: Paths, mount: Mount) -> None:
    """Write down how it stands with a mount."""
    write_file(_record(paths, mount.mountpoint), mount.model_dump_json())


def keeper_lock(paths: Paths, mountpoint: str) -> Path:
    """Held by the process that keeps a mount."""
    return paths.lock(f"mount-{_digest(mountpoint)}")


def list_mounts(paths: Paths, clock: Clock) -> list[Mount]:
    """The mounts of this host, the oldest first, with those that ended within the last day."""
    mounts = [mount for file in sorted(paths.mounts.glob("*.json")) if (mount := _look_up(paths, file))]
    for mount in mounts:
        if mount.state is MountState.ENDED and clock.now() - max(mount.began_at, mount.ends_at) > REMEMBERED:
            remove_file(_record(paths, mount.mountpoint))
    return sorted(mounts, key=lambda mount: mount.began_at)


def find_mount(paths: Paths, mountpoint: str) -> Mount | None:
    """What is known of the mount at a folder."""
    return _look_up(paths, _record(paths, mountpoint))


def is_borg_mount(mountpoint: str) -> bool:
    """Whether the kernel has a file system of Borg there; asks nothing of that file system, which may be dead."""
    wanted = os.fsencode(mountpoint)
    for line in _MOUNTS.read_bytes().splitlines():
        before, _, after = line.partition(b" - ")
        if _plain(before.split(b" ")[4]) == wanted and after.split(b" ")[1] == BORG_SOURCE:
            return True
    return False


def _look_up(paths: Paths, file: Path) -> Mount | None:
    try:
        mount = Mount.model_validate_json(file.read_bytes())
    except (FileNotFoundError, ValidationError):
        return None
    if mount.state is MountState.ENDED or holder_of(keeper_lock(paths, mount.mountpoint)) is not None:
        return mount
    if is_borg_mount(mount.mountpoint):
        return mount.model_copy(update={"state": MountState.LEFT})
    return mount.model_copy(update={"state": MountState.ENDED, "reason": "its keeper was killed"})


def _record(paths: Paths, mountpoint: str) -> Path:
    return paths.mounts / f"{_digest(mountpoint)}.json"


def _digest(mountpoint: str) -> str:
    return hashlib.sha256(os.fsencode(mountpoint)).hexdigest()[:16]


def _plain(field: bytes) -> bytes:
    return _ESCAPED.sub(lambda match: bytes([int(match[1], 8)]), field)


__all__ = [
    "Mount",
    "MountState",
    "find_mount",
    "is_borg_mount",
    "keeper_lock",
    "list_mounts",
    "remember",
]
