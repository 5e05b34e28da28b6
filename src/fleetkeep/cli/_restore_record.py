# SPDX-License-Identifier: GPL-3.0-or-later
"""How ``fleetkeep restore`` has what it does recorded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fleetkeep.clock import SystemClock

from ._common import paths

if TYPE_CHECKING:
    from fleetkeep.agent.restore_record import RestoreRecord
    from fleetkeep.plan.restore import RestorePlan

#: How long a record waits for a catalog that is busy.
_WAIT_SECONDS = 5.0


@contextmanager
def recorded(plan: RestorePlan, *, target: str = "", report: Path | None = None) -> Iterator[RestoreRecord]:
    """Record a restore at the end of a ``with`` block; where that cannot be, say so, and go on."""
    from fleetkeep.agent import restore_record
    from fleetkeep.director.late import LateDirector

    clock = SystemClock()
    with closing(LateDirector(paths().catalog, clock, _WAIT_SECONDS)) as director:
        record = restore_record.recorded(paths(), director, plan, clock, target=target, report=report)
        restore = None
        try:
            with record as restore:
                yield restore
        finally:
            if restore is not None and restore.problem:
                click.echo(f"The restore is not recorded yet: {restore.problem}", err=True)


__all__ = ["recorded"]
