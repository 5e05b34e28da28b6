# SPDX-License-Identifier: GPL-3.0-or-later
"""A repository's key as Borg exports it, as a file and on paper; pure.

The key is encrypted with the passphrase in both forms. Source: Borg 1.4, ``crypto/keymanager.py``.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field

_FILE_MARK = "BORG_KEY"
_PAPER_HEAD = "BORG PAPER KEY v1"
_BYTES_A_LINE = 18
_SMALLEST_KEY = 20
_ID_LINE = re.compile(r"id:\s*(\d+)\s*/([0-9a-f\s]+)/([0-9a-f\s]+)-\s*([0-9a-f]{2})", re.IGNORECASE)
_KEY_LINE = re.compile(r"(\d+):([0-9a-f\s]+)-\s*([0-9a-f]{2})", re.IGNORECASE)
_ANY_KEY_LINE = re.compile(r"\d+:.*")


class KeyUnreadable(ValueError):
    """A key cannot be read; the words say where the mistake is."""


@dataclass(frozen=True)
class KeyExport:
    """A repository's key."""

    repository_id: str
    """Borg's id of the repository, 64 hexadecimal characters."""

    blob: bytes = field(repr=False)
    """The key, encrypted with the passphrase."""

    def as_file(self) -> str:
        """What ``borg key import REPOSITORY FILE`` takes, and what a key file holds."""
        lines = textwrap.wrap(binascii.b2a_base64(self.blob).decode("ascii"))
        return "\n".join((f"{_FILE_MARK} {self.repository_id}", *lines)) + "\n"

    def on_paper(self) -> str:
        """What ``borg key import --paper REPOSITORY`` takes by keyboard: each line has a checksum of two characters."""
        parts = _parts(self.blob)
        identity, whole = self.repository_id[:18], _checksum(self.blob, 12)
        check = _checksum(f"{len(parts)}/{identity}/{whole}".encode("ascii"), 2)
        lines = [_PAPER_HEAD, f"id: {len(parts)} / {_grouped(identity)} / {_grouped(whole)} - {check}"]
        lines += [
            f"{number:2d}: {_grouped(part.hex())} - {_line_checksum(number, part)}"
            for number, part in enumerate(parts, start=1)
        ]
        return "\n".join(lines) + "\n"


def parse_key_file(text: str) -> KeyExport:
    """The key in the output of ``borg key export``. Raises ``KeyUnreadable``."""
    head, _, body = text.strip().partition("\n")
    words = head.split()
    if len(words) != 2 or words[0] != _FILE_MARK:
        raise KeyUnreadable("it is no key as Borg exports it")
    try:
        blob = base64.b64decode("".join(body.split()), validate=True)
    except ValueError:
        raise KeyUnreadable("its letters are no Base64") from None
    if len(blob) < _SMALLEST_KEY:
        raise KeyUnreadable("it is too short")
    return KeyExport(repository_id=words[1].lower(), blob=blob)


def is_paper_line(line: str) -> bool:
    """Whether a line is one of the numbered lines of a key on paper, or is meant to be."""
    return bool(_ANY_KEY_LINE.fullmatch(line.strip()))


def parse_paper_key(lines: Sequence[str], repository_id: str) -> KeyExport:
    """The key of a repository from the lines of its paper form, with or without the head; blank lines are nothing.

    Raises ``KeyUnreadable``, which names the line with the typing error.
    """
    said = [line.strip() for line in lines if line.strip() and line.strip() != _PAPER_HEAD]
    head = _ID_LINE.fullmatch(said[0]) if said else None
    if head is None:
        raise KeyUnreadable("the line of the key that begins with id: is missing or has a typing error")
    count, identity, whole = int(head[1]), _joined(head[2]), _joined(head[3])
    if _checksum(f"{count}/{identity}/{whole}".encode("ascii"), 2) != head[4].lower():
        raise KeyUnreadable("the line of the key that begins with id: has a typing error")
    if identity != repository_id[:18]:
        raise KeyUnreadable("the key is that of another repository")
    blob = b"".join(_paper_part(number, line) for number, line in enumerate(said[1:], start=1))
    if len(said) - 1 != count:
        raise KeyUnreadable(f"the key has {count} lines, but {len(said) - 1} are here")
    if _checksum(blob, 12) != whole:
        raise KeyUnreadable("the lines of the key do not belong together")
    return KeyExport(repository_id=repository_id, blob=blob)


def _paper_part(number: int, line: str) -> bytes:
    match = _KEY_LINE.fullmatch(line)
    try:
        part = bytes.fromhex(_joined(match[2])) if match else b""
    except ValueError:
        part = b""
    if match is None or int(match[1]) != number or _line_checksum(number, part) != match[3].lower():
        raise KeyUnreadable(f"line {number} of the key is missing or has a typing error")
    return part


def _parts(blob: bytes) -> list[bytes]:
    return [blob[start : start + _BYTES_A_LINE] for start in range(0, len(blob), _BYTES_A_LINE)]


def _line_checksum(number: int, part: bytes) -> str:
    return _checksum(number.to_bytes(2, "big") + part, 2)


def _checksum(data: bytes, length: int) -> str:
    return hashlib.sha256(data).hexdigest()[:length]


def _grouped(text: str) -> str:
    """Text in groups of six.

    >>> _grouped("0123456789ab")
    '012345 6789ab'
    """
    return " ".join(text[start : start + 6] for start in range(0, len(text), 6))


def _joined(text: str) -> str:
    return "".join(text.split()).lower()


__all__ = ["KeyExport", "KeyUnreadable", "is_paper_line", "parse_key_file", "parse_paper_key"]
