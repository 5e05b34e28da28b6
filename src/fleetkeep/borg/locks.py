# SPDX-License-Identifier: GPL-3.0-or-later
"""Removing what a borg process that had to be killed left locked; never the lock of another process.

Source: Borg 1.4 ``locking.py``: a folder ``lock.exclusive`` with one file ``HOST@NODE.PID-THREAD``, and a file
``lock.roster`` of JSON.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import uuid
from collections.abc import Iterable
from pathlib import Path

_HOLDER = re.compile(r"(?P<host>.+)\.(?P<pid>\d+)-(?P<thread>[0-9a-f]+)")
_RANDOM_NODE = 1 << 40


def remove_locks_of(pid: int, folders: Iterable[Path], host_id: str = "") -> list[Path]:
    """Remove the locks that the dead process ``pid`` of this host holds in ``folders``, and return them.

    Arguments:
        pid: A process that has been waited for, so that nothing else has its number.
        folders: Local repositories and cache folders.
        host_id: The value of ``BORG_HOST_ID`` in its environment, if it had one.
    """
    removed = []
    for folder in folders:
        with contextlib.suppress(OSError):
            removed += _remove_exclusive(folder / "lock.exclusive", pid, host_id)
        with contextlib.suppress(OSError, ValueError):
            removed += _remove_roster(folder / "lock.roster", pid, host_id)
    return removed


def is_this_host(holder: str, host_id: str = "") -> bool:
    """Whether a lock's ``HOST@NODE`` is this host; a node that had to be invented at random is not compared."""
    if host_id:
        return holder == host_id
    host, _, node = holder.rpartition("@")
    same_name = host.split(".")[0] == os.uname().nodename.split(".")[0]
    own_node = uuid.getnode()
    return same_name and (bool(own_node & _RANDOM_NODE) or node == str(own_node))


def _remove_exclusive(lock: Path, pid: int, host_id: str) -> list[Path]:
    holders = list(lock.iterdir())
    for holder in holders:
        match = _HOLDER.fullmatch(holder.name)
        if not match or int(match["pid"]) != pid or not is_this_host(match["host"], host_id):
            return []
    for holder in holders:
        holder.unlink()
    lock.rmdir()
    return [lock]


def _remove_roster(roster: Path, pid: int, host_id: str) -> list[Path]:
    """Remove a roster that names nobody else; Borg itself drops dead holders from one that does."""
    holders = [holder for group in json.loads(roster.read_bytes()).values() for holder in group]
    if any(holder[1] != pid or not is_this_host(holder[0], host_id) for holder in holders):
        return []
    roster.unlink()
    return [roster]


__all__ = ["is_this_host", "remove_locks_of"]
