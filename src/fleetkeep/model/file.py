# SPDX-License-Identifier: GPL-3.0-or-later
"""Files as the catalog knows them: a path, what it was, and in which archives.

Paths and names are text in which a byte that is no UTF-8 stands as a lone surrogate (``surrogateescape``, as in
``os.fsdecode``), so that every name there is has exactly one form.
"""

from __future__ import annotations

import stat
from datetime import datetime, timedelta, timezone
from enum import Enum

from .base import Model, Name

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


class IndexState(str, Enum):
    """How far the items of an archive are in the catalog."""

    BUILDING = "building"
    COMPLETE = "complete"


class FileStatus(Model):
    """What a path is: the part of ``stat`` that an archive keeps."""

    mode: int
    """As in `st_mode`: the type and the permission bits."""

    uid: int
    """The owner's number; -1 where the archive has none."""

    gid: int
    """The group's number; -1 where the archive has none."""

    owner: str = ""
    """The owner's name, where the archive has it."""

    group: str = ""
    """The group's name, where the archive has it."""

    size: int
    """Bytes of content; 0 for what has none, and for a further name of a hard link."""

    modified_us: int
    """When the content changed: microseconds since 1970 in UTC."""

    changed_us: int
    """When the inode changed, which a copied or moved file cannot hide: microseconds since 1970 in UTC."""

    target: str = ""
    """Where a symbolic link points; of a further name of a hard link, the path of the first."""

    @property
    def is_folder(self) -> bool:
        return stat.S_ISDIR(self.mode)

    @property
    def is_file(self) -> bool:
        """Whether it is a regular file, under its first or a further name."""
        return stat.S_ISREG(self.mode)

    @property
    def modified_at(self) -> datetime:
        return _EPOCH + timedelta(microseconds=self.modified_us)

    @property
    def changed_at(self) -> datetime:
        return _EPOCH + timedelta(microseconds=self.changed_us)


class FileEntry(Model):
    """One path at one point."""

    path: str
    """As stored: without a leading slash."""

    status: FileStatus | None = None
    """What it is; none for a folder above the sources, which the archive does not hold itself."""

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]


class FileVersion(Model):
    """What a path was in a range of archives of one job in one repository."""

    client: str
    job: Name
    repository: Name
    path: str
    """As stored: without a leading slash."""

    status: FileStatus
    """What it was."""

    first_archive: str
    """The name of the oldest archive that exists and has it so."""

    last_archive: str
    """The name of the newest archive that exists and has it so."""

    first_seen_at: datetime
    """When the oldest of these archives began."""

    last_seen_at: datetime
    """When the newest of these archives began."""

    archives: int
    """How many archives that exist have it so."""

    is_present: bool
    """Whether the newest archive of the line still has it so."""


__all__ = ["FileEntry", "FileStatus", "FileVersion", "IndexState"]
