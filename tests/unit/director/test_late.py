# SPDX-License-Identifier: GPL-3.0-or-later
"""The late Director costs nothing until somebody speaks to it."""

from __future__ import annotations

from pathlib import Path

from fleetkeep.clock import SystemClock
from fleetkeep.director.late import LateDirector


def test_the_catalog_is_opened_at_the_first_word(tmp_path: Path) -> None:
    catalog = tmp_path / "catalog.sqlite"
    director = LateDirector(catalog, SystemClock())
    assert not catalog.exists()
    assert director.deliver([]) == 0
    assert catalog.exists()
