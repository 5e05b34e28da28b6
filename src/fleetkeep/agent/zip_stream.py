# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the members of a tar stream as a zip stream, with Unix modes, exact times and symbolic links.

Source: APPNOTE.TXT 6.3.10, and the Info-ZIP extra fields "UT" (times) and "ux" (owners).
"""

from __future__ import annotations

import hashlib
import stat
import struct
import tarfile
import zipfile
from datetime import datetime, timezone
from os.path import relpath
from typing import IO, Any

BLOCK_BYTES = 1 << 20

_FOLDER_ATTRIBUTE = 0x10
_EARLIEST = (1980, 1, 1, 0, 0, 0)
_LATEST_YEAR = 2107
_MOST_UNIX_SECONDS = (1 << 31) - 1


class ZipWriter:
    """A zip in the making; ``output`` need not be seekable."""

    def __init__(self, output: Any) -> None:
        self._zip = zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED, allowZip64=True)

    def __enter__(self) -> ZipWriter:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self._zip.close()
        else:
            self._zip.fp = None  # nothing more is written into what is no good

    def add(self, member: tarfile.TarInfo, content: IO[bytes] | None) -> tuple[str, str]:
        """Add a member; gives the SHA-256 of a regular file, and what zip cannot hold of it."""
        if ".." in member.name.split("/") or member.name.startswith("/"):
            return "", "it leads upwards, so it is left out"
        name, trouble = _name_of(member.name)
        if member.isdir():
            self._zip.writestr(_entry(member, name + "/", stat.S_IFDIR | member.mode), b"")
        elif member.issym():
            self._link(member, name, member.linkname)
        elif member.islnk():
            self._link(member, name, relpath(member.linkname, member.name.rpartition("/")[0] or "."))
            trouble = trouble or "a further name of a file, which zip holds as a symbolic link to the first"
        elif content is not None:
            return self._file(member, name, content), trouble
        else:
            return "", "zip has no entries for devices and fifos, so it is left out"
        return "", trouble

    def _file(self, member: tarfile.TarInfo, name: str, content: IO[bytes]) -> str:
        entry, digest = _entry(member, name, stat.S_IFREG | member.mode), hashlib.sha256()
        entry.file_size = member.size
        with self._zip.open(entry, "w") as file:
            while block := content.read(BLOCK_BYTES):
                digest.update(block)
                file.write(block)
        return digest.hexdigest()

    def _link(self, member: tarfile.TarInfo, name: str, target: str) -> None:
        entry = _entry(member, name, stat.S_IFLNK | 0o777)
        self._zip.writestr(entry, target.encode("utf-8", errors="surrogateescape"))


def _entry(member: tarfile.TarInfo, name: str, mode: int) -> zipfile.ZipInfo:
    seconds = int(member.mtime)
    when = datetime.fromtimestamp(max(0, seconds), timezone.utc)
    entry = zipfile.ZipInfo(name, max(_EARLIEST, when.timetuple()[:6]) if when.year <= _LATEST_YEAR else _EARLIEST)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.create_system = 3
    entry.external_attr = (mode << 16) | (_FOLDER_ATTRIBUTE if stat.S_ISDIR(mode) else 0)
    owners = struct.pack("<BBIBI", 1, 4, member.uid & 0xFFFFFFFF, 4, member.gid & 0xFFFFFFFF)
    entry.extra = b"ux" + struct.pack("<H", len(owners)) + owners
    if 0 <= seconds <= _MOST_UNIX_SECONDS:
        entry.extra += b"UT" + struct.pack("<HBi", 5, 1, seconds)
    return entry


def _name_of(path: str) -> tuple[str, str]:
    r"""A name that zip can hold, and what is wrong when it is not the real one.

    >>> _name_of("caf\udce9")
    ('caf\\xe9', 'its name is no UTF-8, so zip holds it with escapes')
    """
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        escaped = path.encode("utf-8", errors="surrogateescape").decode("utf-8", errors="backslashreplace")
        return escaped, "its name is no UTF-8, so zip holds it with escapes"
    return path, ""


__all__ = ["ZipWriter"]
