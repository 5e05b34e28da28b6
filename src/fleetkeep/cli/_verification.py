# SPDX-License-Identifier: GPL-3.0-or-later
"""What the verbs that compare things share: the result as a row, and its way into the record."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime
from typing import TYPE_CHECKING

import click

from fleetkeep.clock import SystemClock
from fleetkeep.ids import new_id
from fleetkeep.model import Outcome, Verification, VerificationKind

from ._common import embedded_director, paths
from ._points import access_to

if TYPE_CHECKING:
    from fleetkeep.agent.live import LivePlace
    from fleetkeep.borg.process import Cancellation
    from fleetkeep.catalog.database import Catalog
    from fleetkeep.model import EvidenceValue, Point

#: So many paths are named as evidence.
NAMES_KEPT = 100


def live_place(point: Point, cancellation: Cancellation) -> LivePlace:
    """Where an archive is compared."""
    from fleetkeep.agent.live import LivePlace

    return LivePlace(access=access_to(point.archive.repository), point=point, cancellation=cancellation)


def verify_with_catalog(catalog: Catalog, point: Point, cancellation: Cancellation) -> Verification:
    """An archive against what the catalog says of its files.

    Raises ``ArchiveNotIndexed``, ``Cancelled``, and the errors of a repository that cannot be read.
    """
    from fleetkeep.agent.live import compare_catalog
    from fleetkeep.director.files import find_entry, point_entries

    began = SystemClock().now()
    find_entry(catalog, point, "")  # an archive that the catalog does not know is refused before it is read
    found = compare_catalog(live_place(point, cancellation), point_entries(catalog, point))
    missing, extra, differing = found.counts
    wrong = [("missing", missing), ("extra", extra), ("different", differing)]
    said = ", ".join(f"{count:,} {word}" for word, count in wrong if count)
    reason = f"The catalog differs from the archive: {said}." if said else ""
    evidence: dict[str, EvidenceValue] = {
        "items": found.items,
        "entries": found.entries,
        "missing": missing,
        "extra": extra,
        "differing": differing,
        "missing_paths": found.missing,
        "extra_paths": found.extra,
        "differing_paths": found.differing,
    }
    outcome = Outcome.FAILED if reason else Outcome.SUCCEEDED
    return result_of(VerificationKind.CATALOG, point, began, outcome, reason, evidence)


def result_of(
    kind: VerificationKind,
    point: Point,
    began: datetime,
    outcome: Outcome,
    reason: str,
    evidence: dict[str, EvidenceValue],
) -> Verification:
    """A result about an archive, which began then and ends now."""
    return Verification(
        id=new_id(),
        client=point.client,
        repository=point.archive.repository,
        kind=kind,
        archive_id=point.archive.id,
        archive_name=point.archive.name,
        started_at=began,
        finished_at=SystemClock().now(),
        outcome=outcome,
        reason=reason,
        evidence={name: value for name, value in evidence.items() if value not in ((), "")},
    )


def tell(verification: Verification) -> None:
    """Record a result; where that cannot be, say so, and go on."""
    from fleetkeep.agent.ledger import Ledger
    from fleetkeep.link import VerificationFinished

    with closing(Ledger(paths().spool, embedded_director(), verification.client, SystemClock())) as ledger:
        ledger.tell(VerificationFinished(verification=verification))
        if ledger.problem:
            click.echo(f"The result is not recorded yet: {ledger.problem}", err=True)


__all__ = ["NAMES_KEPT", "live_place", "result_of", "tell", "verify_with_catalog"]
