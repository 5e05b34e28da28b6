# SPDX-License-Identifier: GPL-3.0-or-later
"""What is on this disk now, read without following a symbolic link out of the folder in question."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from fleetkeep.borg.items import lossy_name
from fleetkeep.plan.restore import OnDisk

BLOCK_BYTES = 1 << 20

#: So many folders are remembered as real folders; beyond that they are looked at again.
FOLDERS_REMEMBERED = 50_000

_KINDS = {
    stat.S_IFREG: "-",
    stat.S_IFDIR: "d",
    stat.S_IFLNK: "l",
    stat.S_IFIFO: "p",
    stat.S_IFBLK: "b",
    stat.S_IFCHR: "c",
    stat.S_IFSOCK: "s",
}


class DiskView:
    """Answers what is at stored paths below a folder, for paths that come in the order of an archive.

    What is reported as replaced is taken to be a folder from then on, because the restore makes it one.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folders: set[str] = {""}
        self._replaced: set[str] = set()
        self._names_in: str | None = None
        self._names: frozenset[str] = frozenset()

    def look(self, path: str, *, exact: bool = False) -> OnDisk | None:
        """What is at a path; ``None`` for nothing, or where a parent is missing or was replaced.

        Where the path is lossy (it is not ``exact`` and has a ``?``), kind ``?`` says that there is a name which a
        listing shows in the same way.
        """
        certain, uncertain = ("", "") if exact else _split_lossy(path)
        if uncertain:
            now = self.look(f"{certain}/.") if certain else OnDisk(kind="d")
            if now is None or now.blocked_by:
                return now
            return OnDisk(kind="?") if uncertain in self._lossy_names(certain) else None
        parent = path.rpartition("/")[0]
        if parent not in self._folders and (obstacle := self._obstacle(parent)):
            return None if obstacle.kind == "" else obstacle
        return self._status(path)

    def replaced(self, path: str) -> None:
        """Take note that the restore puts a folder here in place of something else."""
        self._replaced.add(path)

    def _obstacle(self, folder: str) -> OnDisk | None:
        """The first parent that is no real folder; of kind ``""`` when below it nothing can be in the way."""
        parts = folder.split("/")
        for length in range(1, len(parts) + 1):
            ancestor = "/".join(parts[:length])
            if ancestor in self._folders:
                continue
            now = self._status(ancestor)
            if now is None or ancestor in self._replaced:
                return OnDisk(kind="")
            if now.kind != "d":
                return OnDisk(kind=now.kind, blocked_by=ancestor)
            if len(self._folders) >= FOLDERS_REMEMBERED:
                self._folders = {""}
            self._folders.add(ancestor)
        return None

    def _lossy_names(self, folder: str) -> frozenset[str]:
        """The names in a folder as a listing shows them; those of the folder that was asked for last are kept."""
        if self._names_in != folder:
            try:
                names = [lossy_name(entry.name) for entry in (self._root / folder).iterdir()]
            except OSError:
                names = []
            self._names_in, self._names = folder, frozenset(names)
        return self._names

    def _status(self, path: str) -> OnDisk | None:
        try:
            place = self._root / path
            status = place.lstat()
            target = str(place.readlink()) if stat.S_ISLNK(status.st_mode) else ""
        except (OSError, ValueError):
            return None
        return OnDisk(
            kind=_KINDS.get(stat.S_IFMT(status.st_mode), "?"),
            mode=stat.S_IMODE(status.st_mode),
            size_bytes=status.st_size,
            modified_us=status.st_mtime_ns // 1000,
            link_target=target,
        )


def _split_lossy(path: str) -> tuple[str, str]:
    """The folders before the first name that may be lossy, and that name.

    >>> _split_lossy("srv/caf?/menu"), _split_lossy("srv/menu")
    (('srv', 'caf?'), ('srv/menu', ''))
    """
    if "?" not in path:
        return path, ""
    parts = path.split("/")
    place = next(index for index, part in enumerate(parts) if "?" in part)
    return "/".join(parts[:place]), parts[place]


def open_file(path: str | Path, folder: int | None = None) -> int:
    """A descriptor of a regular file, for reading; never follows a link at its end, never waits for a fifo.

    Raises ``OSError`` when there is no regular file.
    """
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
    descriptor = os.open(path, flags, dir_fd=folder)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(f"{path} is no regular file")
    return descriptor


def open_beneath(root: Path, path: str) -> int:
    """The same for a stored path below ``root``, following no link at all on the way and never leading upwards.

    Raises ``OSError`` when there is no regular file.
    """
    above, name = split_beneath(path)
    folder = open_folder_beneath(root, above)
    try:
        return open_file(name, folder)
    finally:
        os.close(folder)


def open_folder_beneath(root: Path, path: str) -> int:
    """A descriptor of the folder at a stored path below ``root`` (``""`` for itself), following no link on the way.

    Raises ``OSError`` when there is no folder.
    """
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    for part in path.split("/") if path else ():
        try:
            if part in ("", ".", ".."):
                raise OSError(f"{path!r} is no path below a folder")
            below = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
        finally:
            os.close(folder)
        folder = below
    return folder


def split_beneath(path: str) -> tuple[str, str]:
    """The folders of a stored path, and its last name. Raises ``OSError`` when that is none."""
    above, _, name = path.rpartition("/")
    if name in ("", ".", ".."):
        raise OSError(f"{path!r} is no path below a folder")
    return above, name


def hash_file(descriptor: int, on_block: Callable[[], None] | None = None) -> str:
    """The SHA-256 of the whole content of an open file, in hexadecimal; it is read from its beginning.

    ``on_block`` is called after each ``BLOCK_BYTES``, so that it can raise to stop.
    """
    digest = hashlib.sha256()
    os.lseek(descriptor, 0, os.SEEK_SET)
    with suppress(OSError):
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_SEQUENTIAL)
    while block := os.read(descriptor, BLOCK_BYTES):
        digest.update(block)
        if on_block is not None:
            on_block()
    return digest.hexdigest()


__all__ = ["DiskView", "hash_file", "open_beneath", "open_file", "open_folder_beneath", "split_beneath"]
