# SPDX-License-Identifier: GPL-3.0-or-later
"""The lines of ``FilesIndexed``: JSON arrays, one a line, made small by zlib and printable by base64.

``["+", path, mode, uid, gid, owner, group, size, modified_us, changed_us, target]`` is there as this, and
``["-", path]`` is there no longer. Paths are text in which a byte that is no UTF-8 stands as a lone surrogate.
"""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Iterable, Sequence
from typing import Any

#: So many lines are one part.
LINES_OF_PART = 4000

#: What a part may hold; a hostile one could unpack without end.
LARGEST_PART_BYTES = 64 << 20

Line = Sequence[Any]

_NUMBERS = (2, 3, 4, 7, 8, 9)
_TEXTS = (1, 5, 6, 10)


def pack_lines(lines: Iterable[Line]) -> str:
    """Lines as a message carries them.

    >>> parse_lines(pack_lines([["-", "etc/hosts"]]))
    ([], ['etc/hosts'])
    """
    text = "\n".join(json.dumps(line, separators=(",", ":")) for line in lines)
    return base64.b64encode(zlib.compress(text.encode(), 1)).decode()


def parse_lines(packed: str) -> tuple[list[Line], list[str]]:
    """What is there, and the paths of what is gone.

    Raises ``ValueError`` where a line is none, a path is empty, absolute or holds what no path can.
    """
    there: list[Line] = []
    gone: list[str] = []
    if not packed:
        return there, gone
    try:
        unpacker = zlib.decompressobj()
        text = unpacker.decompress(base64.b64decode(packed, validate=True), LARGEST_PART_BYTES)
    except (zlib.error, binascii.Error) as error:
        raise ValueError(f"the lines cannot be unpacked: {error}") from None
    if unpacker.unconsumed_tail:
        raise ValueError("there are too many lines")
    for line in json.loads(b"[" + text.replace(b"\n", b",") + b"]"):
        if line[0] == "+" and len(line) == 11 and _is_sound(line):
            there.append(line)
        elif line[0] == "-" and len(line) == 2 and is_stored_path(line[1]):
            gone.append(line[1])
        else:
            raise ValueError(f"this is no line of a listing: {str(line)[:80]}")
    return there, gone


def is_stored_path(path: Any) -> bool:
    """Whether something is a path as archives hold it.

    >>> [is_stored_path(path) for path in ("etc/hosts", "", "/etc", "etc/../hosts", "etc//hosts", 7)]
    [True, False, False, False, False, False]
    """
    return isinstance(path, str) and "\0" not in path and all(part not in ("", "..") for part in path.split("/"))


def _is_sound(line: Line) -> bool:
    return (
        is_stored_path(line[1])
        and all(type(line[place]) is int for place in _NUMBERS)
        and all(type(line[place]) is str for place in _TEXTS)
    )


__all__ = ["LINES_OF_PART", "is_stored_path", "pack_lines", "parse_lines"]
