# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalog of files as a whole: forget it where it is to be told anew."""

from __future__ import annotations

from collections.abc import Sequence

from fleetkeep.catalog import file_index
from fleetkeep.catalog.database import Catalog


def forget_files(catalog: Catalog, *, client: str, job: str, repositories: Sequence[str]) -> None:
    """Forget what is in the archives of a job; runs, archives and their receipts stay."""
    for repository in repositories:
        with catalog.write() as connection:
            trees = file_index.find_trees(connection, client=client, job=job, repository=repository)
            file_index.forget_trees(connection, trees)


__all__ = ["forget_files"]
