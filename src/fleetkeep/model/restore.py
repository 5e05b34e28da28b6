# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person asks of a restore: which paths of an archive, and in what manner they come back."""

from __future__ import annotations

from enum import Enum

from pydantic import Field

from .base import Model


class OnConflict(str, Enum):
    """What becomes of a path that holds something else already."""

    OVERWRITE = "overwrite"
    """The archive's version takes its place."""

    SKIP = "skip"
    """What is there stays; the archive's version is not restored."""

    NEWER = "newer"
    """The archive's version takes its place only when it is the newer one of two files or links."""

    RENAME = "rename"
    """What is there stays; the archive's version is put beside it under another name."""


class OwnerRule(str, Enum):
    """Whom the restored files belong to."""

    KEEP = "keep"
    """The owner and group of the archive, by name, and by number where this host has no such name."""

    NUMERIC = "numeric"
    """The owner and group of the archive, by number, as for another system's disk."""

    NONE = "none"
    """The user who restores."""


class Selection(Model):
    """Which part of an archive is meant: what a path or a pattern includes, without what an exclude names."""

    paths: tuple[str, ...] = ()
    """As stored; each stands for itself and all below it."""

    patterns: tuple[str, ...] = ()
    """Borg patterns with their style, such as ``sh:etc/**/*.conf``. Neither paths nor patterns mean everything."""

    excludes: tuple[str, ...] = ()
    """Borg patterns with their style; they win over both."""


class RestoreManner(Model):
    """How what is restored is written."""

    on_conflict: OnConflict = OnConflict.OVERWRITE
    """What becomes of a path that holds something else already."""

    owner: OwnerRule = OwnerRule.KEEP
    """Whom the files belong to."""

    acls: bool = True
    """Whether access control lists come back."""

    xattrs: bool = True
    """Whether extended attributes come back, among them capabilities."""

    flags: bool = True
    """Whether file flags such as immutable come back."""

    sparse: bool = True
    """Whether blocks of zeros become holes."""

    strip_components: int = Field(default=0, ge=0)
    """How many leading folders are taken off each path; what has no more than these is left out."""


__all__ = ["OnConflict", "OwnerRule", "RestoreManner", "Selection"]
