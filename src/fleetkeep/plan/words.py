# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers, sizes, ages and foreign text as people can read them."""

from __future__ import annotations

from datetime import timedelta

_AGES = (("day", 86_400), ("hour", 3_600), ("minute", 60))


def printable(text: str) -> str:
    r"""Text with control and direction characters escaped, so that a hostile name cannot drive a terminal.

    >>> printable("a\x1b[31mb")
    'a\\x1b[31mb'
    """
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in text
    )


def render_bytes(size_bytes: int) -> str:
    """A size for people, in powers of 1000, as Borg counts.

    >>> render_bytes(0), render_bytes(1_234_567)
    ('0 B', '1.2 MB')
    """
    size = float(size_bytes)
    for unit in ("B", "kB", "MB", "GB", "TB", "PB"):
        if size < 999.95 or unit == "PB":
            break
        size /= 1000
    return f"{size:.0f} B" if unit == "B" else f"{size:.1f} {unit}"


def render_seconds(seconds: float) -> str:
    """How long something took.

    >>> render_seconds(75.25), render_seconds(0.26)
    ('1 min 15 s', '0.3 s')
    """
    return f"{seconds:.1f} s" if seconds < 60 else f"{int(seconds // 60)} min {int(seconds % 60)} s"


def render_count(number: int, one: str, many: str = "") -> str:
    """A number with its noun.

    >>> render_count(1, "file"), render_count(1200, "file"), render_count(2, "entry", "entries")
    ('1 file', '1,200 files', '2 entries')
    """
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def render_age(age: timedelta) -> str:
    """The age in its largest whole unit of two or more, so that it is never off by half.

    >>> render_age(timedelta(hours=26))
    '26 hours'
    >>> render_age(timedelta(days=3))
    '3 days'
    >>> render_age(timedelta(seconds=59))
    'less than a minute'
    """
    seconds = int(age.total_seconds())
    for unit, size in _AGES:
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}s"
    return "1 minute" if seconds >= 60 else "less than a minute"


__all__ = ["printable", "render_age", "render_bytes", "render_count", "render_seconds"]
