# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks and comparisons: what was looked at, what was found, and when."""

from __future__ import annotations

from enum import Enum


class VerificationKind(str, Enum):
    """What was verified."""

    REPOSITORY = "repository"
    """The segments of a repository, by Borg's own check."""

    ARCHIVE = "archive"
    """The metadata of an archive, by Borg's own check."""

    DATA = "data"
    """The content of an archive: every chunk read, decrypted and compared with its id."""

    CATALOG = "catalog"
    """An archive against what the catalog says of it."""

    DISK = "disk"
    """Live files against what the catalog says of an archive."""

    SPOT = "spot"
    """A sample of live files against the content of an archive."""

    KIT = "kit"
    """A recovery kit against the repository that it should open."""


__all__ = ["VerificationKind"]
