# SPDX-License-Identifier: GPL-3.0-or-later
"""A new catalog as a copy of one that was made once: making one imports Alembic and goes through all migrations."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

from fleetkeep.catalog.database import open_catalog


@cache
def _empty() -> Path:
    folder = tempfile.mkdtemp(prefix="fleetkeep-catalog-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = Path(folder) / "catalog.sqlite"
    open_catalog(path).close()
    return path


def put_empty_catalog(path: Path) -> Path:
    """Have a catalog at ``path`` that is as the product makes it, with nothing in it; one that is there stays."""
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.copy(_empty(), path)
    return path
