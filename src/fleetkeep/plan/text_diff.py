# SPDX-License-Identifier: GPL-3.0-or-later
"""Two contents of a small text file, line by line."""

from __future__ import annotations

import difflib

#: Larger files are not compared by line: it would take long, and nobody would read it.
LARGEST_BYTES = 1_000_000


def diff_text(before: bytes, after: bytes, names: tuple[str, str], context: int = 3) -> list[str]:
    """The unified diff of two texts, as lines without their ends; nothing when they are the same.

    >>> diff_text(b"a\\n", b"a\\nb\\n", ("old", "new"))
    ['--- old', '+++ new', '@@ -1 +1,2 @@', ' a', '+b']

    Bytes that are no UTF-8 become lone surrogates.
    """
    lines = difflib.unified_diff(_lines(before), _lines(after), *names, n=context, lineterm="")
    return list(lines)


def is_binary(content: bytes) -> bool:
    """Whether content is no text: as in grep and git, because it has a byte of zero."""
    return b"\0" in content


def _lines(content: bytes) -> list[str]:
    """The lines of a text; one without an end at the end says so, as diff does."""
    lines = content.decode("utf-8", errors="surrogateescape").split("\n")
    if not lines[-1]:
        return lines[:-1]
    return [*lines[:-1], f"{lines[-1]}\n\\ No newline at end of file"]


__all__ = ["LARGEST_BYTES", "diff_text", "is_binary"]
