# SPDX-License-Identifier: GPL-3.0-or-later
"""What drills have proved."""

from __future__ import annotations

from fleetkeep.catalog import drills
from fleetkeep.catalog.database import Catalog
from fleetkeep.model import Drill


def list_drills(
    catalog: Catalog, *, client: str | None = None, job: str | None = None, limit: int = 100
) -> list[Drill]:
    """Drills with the files that they compared, the one that ended last first."""
    with catalog.read() as connection:
        return drills.list_drills(connection, client=client, job=job, limit=limit)


def latest_drill(catalog: Catalog, job: str, *, client: str | None = None) -> Drill | None:
    """The drill of a job that ended last."""
    return next(iter(list_drills(catalog, client=client, job=job, limit=1)), None)


__all__ = ["latest_drill", "list_drills"]
