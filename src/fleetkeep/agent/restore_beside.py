# SPDX-License-Identifier: GPL-3.0-or-later
"""Moves what was restored into a scratch folder beside the things that have its names; nothing is ever replaced."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from fleetkeep.plan.restore import RestorePlan

from .disk import open_folder_beneath, split_beneath
from .restore_choices import Beside, final_place
from .restore_work import RestoreWork
from .scratch import remove_tree

_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK)


@contextmanager
def scratch_beside(beside: Beside) -> Iterator[Path]:
    """The scratch folder, empty at the beginning and gone at the end. Raises ``OSError``."""
    if beside.scratch.is_symlink() or beside.scratch.exists():
        remove_tree(beside.scratch)
    beside.scratch.mkdir(mode=0o700)
    try:
        yield beside.scratch
    finally:
        remove_tree(beside.scratch)


def move_beside(work: RestoreWork, plan: RestorePlan, scratch: Path, warn: Callable[[str, str], None]) -> None:
    """Move each renamed thing of a scratch folder to its final place.

    ``warn`` is told the path and the reason where that fails; what was not restored at all is passed over, because
    Borg has said why.
    """
    target = Path(plan.target)
    moved: set[str] = set()
    for choice in work.choices():
        unit = choice.unit
        if not unit or unit in moved:
            continue
        moved.add(unit)
        destination = final_place(replace(choice, place=unit), work.suffix)
        try:
            _move(scratch, unit, target, destination)
        except FileNotFoundError:
            continue
        except OSError as error:
            warn(destination, error.strerror or str(error))


def _move(scratch: Path, unit: str, target: Path, destination: str) -> None:
    """Give a thing its final name. Raises ``OSError``, among it ``FileExistsError``."""
    (above, name), (final_above, final_name) = split_beneath(unit), split_beneath(destination)
    source = open_folder_beneath(scratch, above)
    try:
        folder = open_folder_beneath(target, final_above)
        try:
            _rename(source, name, folder, final_name)
        finally:
            os.close(folder)
    finally:
        os.close(source)


def _rename(source: int, name: str, folder: int, final_name: str) -> None:
    if not stat.S_ISDIR(os.stat(name, dir_fd=source, follow_symlinks=False).st_mode):
        try:
            os.link(name, final_name, src_dir_fd=source, dst_dir_fd=folder, follow_symlinks=False)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
        else:
            os.unlink(name, dir_fd=source)
            return
    try:
        os.stat(final_name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        os.rename(name, final_name, src_dir_fd=source, dst_dir_fd=folder)
    else:
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), final_name)


__all__ = ["move_beside", "scratch_beside"]
