# SPDX-License-Identifier: GPL-3.0-or-later
"""One line of ``borg list --json-lines`` on an archive, as an item.

A listing is lossy: Borg prints every byte of a name that is no UTF-8 as ``?``, so that two names can become one, and
the printed name finds neither. Such items are marked, never guessed; only an extract by folder brings them back.
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


@dataclass(frozen=True)
class ArchiveItem:
    """One thing in an archive."""

    path: str
    """As stored, without a leading slash; ``?`` stands for bytes that the listing cannot carry."""

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
        return "?" not in self.path


def parse_item(line: bytes | str) -> ArchiveItem:
    """The item of one line.

    >>> parse_item('{"type": "-", "mode": "-rwsr-xr-x", "path": "bin/su", "size": 7, "source": ""}')
    ArchiveItem(path='bin/su', kind='-', mode=2541, size_bytes=7, modified_us=0, changed_us=0, link_target='', \
healthy=True, archive_id='')

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


def _microseconds(text: str | None) -> int:
    if not text:
        return 0
    return (datetime.fromisoformat(text).replace(tzinfo=timezone.utc) - _EPOCH) // _MICROSECOND


__all__ = ["ITEM_KEYS", "LISTING_TIMEZONE", "ArchiveItem", "lossy_name", "parse_item", "parse_mode"]
