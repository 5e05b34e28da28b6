# SPDX-License-Identifier: GPL-3.0-or-later
"""How a restore is recorded: what it did, or that it was stopped. A record that cannot be kept hinders no restore."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from fleetkeep.borg.events import clean_text
from fleetkeep.clock import Clock
from fleetkeep.errors import Cancelled, ExportStopped, FleetkeepError, RestoreStopped, StorageFull
from fleetkeep.ids import new_id
from fleetkeep.link import RestoreFinished
from fleetkeep.model import Outcome, Restoration
from fleetkeep.plan.restore import RestorePlan
from fleetkeep.settings import invoking_user

from .director_port import Director
from .ledger import Ledger
from .paths import Paths
from .restore import RestoreResult
from .state import load_desired

#: So many of the paths that were asked for are recorded.
ASKED_KEPT = 100


@dataclass
class RestoreRecord:
    """One restore on its way into the record."""

    plan: RestorePlan
    target: str
    report: Path | None
    began: datetime

    result: RestoreResult | None = None
    """What it did; to be set when it has ended."""

    problem: str = ""
    """Why it is not recorded yet; empty when it is."""


@contextmanager
def recorded(
    paths: Paths, director: Director, plan: RestorePlan, clock: Clock, *, target: str = "", report: Path | None = None
) -> Iterator[RestoreRecord]:
    """Record a restore at the end of a ``with`` block: one that ended, and one that was stopped after it began.

    Arguments:
        paths: The places of the host.
        director: Whom it is told.
        plan: What is restored.
        clock: For its times.
        target: Where to, if the plan does not say it: the file of a stream, or ``-``.
        report: The file that its report goes to.
    """
    restore = RestoreRecord(plan, target or plan.target, report, clock.now())
    try:
        yield restore
    except (Cancelled, ExportStopped, RestoreStopped, StorageFull) as error:
        _tell(restore, paths, director, clock, str(error))
        raise
    if restore.result is not None:
        _tell(restore, paths, director, clock, "")


def _tell(restore: RestoreRecord, paths: Paths, director: Director, clock: Clock, trouble: str) -> None:
    try:
        client = load_desired(paths).client
        message = RestoreFinished(restoration=_restoration(restore, client, clock.now(), trouble))
        with closing(Ledger(paths.spool, director, client, clock)) as ledger:
            if trouble:
                ledger.note(message)  # somebody waits for the end; whoever reads the record next has it delivered
            else:
                ledger.tell(message)
            restore.problem = ledger.problem
    except (FleetkeepError, OSError) as error:
        restore.problem = str(error)


def _restoration(restore: RestoreRecord, client: str, ended: datetime, trouble: str) -> Restoration:
    plan, result = restore.plan, restore.result
    stopped = Outcome.CANCELLED if "was cancelled" in trouble else Outcome.FAILED
    asked = (*(f"/{path}" for path in plan.paths), *plan.patterns)[:ASKED_KEPT]
    return Restoration(
        id=new_id(),
        client=client,
        repository=plan.repository,
        archive_id=plan.archive_id,
        archive_name=plan.archive,
        user=clean_text(invoking_user()),
        started_at=restore.began,
        finished_at=ended,
        form=plan.form.value,
        target=clean_text(restore.target),
        asked=tuple(clean_text(text) for text in asked),
        outcome=stopped if result is None else result.outcome,
        reason=trouble,
        files=result.files if result else 0,
        size_bytes=result.size_bytes if result else 0,
        report_sha256=_hash(restore.report) if result else "",
        stream_sha256=result.sha256 if result else "",
    )


def _hash(report: Path | None) -> str:
    if report is None:
        return ""
    digest = hashlib.sha256()
    with report.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


__all__ = ["RestoreRecord", "recorded"]
