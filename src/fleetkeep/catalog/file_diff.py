# SPDX-License-Identifier: GPL-3.0-or-later
"""What differs between two points of one client, folder by folder, or of two clients side by side."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, text

from .file_folders import FolderTree, batches, find_folder
from .file_points import PlaceInTree
from .files import COLUMNS, SOURCE, VersionRow, entry_row, walk

#: Folders that are compared with one statement.
_FOLDERS = 256

_IN_A = "(version.first <= :a AND (version.last IS NULL OR version.last >= :a))"
_IN_B = "(version.first <= :b AND (version.last IS NULL OR version.last >= :b))"

_IN_TREE = text(
    f"SELECT {COLUMNS}, {_IN_A} FROM {SOURCE} "  # noqa: S608 -- made of constants only
    f"WHERE version.tree = :tree_a AND version.folder IN :folders AND {_IN_A} <> {_IN_B}"
).bindparams(bindparam("folders", expanding=True))

_IN_TREES = text(
    f"SELECT {COLUMNS}, version.tree = :tree_a FROM {SOURCE} "  # noqa: S608 -- made of constants only
    f"WHERE version.tree IN (:tree_a, :tree_b) AND version.folder IN :folders "
    f"AND CASE version.tree WHEN :tree_a THEN {_IN_A} ELSE {_IN_B} END"
).bindparams(bindparam("folders", expanding=True))


class Difference(NamedTuple):
    """A path that has two rows, or one where the other point has none. Two rows may say the same."""

    folder: bytes
    """The path of its folder."""

    name: bytes
    before: VersionRow | None
    after: VersionRow | None


def differences(connection: Connection, a: PlaceInTree, b: PlaceInTree, path: bytes) -> Iterator[Difference]:
    """Whatever differs between two points in a path and below it, in the order of the folders' paths and the names."""
    if path:
        yield from _of_path(connection, a, b, path)
    if a.client == b.client:
        yield from _of_one_client(connection, a, b, path)
    else:
        yield from _side_by_side(_walk(connection, a, path), _walk(connection, b, path))


def _of_path(connection: Connection, a: PlaceInTree, b: PlaceInTree, path: bytes) -> Iterator[Difference]:
    above, _, name = path.rpartition(b"/")
    rows = []
    for place in (a, b):
        folder = find_folder(connection, place.client, above)
        rows.append(None if folder is None else entry_row(connection, place.tree, place.ordinal, folder, name))
    if any(row is not None for row in rows):
        yield Difference(above, name, *rows)


def _of_one_client(connection: Connection, a: PlaceInTree, b: PlaceInTree, path: bytes) -> Iterator[Difference]:
    start = find_folder(connection, a.client, path)
    if start is None:
        return
    statement = _IN_TREE if a.tree == b.tree else _IN_TREES
    values = {"tree_a": a.tree, "a": a.ordinal, "b": b.ordinal}
    if a.tree != b.tree:
        values["tree_b"] = b.tree
    for batch in batches(FolderTree(connection, a.client).below(start, path), _FOLDERS):
        found: dict[int, tuple[list[VersionRow], list[VersionRow]]] = {folder: ([], []) for folder, _ in batch}
        for *columns, is_before in connection.execute(statement, values | {"folders": list(found)}):
            row = VersionRow(*columns)
            found[row.folder][0 if is_before else 1].append(row)
        for folder, place in batch:
            yield from _pairs(place, *found[folder])


def _pairs(folder: bytes, before: Iterable[VersionRow], after: Iterable[VersionRow]) -> Iterator[Difference]:
    old = {row.name: row for row in before}
    new = {row.name: row for row in after}
    for name in sorted(old.keys() | new.keys()):
        yield Difference(folder, name, old.get(name), new.get(name))


# --- two clients, whose folders have other keys ---

_Listing = Iterator[tuple[bytes, list[VersionRow]]]


def _walk(connection: Connection, place: PlaceInTree, path: bytes) -> _Listing:
    start = find_folder(connection, place.client, path)
    if start is None:
        return iter(())
    return walk(connection, place.client, place.tree, place.ordinal, start, path)


def _side_by_side(one: _Listing, other: _Listing) -> Iterator[Difference]:
    sides = heapq.merge(
        ((folder.split(b"/"), 0, folder, rows) for folder, rows in one),
        ((folder.split(b"/"), 1, folder, rows) for folder, rows in other),
        key=lambda each: each[:2],
    )
    for _, group in groupby(sides, key=lambda each: each[0]):
        rows: dict[int, list[VersionRow]] = {0: [], 1: []}
        folder = b""
        for _, side, folder, found in group:  # noqa: B007 -- both sides have the same folder
            rows[side] = found
        yield from _pairs(folder, rows[0], rows[1])


__all__ = ["Difference", "differences"]
