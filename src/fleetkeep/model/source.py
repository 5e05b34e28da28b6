# SPDX-License-Identifier: GPL-3.0-or-later
"""What a job backs up."""

from __future__ import annotations

from enum import Enum
from pathlib import PurePosixPath
from typing import Any

from pydantic import Field, field_validator, model_validator

from .base import Model


class Allowance(str, Enum):
    """A finding of the source guard that is accepted for one source."""

    MISSING = "missing"
    """The path may be absent; it is then left out."""

    EMPTY = "empty"
    """The folder may be empty."""

    MOVED = "moved"
    """The path may lie on another mount than at the last good run."""


class SourcePath(Model):
    """One folder or file to back up."""

    path: str
    """An absolute path on the client."""

    allow: tuple[Allowance, ...] = ()
    """What the source guard accepts here: `missing`, `empty`, `moved`; without it, each refuses the run."""

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        return {"path": value} if isinstance(value, str) else value

    @field_validator("path")
    @classmethod
    def _is_absolute(cls, value: str) -> str:
        if not value.startswith("/"):
            raise ValueError("a source path is absolute; begin it with /")
        if "\0" in value or ".." in PurePosixPath(value).parts:
            raise ValueError("a source path has no .. and no NUL")
        return str(PurePosixPath("/" + value.lstrip("/")))


class Sources(Model):
    """The folders and files of a job, and what of them is left out."""

    paths: tuple[SourcePath, ...] = Field(min_length=1)
    """Absolute paths of folders or files; a path alone, or a map with `path` and `allow`."""

    exclude: tuple[str, ...] = ()
    """Borg patterns of what is left out, such as `*/node_modules` or `sh:/home/*/.cache`."""

    exclude_caches: bool = False
    """Leave out folders that a CACHEDIR.TAG marks as a cache."""

    exclude_if_present: tuple[str, ...] = ()
    """Leave out folders that hold a file of this name, such as `.nobackup`."""

    one_file_system: bool = False
    """Do not cross into other mounted file systems below a path."""


__all__ = ["Allowance", "SourcePath", "Sources"]
