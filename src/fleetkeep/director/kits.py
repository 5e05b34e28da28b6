# SPDX-License-Identifier: GPL-3.0-or-later
"""Which recovery kits there are."""

from __future__ import annotations

from fleetkeep.catalog import kits
from fleetkeep.catalog.database import Catalog
from fleetkeep.model import Kit


def list_kits(catalog: Catalog, *, repository: str | None = None, retired: bool = True) -> list[Kit]:
    """Recovery kits, the one that was made last first; without ``retired`` only those that are not stale."""
    with catalog.read() as connection:
        return kits.list_kits(connection, repository=repository, retired=retired)


__all__ = ["list_kits"]
