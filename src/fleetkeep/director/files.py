# SPDX-License-Identifier: GPL-3.0-or-later
"""Files in all archives: what lies where, what it was before, where it is, and what differs. Questions to the catalog.

Paths are stored ones: text without a leading slash, a byte that is no UTF-8 as a lone surrogate.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice

from sqlalchemy import Connection

from fleetkeep.catalog import file_diff, file_points, file_search, files
from fleetkeep.catalog.database import Catalog
from fleetkeep.catalog.file_above import Above
from fleetkeep.catalog.file_folders import decode, encode, find_folder, join
from fleetkeep.catalog.file_points import Line, PlaceInTree
from fleetkeep.errors import ArchiveNotIndexed, PathInNeither, PathNotInArchive
from fleetkeep.model import (
    FileChange,
    FileEntry,
    FileHit,
    FileQuery,
    FileState,
    FileVersion,
    IndexCoverage,
    Point,
    PointDiff,
)
from fleetkeep.plan.file_diff import diff_status, roll_up
from fleetkeep.plan.file_history import group_versions
from fleetkeep.plan.file_pattern import parse_pattern

# --- one point ---


def list_folder(catalog: Catalog, point: Point, path: str) -> list[FileEntry]:
    """What lies in a folder at a point, in the order of names; an empty path is the root.

    A folder above the sources is there without a status. Raises ``ArchiveNotIndexed``, and ``PathNotInArchive`` where
    the point has no such folder.
    """
    with catalog.read() as connection:
        place = _place(connection, point)
        folder = _find(connection, place, path)
        found = [] if folder is None else _list(connection, place, folder, _encoded(path))
        if not found:
            entry = _entry(connection, place, path) if path else FileEntry(path="")
            if entry is None or not (entry.status is None or entry.status.is_folder):
                raise PathNotInArchive(archive=point.archive.name, path=path)
        return found


def find_entry(catalog: Catalog, point: Point, path: str) -> FileEntry | None:
    """What a path is at a point; without a status a folder above the sources. Raises ``ArchiveNotIndexed``."""
    with catalog.read() as connection:
        return _entry(connection, _place(connection, point), path)


def point_entries(catalog: Catalog, point: Point) -> Iterator[FileEntry]:
    """Every entry that an archive holds, in the order of the folders' paths and the names; each with its status.

    It is one consistent view that lasts until the iterator ends or is closed. Raises ``ArchiveNotIndexed``.
    """
    with catalog.read() as connection:
        place = _place(connection, point)
        root = find_folder(connection, place.client, b"")
        if root is None:
            return
        for folder, rows in files.walk(connection, place.client, place.tree, place.ordinal, root, b""):
            for row in rows:
                yield FileEntry(path=decode(join(folder, row.name)), status=row.status)


# --- all points ---


def find_files(catalog: Catalog, query: FileQuery) -> list[FileVersion]:
    """The versions that a search is for, by client and path, the newest of each path first; ``limit`` counts paths."""
    return [version for versions in _search(catalog, query) for version in versions]


def find_hits(catalog: Catalog, query: FileQuery) -> list[FileHit]:
    """The paths that a search is for; what several repositories of a job hold alike counts once."""
    hits = []
    for versions in _search(catalog, query):
        states = group_versions(versions)
        hits.append(FileHit(client=states[0].client, path=states[0].path, newest=states[0], states=len(states)))
    return hits


def path_history(
    catalog: Catalog, path: str, *, client: str | None = None, job: str | None = None, repository: str | None = None
) -> list[FileVersion]:
    """Every version of a path that an archive still holds, the newest first; none where no archive has it."""
    above, _, name = path.rpartition("/")
    folder_path, name_bytes = _encoded(above), _encoded(name)
    found: list[FileVersion] = []
    with catalog.read() as connection:
        lines = file_points.list_lines(connection, client=client, job=job, repository=repository)
        for number, of_client in _by_client(lines).items():
            folder = find_folder(connection, number, folder_path)
            if folder is None or not name:
                continue
            by_tree = {line.tree: line for line in of_client}
            for row in files.path_rows(connection, list(by_tree), folder, name_bytes):
                version = files.version_of(row, by_tree[row.tree], path)
                if version is not None:
                    found.append(version)
    return _newest_first(found)


def path_states(
    catalog: Catalog, path: str, *, client: str | None = None, job: str | None = None, repository: str | None = None
) -> list[FileState]:
    """What a path was, the newest first; what several repositories of a job hold alike is one."""
    return group_versions(path_history(catalog, path, client=client, job=job, repository=repository))


def index_coverage(
    catalog: Catalog, *, client: str | None = None, job: str | None = None, repository: str | None = None
) -> IndexCoverage:
    """How many archives exist, and of how many of them the files are known."""
    with catalog.read() as connection:
        archives, indexed = file_points.count_indexed(connection, client=client, job=job, repository=repository)
    return IndexCoverage(archives=archives, indexed=indexed)


# --- two points ---


def diff_points(catalog: Catalog, a: Point, b: Point, path: str = "", *, depth: int = 1) -> PointDiff:
    """How ``b`` differs from ``a`` in a path and below it, added up by folder down to ``depth`` folders.

    Raises ``ArchiveNotIndexed``, and ``PathInNeither``.
    """
    return roll_up(diff_entries(catalog, a, b, path), path, depth)


def diff_entries(catalog: Catalog, a: Point, b: Point, path: str = "") -> Iterator[FileChange]:
    """Every path that ``b`` has otherwise than ``a``, in the order of the folders' paths and the names.

    It is one consistent view that lasts until the iterator ends or is closed. Raises as ``diff_points``.
    """
    with catalog.read() as connection:
        one, other = _place(connection, a), _place(connection, b)
        if path and _entry(connection, one, path) is None and _entry(connection, other, path) is None:
            raise PathInNeither(a=a.archive.name, b=b.archive.name, path=path)
        for folder, name, before, after in file_diff.differences(connection, one, other, _encoded(path)):
            change = FileChange(
                path=decode(join(folder, name)),
                before=None if before is None else before.status,
                after=None if after is None else after.status,
            )
            if diff_status(change.before, change.after):
                yield change


# --- what these share ---


def _place(connection: Connection, point: Point) -> PlaceInTree:
    place = file_points.find_place(connection, point)
    if place is None:
        raise ArchiveNotIndexed(archive=point.archive.name, repository=point.archive.repository)
    return place


def _find(connection: Connection, place: PlaceInTree, path: str) -> int | None:
    return find_folder(connection, place.client, _encoded(path))


def _list(connection: Connection, place: PlaceInTree, folder: int, path: bytes) -> list[FileEntry]:
    rows = files.folder_rows(connection, place.tree, place.ordinal, folder)
    found = {row.name: FileEntry(path=decode(join(path, row.name)), status=row.status) for row in rows}
    above = Above(connection, place)
    for name, number in above.children(folder).items():
        if name not in found and above.leads_somewhere(number):
            found[name] = FileEntry(path=decode(join(path, name)))
    return [found[name] for name in sorted(found)]


def _entry(connection: Connection, place: PlaceInTree, path: str) -> FileEntry | None:
    above, _, name = path.rpartition("/")
    folder = _find(connection, place, above)
    if folder is None:
        return None
    row = files.entry_row(connection, place.tree, place.ordinal, folder, _encoded(name)) if name else None
    if row is not None:
        return FileEntry(path=path, status=row.status)
    number = _find(connection, place, path)
    if number is None or not Above(connection, place).leads_somewhere(number):
        return None
    return FileEntry(path=path)


def _search(catalog: Catalog, query: FileQuery) -> Iterator[list[FileVersion]]:
    """By path, the versions that a search is for, the newest first."""
    with catalog.read() as connection:
        lines = file_points.list_lines(connection, client=query.client, job=query.job, repository=query.repository)
        chosen = {line.tree: ordinals for line in lines if (ordinals := _ordinals(line, query)) != ()}
        by_client = _by_client([line for line in lines if line.tree in chosen])
        search = file_search.Search(connection, parse_pattern(query), query)
        found = (
            versions
            for client, of_client in by_client.items()
            for versions in _search_client(search, client, of_client, chosen)
        )
        yield from islice(found, query.limit)


def _search_client(
    search: file_search.Search, client: int, lines: Sequence[Line], chosen: file_search.Chosen
) -> Iterator[list[FileVersion]]:
    by_tree = {line.tree: line for line in lines}
    for folder, name, rows in search.of_client(client, {tree: chosen[tree] for tree in by_tree}):
        path = decode(join(folder, name))
        versions = [version for row in rows if (version := files.version_of(row, by_tree[row.tree], path)) is not None]
        if versions:
            yield _newest_first(versions)


def _ordinals(line: Line, query: FileQuery) -> tuple[int, ...] | None:
    """Which points of a line a search is for; ``None`` for all of them."""
    points = line.points
    if query.archive is None and query.at is None:
        return None
    if query.archive is not None:
        points = tuple(point for point in points if point.archive == query.archive)
    if query.at is not None:
        moment: datetime = query.at
        begun = [point for point in points if point.is_good and point.started_at <= moment]
        newest = max(begun, key=lambda point: (point.started_us, point.ordinal), default=None)
        points = () if newest is None else (newest,)
    return tuple(point.ordinal for point in points)


def _by_client(lines: Sequence[Line]) -> dict[int, list[Line]]:
    result: dict[int, list[Line]] = {}
    for line in lines:
        result.setdefault(line.client_number, []).append(line)
    return result


def _newest_first(versions: list[FileVersion]) -> list[FileVersion]:
    return sorted(versions, key=lambda version: (version.last_seen_at, version.first_seen_at), reverse=True)


def _encoded(path: str) -> bytes:
    """A path as bytes; one that no bytes stand for is a path that nothing has."""
    try:
        return encode(path)
    except UnicodeEncodeError:
        return b"\0"


__all__ = [
    "diff_entries",
    "diff_points",
    "find_entry",
    "find_files",
    "find_hits",
    "index_coverage",
    "list_folder",
    "path_history",
    "path_states",
    "point_entries",
]
