# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of this host for the verbs that read it: nothing is made where nothing is, and nothing is left out."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fleetkeep.clock import SystemClock
from fleetkeep.errors import CatalogForbidden, FleetkeepError

from ._common import open_standalone_catalog, paths

if TYPE_CHECKING:
    from fleetkeep.catalog.database import Catalog


@contextmanager
def record() -> Iterator[Catalog | None]:
    """The catalog of this host with all that waited in the spool; ``None`` where nothing was ever recorded."""
    places = paths()
    if not (_exists(places.catalog) or _exists(places.spool)):
        yield None
        return
    catalog = open_standalone_catalog()
    try:
        if _exists(places.spool):
            _take_in(catalog, places.spool)
        yield catalog
    finally:
        catalog.close()


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except PermissionError:
        raise CatalogForbidden(path=path) from None


def _take_in(catalog: Catalog, path: Path) -> None:
    """Deliver what waits in the spool. Where that does not work, what is recorded is shown all the same."""
    from fleetkeep.agent.spool import Spool, drain
    from fleetkeep.director.embedded import EmbeddedDirector

    try:
        with closing(Spool(path)) as spool:
            if not spool.is_empty():
                drain(spool, EmbeddedDirector(catalog, SystemClock()))
    except (FleetkeepError, sqlite3.Error, OSError) as error:
        click.echo(f"What waits in {path} is not shown here: {error}", err=True)


__all__ = ["record"]
