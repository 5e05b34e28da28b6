# SPDX-License-Identifier: GPL-3.0-or-later
"""Ages and numbers as people say them."""

from __future__ import annotations

from datetime import timedelta

_UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60))


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
    for unit, size in _UNITS:
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}s"
    return "1 minute" if seconds >= 60 else "less than a minute"


def render_count(number: int, noun: str) -> str:
    """A number with its noun.

    >>> render_count(1, "job"), render_count(2, "job")
    ('1 job', '2 jobs')
    >>> render_count(2, "repository")
    '2 repositories'
    """
    plural = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{number} {noun if number == 1 else plural}"


__all__ = ["render_age", "render_count"]
