# SPDX-License-Identifier: GPL-3.0-or-later
"""Folders above the sources, which an archive has something in and no entry of.

Which folders these are is noted while archives are taken in, and never taken back: it says where to look. What is there
at a point is looked up.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, TextClause, bindparam, text

from .file_folders import batches, child_folders
from .file_points import PlaceInTree

#: Folders without an entry of their own that have something now, and all above them.
_NOTE = text(
    """
    INSERT OR IGNORE INTO file_above (tree, folder)
    WITH RECURSIVE above (number, parent) AS (
        SELECT folder.number, folder.parent
        FROM file_folder AS folder
        WHERE folder.number IN :folders
          AND EXISTS (
            SELECT 1 FROM file_version AS version
            WHERE version.tree = :tree AND version.folder = folder.number AND version.last IS NULL
          )
          AND NOT EXISTS (
            SELECT 1 FROM file_version AS version
            WHERE version.tree = :tree AND version.folder = folder.parent AND version.name = folder.name
              AND version.last IS NULL
          )
        UNION
        SELECT folder.number, folder.parent
        FROM above JOIN file_folder AS folder ON folder.number = above.parent
    )
    SELECT :tree, number FROM above
    """
).bindparams(bindparam("folders", expanding=True))

_FOLDERS_OF_CLIENT = text("SELECT number FROM file_folder WHERE client = :client")

_IS_NOTED = text(
    """
    SELECT 1 FROM file_folder AS folder JOIN file_above AS above ON above.folder = folder.number
    WHERE folder.client = :client AND folder.parent = 0 AND folder.name = x'' AND above.tree = :tree
    """
)

_NOTED_ONLY = "CROSS JOIN file_above AS above ON above.tree = :tree AND above.folder = folder.number"

_NOTED_CHILDREN = text(
    f"SELECT folder.name, folder.number FROM file_folder AS folder {_NOTED_ONLY} "  # noqa: S608 -- made of constants
    "WHERE folder.client = :client AND folder.parent = :folder"
)


def _leads_somewhere(only: str) -> TextClause:
    """Whether a point has anything in a folder, or below it in folders that may be above the sources."""
    return text(
        f"""
        WITH RECURSIVE below (number) AS (
            SELECT :folder
            UNION ALL
            SELECT folder.number
            FROM below
            CROSS JOIN file_folder AS folder ON folder.client = :client AND folder.parent = below.number
            {only}
        )
        SELECT 1
        FROM below CROSS JOIN file_version AS version ON version.tree = :tree AND version.folder = below.number
        WHERE version.first <= :ordinal AND (version.last IS NULL OR version.last >= :ordinal)
        LIMIT 1
        """  # noqa: S608 -- made of constants only
    )


_LEADS_SOMEWHERE = {True: _leads_somewhere(_NOTED_ONLY), False: _leads_somewhere("")}


def note_above(connection: Connection, client: int, tree: int, folders: Iterable[int] | None = None) -> None:
    """Note which of these folders have something now and no entry of their own, and all folders above such.

    To be called when an archive, or a part of it, was taken in; a folder that is noted for nothing does no harm.

    Arguments:
        connection: A writing transaction.
        client: The key of the client.
        tree: The key of the tree.
        folders: The folders in which something began, and those whose own entry ended; all of the client if not given.
    """
    touched = connection.scalars(_FOLDERS_OF_CLIENT, {"client": client}).all() if folders is None else folders
    for batch in batches(touched):
        connection.execute(_NOTE, {"tree": tree, "folders": batch})


class Above:
    """The folders above the sources at one point. Where none was ever noted, any folder of the client may be one."""

    def __init__(self, connection: Connection, place: PlaceInTree) -> None:
        self._connection = connection
        self._place = {"client": place.client, "tree": place.tree}
        self._ordinal = place.ordinal
        self._is_noted = connection.scalar(_IS_NOTED, self._place) is not None

    def children(self, folder: int) -> dict[bytes, int]:
        """The folders in a folder that may be above the sources, by name."""
        if not self._is_noted:
            return child_folders(self._connection, self._place["client"], folder)
        rows = self._connection.execute(_NOTED_CHILDREN, self._place | {"folder": folder})
        return {name: number for name, number in rows}

    def leads_somewhere(self, folder: int) -> bool:
        """Whether the point has anything in a folder or below it."""
        wanted = self._place | {"ordinal": self._ordinal, "folder": folder}
        return self._connection.scalar(_LEADS_SOMEWHERE[self._is_noted], wanted) is not None


__all__ = ["Above", "note_above"]
