# SPDX-License-Identifier: GPL-3.0-or-later
"""Accounts of the system that serve Borg to clients. They are made, and never removed."""

from __future__ import annotations

import os
import pwd
import subprocess
from pathlib import Path

from fleetkeep.errors import AccountNotOurs, ToolMissing
from fleetkeep.plan.resource import Account, AccountState
from fleetkeep.settings import child_environment

from .files import make_folder
from .paths import Paths

_SECONDS = 60
_SHELLS = ("/bin/sh", "/usr/bin/sh")


def observe_account(account: Account, paths: Paths) -> AccountState:
    """What the host has of an account.

    One that somebody else made is used only when it looks like one that Fleetkeep made: a person's account, or one of
    the system, must not lose its shell and its keys to a storage. Raises ``AccountNotOurs``.
    """
    missing = tuple(folder for folder in account.folders if not _place(paths, folder).is_dir())
    try:
        known = pwd.getpwnam(account.name)
    except KeyError:
        return AccountState(exists=False, missing_folders=missing)
    if is_private(paths):
        return AccountState(exists=True, missing_folders=missing)
    if known.pw_uid == 0 or known.pw_shell not in _SHELLS or known.pw_dir != account.home:
        raise AccountNotOurs(account=account.name, home=account.home, found=f"{known.pw_dir}, shell {known.pw_shell}")
    return AccountState(exists=True, missing_folders=missing)


def make_account(account: Account, paths: Paths) -> None:
    """Make an account, where it is missing, and its folders.

    Its home belongs to root: what comes in by its keys must not be able to leave anything there that sshd or a shell
    reads. Raises ``ToolMissing``, ``OSError``.
    """
    if not is_private(paths) and not _exists(account.name):
        _useradd(
            "--system", "--user-group", "--no-create-home", "--home-dir", account.home,
            "--shell", "/bin/sh", "--comment", "Fleetkeep storage", "--password", "*", account.name,
        )  # fmt: skip
    make_folder(_place(paths, account.home), 0o755)
    owner = None if is_private(paths) else pwd.getpwnam(account.name)
    for folder in account.folders:
        place = _place(paths, folder)
        make_folder(place.parent, 0o755)
        if not place.exists():
            place.mkdir(mode=0o700)
            if owner:
                os.chown(place, owner.pw_uid, owner.pw_gid)


def is_private(paths: Paths) -> bool:
    """Whether everything lies below a private prefix: then accounts are as they are, and sshd is somebody else's."""
    return paths.prefix != Path("/")


def _place(paths: Paths, folder: str) -> Path:
    """Folders of repositories are given as they are: a prefix is part of a declared path already."""
    return Path(folder) if folder.startswith(str(paths.prefix)) else paths.prefix / folder.lstrip("/")


def _exists(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def _useradd(*arguments: str) -> None:
    try:
        done = subprocess.run(
            ["useradd", *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            env=child_environment({"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}),
            check=False,
        )
    except FileNotFoundError:
        raise ToolMissing(tool="useradd", package="passwd") from None
    except subprocess.TimeoutExpired:
        raise OSError(f"useradd did not end within {_SECONDS} seconds") from None
    if done.returncode:
        raise OSError(f"useradd: {done.stderr.strip() or done.returncode}")


__all__ = ["is_private", "make_account", "observe_account"]
