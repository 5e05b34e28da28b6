# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens when the catalog of this host was broken and a new one begins."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from functools import partial
from pathlib import Path

import click

from fleetkeep.agent.paths import Paths
from fleetkeep.clock import SystemClock
from fleetkeep.errors import FleetkeepError

from ._common import printable


def begin_anew(places: Paths) -> Callable[[Path], None]:
    """What a ``LateDirector`` of this host tells, in whatever thread: it is said, and the new catalog hears first what
    the host was brought to."""
    return partial(_begin_anew, places)


def _begin_anew(places: Paths, aside: Path) -> None:
    from fleetkeep.agent.retell import retell_state

    said = f"The catalog was broken. It is kept as {aside}; a new one is filled from the repositories."
    click.echo(printable(said), err=True)
    try:
        retell_state(places, SystemClock())
    except (FleetkeepError, sqlite3.Error, OSError) as error:
        click.echo(printable(f"What is declared is not on record again: {error} Apply again."), err=True)


__all__ = ["begin_anew"]
