# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes files whole or not at all, durably."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path


def write_file(path: Path, text: str, mode: int = 0o600) -> None:
    """Put ``text`` in place of what ``path`` holds, in one step that survives a power cut.

    Missing folders are made, closed to others where the file is. A reader sees the old text or the new one, never a
    part; permissions are right before the name appears. Raises ``OSError``; then nothing was changed.
    """
    make_folder(path.parent, 0o755 if mode & 0o044 else 0o700)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            os.fchmod(file.fileno(), mode)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        with suppress(FileNotFoundError):
            Path(temporary).unlink()
        raise
    sync_folder(path.parent)


def remove_file(path: Path) -> None:
    """Remove a file, durably; one that is not there is fine."""
    with suppress(FileNotFoundError):
        path.unlink()
        sync_folder(path.parent)


def make_folder(path: Path, mode: int = 0o700) -> None:
    """Make a folder and what is missing above it; folders that exist keep their permissions."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    for folder in reversed(missing):
        with suppress(FileExistsError):
            folder.mkdir(mode=mode)


def sync_folder(path: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


__all__ = ["make_folder", "remove_file", "sync_folder", "write_file"]
