# SPDX-License-Identifier: GPL-3.0-or-later
"""Files as the catalog knows them: a path, what it was, and in which archives.

Paths and names are text in which a byte that is no UTF-8 stands as a lone surrogate (``surrogateescape``, as in
``os.fsdecode``), so that every name there is has exactly one form.
"""

from __future__ import annotations

import re
import stat
from datetime import datetime, timedelta, timezone
from enum import Enum

from pydantic import AwareDatetime, Field

from .base import Model, Name

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


class IndexState(str, Enum):
    """How far the items of an archive are in the catalog."""

    BUILDING = "building"
    COMPLETE = "complete"


class FileType(str, Enum):
    """What kind of thing a path is."""

    FILE = "file"
    FOLDER = "folder"
    LINK = "link"
    OTHER = "other"
    """A device, a fifo or a socket."""


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
    def type(self) -> FileType:
        """What kind of thing it is."""
        kinds = {stat.S_IFREG: FileType.FILE, stat.S_IFDIR: FileType.FOLDER, stat.S_IFLNK: FileType.LINK}
        return kinds.get(stat.S_IFMT(self.mode), FileType.OTHER)

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


class FileState(Model):
    """What a path was in a range of runs of one job, in whichever of its repositories hold it."""

    client: str
    """The client whose file it is."""

    job: Name
    """The job that backed it up."""

    path: str
    """As stored: without a leading slash."""

    status: FileStatus
    """What it was."""

    repositories: tuple[Name, ...]
    """The repositories that hold it so."""

    first_archive: str
    """The name of the oldest archive that exists and has it so."""

    last_archive: str
    """The name of the newest archive that exists and has it so."""

    first_seen_at: datetime
    """When the oldest of these archives began."""

    last_seen_at: datetime
    """When the newest of these archives began."""

    archives: int
    """How many archives that exist have it so, in the repository that has most of them."""

    is_present: bool
    """Whether the newest archive of a repository still has it so."""


class FileHit(Model):
    """A path that a search found."""

    client: str
    """The client whose file it is."""

    path: str
    """As stored: without a leading slash."""

    newest: FileState
    """The newest of what it was, of all that the search asked for."""

    states: int
    """How many different ones there are, of all that the search asked for."""


class PatternKind(str, Enum):
    """How a pattern is meant."""

    SUBSTRING = "substring"
    """A part of the name. With a slash it is a part of the path that reaches into the name: `ssh/key` finds
    `/etc/ssh/key.pub`, and `/etc/ssh` finds `/etc/ssh_config` but not `/srv/etc/ssh`."""

    GLOB = "glob"
    """As shells have it: the whole name, or with a slash the whole path. `*` stays within a folder, `**` is any number
    of folders, and a path without a leading slash may begin in any folder."""

    EXACT = "exact"
    """The whole name, or with a slash the whole path, letter by letter."""


class FileQuery(Model):
    """What a search of files is for; everything that is asked for must hold."""

    pattern: str = ""
    """What the name is like; empty for any name."""

    kind: PatternKind | None = None
    """How the pattern is meant; none: a glob when it has `*`, `?` or `[...]`, and a substring otherwise."""

    match_case: bool = False
    """Whether `A` differs from `a`; in an exact pattern it always does."""

    types: tuple[FileType, ...] = ()
    """Which kinds of things; none means all."""

    smallest_bytes: int | None = Field(default=None, ge=0)
    """The size is at least this."""

    largest_bytes: int | None = Field(default=None, ge=0)
    """The size is at most this."""

    modified_after: AwareDatetime | None = None
    """The content changed at this moment or later."""

    modified_before: AwareDatetime | None = None
    """The content changed before this moment."""

    changed_after: AwareDatetime | None = None
    """The inode changed at this moment or later."""

    changed_before: AwareDatetime | None = None
    """The inode changed before this moment."""

    at: AwareDatetime | None = None
    """Only what the newest good archive that had begun by this moment holds; none means all archives."""

    archive: str | None = None
    """Only what the archives of this name hold; none means all archives."""

    client: str | None = None
    """Only files of this client."""

    job: str | None = None
    """Only files of this job."""

    repository: str | None = None
    """Only what this repository holds."""

    limit: int | None = Field(default=None, ge=1)
    """At most so many paths; none means all."""

    @property
    def meaning(self) -> PatternKind:
        """How the pattern is meant."""
        if self.kind is not None:
            return self.kind
        return PatternKind.GLOB if _GLOB.search(self.pattern) else PatternKind.SUBSTRING


class FileChange(Model):
    """One path that differs between two points."""

    path: str
    """As stored: without a leading slash."""

    before: FileStatus | None = None
    """What it was; none where it was added."""

    after: FileStatus | None = None
    """What it became; none where it was removed."""


class FolderChanges(Model):
    """How much changed below a folder."""

    path: str
    """The folder, as stored; empty for all there is."""

    added: int = 0
    """How many paths came."""

    removed: int = 0
    """How many paths went."""

    changed: int = 0
    """How many paths became something else."""

    added_bytes: int = 0
    """The size of those that came."""

    removed_bytes: int = 0
    """The size that those had that went."""

    changed_bytes: int = 0
    """The size that those have now that became something else."""

    grown_bytes: int = 0
    """How much more there is now; less than 0: how much less."""


class PointDiff(Model):
    """How two points differ."""

    total: FolderChanges
    """In all."""

    folders: tuple[FolderChanges, ...]
    """By folder, in the order of their paths; only those in which something differs."""


class IndexCoverage(Model):
    """How many archives the file catalog covers."""

    archives: int
    """How many archives exist."""

    indexed: int
    """Of how many of them the files are known."""


_GLOB = re.compile(r"[*?]|\[[!^]?[^/][^/\]]*\]")


__all__ = [
    "FileChange",
    "FileEntry",
    "FileHit",
    "FileQuery",
    "FileState",
    "FileStatus",
    "FileType",
    "FileVersion",
    "FolderChanges",
    "IndexCoverage",
    "IndexState",
    "PatternKind",
    "PointDiff",
]
