# SPDX-License-Identifier: GPL-3.0-or-later
"""Folders that live as long as a drill: closed to others, disarmed, and gone afterwards, whatever happened."""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from fleetkeep.errors import RestoreTargetUnusable

from .files import make_folder


@contextmanager
def scratch_folder(parent: Path, name: str) -> Iterator[Path]:
    """A new folder that only this user can enter, removed at the end of the ``with`` block.

    What drills that were killed left behind is removed first: a folder whose lock nobody holds belongs to nobody.

    Raises RestoreTargetUnusable.
    """
    folder = parent / name
    try:
        make_folder(parent)
        parent.chmod(0o700)
        _sweep(parent)
        folder.mkdir(mode=0o700)
        lock = _lock(folder)
    except OSError as error:
        raise RestoreTargetUnusable(target=folder, reason=error.strerror or str(error)) from None
    try:
        yield folder
    finally:
        remove_tree(folder)
        if lock is not None:
            os.close(lock)


def disarm(folder: Path) -> None:
    """Take set-user-id, set-group-id and sticky from every file below; no link is followed."""
    for place, folders, files in os.walk(folder):
        for name in folders + files:
            path = os.path.join(place, name)  # noqa: PTH118 - names may be any bytes
            status = os.lstat(path)
            armed = status.st_mode & (stat.S_ISUID | stat.S_ISGID | stat.S_ISVTX)
            if armed and not stat.S_ISLNK(status.st_mode):
                os.chmod(path, stat.S_IMODE(status.st_mode) & 0o777)  # noqa: PTH101


def remove_tree(folder: Path) -> None:
    """Remove a folder and all below it, also where its own modes forbid it; best effort."""
    for place, folders, _ in os.walk(folder):
        for name in folders:
            path = Path(place) / name
            if not path.is_symlink():
                with suppress(OSError):
                    path.chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)


def _sweep(parent: Path) -> None:
    for folder in parent.iterdir():
        if folder.is_symlink() or not folder.is_dir():
            continue
        lock = _lock(folder)
        if lock is not None:
            remove_tree(folder)
            os.close(lock)


def _lock(folder: Path) -> int | None:
    """The lock of a folder, or ``None`` when somebody holds it."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


__all__ = ["disarm", "remove_tree", "scratch_folder"]
