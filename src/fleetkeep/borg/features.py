# SPDX-License-Identifier: GPL-3.0-or-later
"""What differs between releases of Borg, as one table; callers ask for a feature and never compare versions."""

from __future__ import annotations

from enum import Enum

Version = tuple[int, int, int]


class Feature(Enum):
    """Something that Borg can do since a release."""

    MODERN_EXIT_CODES = (1, 4, 0)
    """``BORG_EXIT_CODES=modern`` tells errors apart by their exit code."""

    CONFINED_EXTRACT = (1, 4, 5)
    """An extract cannot leave its target (the fix of CVE-2026-62268)."""

    REPOSITORY_OPTION = (2, 0, 0)
    """The repository is an option of its own (``-r``) and commands have other names: Borg 2."""


def supports(version: Version, feature: Feature) -> bool:
    """Whether a release of Borg has a feature.

    >>> supports((1, 4, 5), Feature.CONFINED_EXTRACT), supports((1, 4, 5), Feature.REPOSITORY_OPTION)
    (True, False)
    """
    return version >= feature.value


__all__ = ["Feature", "Version", "supports"]
