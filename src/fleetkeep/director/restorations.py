# SPDX-License-Identifier: GPL-3.0-or-later
"""Which restores were done."""

from __future__ import annotations

from fleetkeep.catalog import restorations
from fleetkeep.catalog.database import Catalog
from fleetkeep.model import Restoration


def list_restorations(
    catalog: Catalog, *, client: str | None = None, repository: str | None = None, limit: int = 100
) -> list[Restoration]:
    """Restores, the one that was recorded last first."""
    with catalog.read() as connection:
        return restorations.list_restorations(connection, client=client, repository=repository, limit=limit)


__all__ = ["list_restorations"]
