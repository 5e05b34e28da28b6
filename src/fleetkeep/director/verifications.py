# SPDX-License-Identifier: GPL-3.0-or-later
"""What checks and comparisons have found."""

from __future__ import annotations

from collections.abc import Sequence

from fleetkeep.catalog import verifications
from fleetkeep.catalog.database import Catalog
from fleetkeep.catalog.verifications import VerificationFilter
from fleetkeep.model import Point, Verification, VerificationKind


def list_verifications(
    catalog: Catalog,
    *,
    client: str | None = None,
    repository: str | None = None,
    archive_id: str | None = None,
    kinds: Sequence[VerificationKind] = (),
    limit: int = 100,
) -> list[Verification]:
    """Verifications with their evidence, the one that was recorded last first."""
    wanted = VerificationFilter(client, repository, archive_id, tuple(kinds), limit)
    with catalog.read() as connection:
        return verifications.list_verifications(connection, wanted)


def open_rounds(catalog: Catalog, client: str, repository: str) -> list[Verification]:
    """What a check must know to go on: of each kind and archive the last that was complete, and the parts after it."""
    with catalog.read() as connection:
        return verifications.open_rounds(connection, client=client, repository=repository)


def with_checks(catalog: Catalog, points: Sequence[Point]) -> list[Point]:
    """Archives with the last result of each kind of check of them."""
    with catalog.read() as connection:
        found = verifications.point_checks(connection, [point.archive.id for point in points])
    return [
        point.model_copy(
            update={"checks": tuple(found.get((point.client, point.archive.repository, point.archive.id), ()))}
        )
        for point in points
    ]


__all__ = ["list_verifications", "open_rounds", "with_checks"]
