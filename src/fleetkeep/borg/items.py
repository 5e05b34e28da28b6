# SPDX-License-Identifier: GPL-3.0-or-later
"""One line of a listing of an archive, as an item: exact, as ``inside_borg`` tells it, or as ``borg list`` prints it.

What ``borg list --json-lines`` prints is lossy: every byte of a name that is no UTF-8 becomes ``?``, so that two names
can become one, and the printed name finds neither. Such items are marked, never guessed.
"""

from __future__ import annotations

import json
import stat
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

#: What must be asked of ``borg list``; type, mode, path, source and healthy come in any case.
ITEM_KEYS = ("archiveid", "size", "isomtime", "isoctime")

#: Borg prints times as the local time without its zone; under this one they are UTC.
LISTING_TIMEZONE = "UTC"

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MICROSECOND = timedelta(microseconds=1)
_SPECIAL_BITS = ((3, "sS", stat.S_ISUID), (6, "sS", stat.S_ISGID), (9, "tT", stat.S_ISVTX))


_KINDS = {
    stat.S_IFREG: "-",
    stat.S_IFDIR: "d",
    stat.S_IFLNK: "l",
    stat.S_IFIFO: "p",
    stat.S_IFBLK: "b",
    stat.S_IFCHR: "c",
    stat.S_IFSOCK: "s",
}
_TYPE_BITS = {letter: bits for bits, letter in _KINDS.items()}


@dataclass(frozen=True)
class ArchiveItem:
    """One thing in an archive."""

    path: str
    """As stored, without a leading slash. A byte that is no UTF-8 is a lone surrogate where the item is exact, and
    ``?`` elsewhere."""

    kind: str
    """``-`` file, ``d`` directory, ``l`` symbolic link, ``p`` fifo, ``b`` and ``c`` devices, as ``ls`` writes them."""

    mode: int
    """The permission bits, with set-user-id, set-group-id and sticky."""

    size_bytes: int = 0
    """The size of its content; 0 for a further name of a hard link."""

    modified_us: int = 0
    """When its content changed: microseconds since 1970 in UTC."""

    changed_us: int = 0
    """When its inode changed, which a copied or moved file cannot hide: microseconds since 1970 in UTC."""

    link_target: str = ""
    """Where a symbolic link points; of a further name of a hard link, the path of the first."""

    healthy: bool = True
    """False when a repair put zeros in the place of lost content."""

    archive_id: str = ""
    """Borg's id of the archive that the item is in."""

    uid: int = -1
    """The owner's number; -1 for none."""

    gid: int = -1
    """The group's number; -1 for none."""

    owner: str = ""
    """The owner's name; empty for none."""

    group: str = ""
    """The group's name; empty for none."""

    is_exact: bool = False
    """Whether path and target are certainly the real ones, byte by byte."""

    first_name: str = ""
    """The path at which the archive holds the content, where that is one that was not asked for."""

    @property
    def is_file(self) -> bool:
        """Whether it is a regular file with content of its own (a further name of a hard link is none)."""
        return self.kind == "-" and not self.link_target

    @property
    def is_hard_link(self) -> bool:
        """Whether it is a further name of a file that the archive holds under another."""
        return self.kind != "l" and bool(self.link_target)

    @property
    def is_faithful(self) -> bool:
        """Whether the path is certainly the real one."""
        return self.is_exact or "?" not in self.path

    @property
    def status_mode(self) -> int:
        """Type and permission bits, as in ``st_mode``."""
        return _TYPE_BITS.get(self.kind, 0) | self.mode


def parse_exact_item(line: bytes | str) -> ArchiveItem:
    """The item of one line of ``inside_borg``.

    >>> item = parse_exact_item('["=","bin/su",35309,0,0,"root","root",7,1000000,2000000,"",true,"a1",""]')
    >>> item.path, item.kind, oct(item.mode), item.size_bytes, item.is_exact
    ('bin/su', '-', '0o4755', 7, True)

    Raises ``ValueError`` when the line is not an item.
    """
    try:
        mark, path, mode, uid, gid, owner, group, size, modified, changed, target, healthy, *ids = json.loads(line)
        archive, first_name = ids
        if mark != "=":
            raise ValueError(f"it begins with {mark!r}")
        return ArchiveItem(
            path=path,
            kind=_KINDS.get(stat.S_IFMT(mode), "?"),
            mode=stat.S_IMODE(mode),
            size_bytes=int(size),
            modified_us=int(modified),
            changed_us=int(changed),
            link_target=target,
            healthy=bool(healthy),
            archive_id=archive,
            uid=int(uid),
            gid=int(gid),
            owner=owner,
            group=group,
            is_exact=True,
            first_name=first_name,
        )
    except (TypeError, ValueError) as error:
        raise ValueError(f"this is no item of an archive: {error}") from None


def parse_item(line: bytes | str) -> ArchiveItem:
    """The item of one line of ``borg list --json-lines``.

    >>> item = parse_item('{"type": "-", "mode": "-rwsr-xr-x", "path": "bin/su", "size": 7, "source": ""}')
    >>> item.path, item.kind, oct(item.mode), item.size_bytes, item.is_exact
    ('bin/su', '-', '0o4755', 7, False)

    Raises ``ValueError`` when the line is not an item.
    """
    content: Any = json.loads(line)
    try:
        return ArchiveItem(
            path=content["path"],
            kind=content["type"],
            mode=parse_mode(content["mode"]),
            size_bytes=int(content.get("size", 0)),
            modified_us=_microseconds(content.get("isomtime")),
            changed_us=_microseconds(content.get("isoctime")),
            link_target=content.get("source", ""),
            healthy=bool(content.get("healthy", True)),
            archive_id=content.get("archiveid", ""),
            uid=_number(content.get("uid")),
            gid=_number(content.get("gid")),
            owner=_account(content.get("user"), content.get("uid")),
            group=_account(content.get("group"), content.get("gid")),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"this is no item of an archive: {error}") from None


def parse_mode(text: str) -> int:
    """The permission bits of a mode as ``ls -l`` writes it.

    >>> oct(parse_mode("-rwsr-x--T"))
    '0o5750'
    """
    bits = 0
    for place, letter in enumerate(text[1:10]):
        if letter not in "-ST":
            bits |= 1 << (8 - place)
    for place, letters, bit in _SPECIAL_BITS:
        if text[place : place + 1] in tuple(letters):
            bits |= bit
    return bits


def lossy_name(path: str) -> str:
    r"""A path as a listing shows it.

    >>> lossy_name("caf\udce9")
    'caf?'
    """
    return path.encode("utf-8", errors="replace").decode("utf-8")


def _number(value: Any) -> int:
    return -1 if value is None else int(value)


def _account(name: Any, number: Any) -> str:
    """The name of a user or group; Borg prints the number where there is no name."""
    return "" if name is None or str(name) == str(number) else str(name)


def _microseconds(text: str | None) -> int:
    if not text:
        return 0
    return (datetime.fromisoformat(text).replace(tzinfo=timezone.utc) - _EPOCH) // _MICROSECOND


__all__ = [
    "ITEM_KEYS",
    "LISTING_TIMEZONE",
    "ArchiveItem",
    "lossy_name",
    "parse_exact_item",
    "parse_item",
    "parse_mode",
]
