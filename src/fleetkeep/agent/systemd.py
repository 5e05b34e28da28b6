# SPDX-License-Identifier: GPL-3.0-or-later
"""The few words that the agent has for systemd."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from fleetkeep import settings
from fleetkeep.model import SchedulerChoice

from .paths import Paths

_RUNNING = Path("/run/systemd/system")
_WANTS = "etc/systemd/system/timers.target.wants"


class SystemdRefused(Exception):
    """systemctl said no; the text is its own words."""


def is_scheduler(choice: SchedulerChoice, paths: Paths) -> bool:
    """Whether systemd starts the runs of this host: never below a private prefix, whose units it would not read."""
    if choice is SchedulerChoice.AGENT:
        return False
    return paths.prefix == Path("/") and _RUNNING.is_dir()


def enabled_timers(paths: Paths) -> frozenset[str]:
    """The names of Fleetkeep's timers that are enabled and active."""
    linked = [link.name for link in (paths.prefix / _WANTS).glob("fleetkeep-*.timer")]
    if not linked:
        return frozenset()
    answer = _systemctl("is-active", *linked, check=False).splitlines()
    return frozenset(name for name, word in zip(linked, answer, strict=False) if word == "active")


def reload() -> None:
    """Have systemd read its unit files again. Raises ``SystemdRefused``."""
    _systemctl("daemon-reload")


def enable_timer(name: str) -> None:
    """Enable and start a timer, or start it anew with its changed times; never touches a running service."""
    _systemctl("enable", name)
    _systemctl("restart", name)


def disable_timer(name: str) -> None:
    """Stop and disable a timer; one that is gone already is fine."""
    _systemctl("disable", "--now", name, check=False)


def _systemctl(*arguments: str, check: bool = True) -> str:
    command: Sequence[str] = ["systemctl", "--no-ask-password", *arguments]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=60, check=False, env=settings.child_environment({})
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SystemdRefused(f"systemctl {arguments[0]} could not be run: {error}") from None
    if check and done.returncode:
        raise SystemdRefused(f"systemctl {' '.join(arguments)}: {done.stderr.strip() or done.returncode}")
    return done.stdout


__all__ = ["SystemdRefused", "disable_timer", "enable_timer", "enabled_timers", "is_scheduler", "reload"]
