# SPDX-License-Identifier: GPL-3.0-or-later
"""Every database that a catalog can have; each test of this folder runs on all of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from empty_catalog import put_empty_catalog

from fleetkeep.catalog.database import Catalog, open_catalog


@pytest.fixture(params=["sqlite"])
def catalog(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Catalog]:
    """A new catalog."""
    openers = {"sqlite": lambda: open_catalog(put_empty_catalog(tmp_path / "state" / "catalog.sqlite"))}
    opened = openers[request.param]()
    yield opened
    opened.close()
