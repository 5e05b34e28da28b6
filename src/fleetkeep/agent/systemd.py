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
    """The names of Fleetkeep's timers that are enabled and active, as their files say.

    One whose files, or whose service's, changed since systemd read them does not count: an apply was cut there.
    """
    linked = [link.name for link in (paths.prefix / _WANTS).glob("fleetkeep-*.timer")]
    if not linked:
        return frozenset()
    services = [name.removesuffix(".timer") + ".service" for name in linked]
    answer = _systemctl("show", "--property=Id,ActiveState,NeedDaemonReload", *linked, *services, check=False)
    units = parse_units(answer)
    stale = {name.removesuffix(".service") for name, unit in units.items() if unit.get("NeedDaemonReload") == "yes"}
    return frozenset(
        name
        for name in linked
        if units.get(name, {}).get("ActiveState") == "active" and not {name, name.removesuffix(".timer")} & stale
    )


def parse_units(text: str) -> dict[str, dict[str, str]]:
    r"""The properties that ``systemctl show`` prints, by the name of the unit.

    >>> parse_units("Id=a.timer\nActiveState=active\n\nId=a.service\nActiveState=inactive\n")
    {'a.timer': {'Id': 'a.timer', 'ActiveState': 'active'}, 'a.service': {'Id': 'a.service', 'ActiveState': 'inactive'}}
    """
    blocks = [dict(line.partition("=")[::2] for line in block.splitlines()) for block in text.split("\n\n")]
    return {block["Id"]: block for block in blocks if "Id" in block}


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


__all__ = ["SystemdRefused", "disable_timer", "enable_timer", "enabled_timers", "is_scheduler", "parse_units", "reload"]
