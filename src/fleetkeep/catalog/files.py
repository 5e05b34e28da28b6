# SPDX-License-Identifier: GPL-3.0-or-later
"""Versions of files: those of a folder at a point, those of a path, and those of a point in order.

These are the questions that must be answered in milliseconds over millions of rows, so they are SQL by hand; the rows
stay as bytes and numbers until somebody needs a model.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, text

from fleetkeep.model import FileStatus, FileVersion

from .file_folders import FolderTree, batches, decode
from .file_points import Line

COLUMNS = """
    version.tree, version.folder, version.name, version.first, version.last, version.size, version.modified_us,
    version.inode_after_us, version.target,
    attribute.mode, attribute.uid, attribute.gid, attribute.owner, attribute."group"
"""

#: Versions with what they share; CROSS keeps the database from beginning with the attributes.
SOURCE = "file_version AS version CROSS JOIN file_attribute AS attribute ON attribute.number = version.attribute"

AT = "version.first <= :ordinal AND (version.last IS NULL OR version.last >= :ordinal)"

_FOLDER = text(
    f"SELECT {COLUMNS} FROM {SOURCE} WHERE version.tree = :tree AND version.folder = :folder AND {AT} "  # noqa: S608
    "ORDER BY version.name"
)

_FOLDERS = text(
    f"SELECT {COLUMNS} FROM {SOURCE} WHERE version.tree = :tree AND version.folder IN :folders AND {AT}"  # noqa: S608
).bindparams(bindparam("folders", expanding=True))

#: Folders that are read with one statement.
_FOLDERS_AT_ONCE = 256

_ENTRY = text(
    f"SELECT {COLUMNS} FROM {SOURCE} WHERE version.tree = :tree AND version.folder = :folder "  # noqa: S608
    f"AND version.name = :name AND {AT}"
)

_PATH = text(
    f"SELECT {COLUMNS} FROM {SOURCE} WHERE version.tree IN :trees AND version.folder = :folder "  # noqa: S608
    "AND version.name = :name"
).bindparams(bindparam("trees", expanding=True))


class VersionRow(NamedTuple):
    """A row of versions with its attributes, as ``COLUMNS`` names them."""

    tree: int
    folder: int
    name: bytes
    first: int
    last: int | None
    size: int
    modified_us: int
    inode_after_us: int
    target: bytes | None
    mode: int
    uid: int
    gid: int
    owner: str
    group: str

    @property
    def is_folder(self) -> bool:
        return stat.S_ISDIR(self.mode)

    @property
    def status(self) -> FileStatus:
        """What it was."""
        return FileStatus(
            mode=self.mode,
            uid=self.uid,
            gid=self.gid,
            owner=self.owner,
            group=self.group,
            size=self.size,
            modified_us=self.modified_us,
            changed_us=self.modified_us + self.inode_after_us,
            target="" if self.target is None else decode(self.target),
        )


def folder_rows(connection: Connection, tree: int, ordinal: int, folder: int) -> list[VersionRow]:
    """What lies in a folder at a point, in the order of names."""
    rows = connection.execute(_FOLDER, {"tree": tree, "ordinal": ordinal, "folder": folder})
    return [VersionRow(*row) for row in rows]


def entry_row(connection: Connection, tree: int, ordinal: int, folder: int, name: bytes) -> VersionRow | None:
    """What one name of a folder is at a point."""
    wanted = {"tree": tree, "ordinal": ordinal, "folder": folder, "name": name}
    row = connection.execute(_ENTRY, wanted).one_or_none()
    return None if row is None else VersionRow(*row)


def path_rows(connection: Connection, trees: Sequence[int], folder: int, name: bytes) -> list[VersionRow]:
    """All versions of one name of a folder in some trees."""
    rows = connection.execute(_PATH, {"trees": list(trees), "folder": folder, "name": name})
    return [VersionRow(*row) for row in rows]


def walk(
    connection: Connection, client: int, tree: int, ordinal: int, start: int, path: bytes
) -> Iterator[tuple[bytes, list[VersionRow]]]:
    """A folder and all below it at a point: each path with what lies in it, a folder before those in it."""
    for batch in batches(FolderTree(connection, client).below(start, path), _FOLDERS_AT_ONCE):
        found: dict[int, list[VersionRow]] = {folder: [] for folder, _ in batch}
        for row in connection.execute(_FOLDERS, {"tree": tree, "ordinal": ordinal, "folders": list(found)}):
            found[row[1]].append(VersionRow(*row))
        for folder, place in batch:
            yield place, sorted(found[folder], key=lambda row: row.name)


def version_of(row: VersionRow, line: Line, path: str) -> FileVersion | None:
    """A row as a version; ``None`` when no archive of it may be shown."""
    points = line.between(row.first, row.last)
    if not points:
        return None
    return FileVersion(
        client=line.client,
        job=line.job,
        repository=line.repository,
        path=path,
        status=row.status,
        first_archive=points[0].archive,
        last_archive=points[-1].archive,
        first_seen_at=points[0].started_at,
        last_seen_at=points[-1].started_at,
        archives=len(points),
        is_present=points[-1] is line.points[-1],
    )


__all__ = [
    "AT",
    "COLUMNS",
    "SOURCE",
    "VersionRow",
    "entry_row",
    "folder_rows",
    "path_rows",
    "version_of",
    "walk",
]
