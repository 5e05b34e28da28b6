# SPDX-License-Identifier: GPL-3.0-or-later
"""The only file that reads the process environment."""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping
from pathlib import Path

#: Variables that a child process may inherit: enough for tools to run, nothing that could carry a secret by accident.
INHERITED = (
    "FLEETKEEP_BORG",
    "HOME",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "LOGNAME",
    "PATH",
    "SSH_AUTH_SOCK",
    "TERM",
    "TMPDIR",
    "TZ",
    "USER",
)


def prefix() -> Path:
    """The folder below which Fleetkeep keeps everything on this host (``FLEETKEEP_PREFIX``, default ``/``)."""
    return Path(os.environ.get("FLEETKEEP_PREFIX", "/"))


def borg_program() -> str | None:
    """The borg binary that was asked for (``FLEETKEEP_BORG``), or ``None``: search for one."""
    return os.environ.get("FLEETKEEP_BORG") or None


def search_path() -> str:
    """The folders in which programs are looked up, as in ``PATH``."""
    return os.environ.get("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")


def invoking_user() -> str:
    """The user who called this process: with sudo the one before it (``SUDO_USER``); a number where it has no name."""
    try:
        return os.environ.get("SUDO_USER") or pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def has_dumb_terminal() -> bool:
    """Whether the terminal cannot place a cursor (``TERM``)."""
    return os.environ.get("TERM", "") in ("", "dumb", "unknown")


def child_environment(extra: Mapping[str, str]) -> dict[str, str]:
    """The environment of a child process: a short list of inherited variables, then ``extra`` (never a secret)."""
    return {name: os.environ[name] for name in INHERITED if name in os.environ} | dict(extra)


def controller_environment(extra: Mapping[str, str]) -> dict[str, str]:
    """The whole environment with ``extra`` on top; only for tools that the user configures by it, such as Ansible."""
    return dict(os.environ) | dict(extra)


__all__ = [
    "INHERITED",
    "borg_program",
    "child_environment",
    "controller_environment",
    "has_dumb_terminal",
    "invoking_user",
    "prefix",
    "search_path",
]
