# SPDX-License-Identifier: GPL-3.0-or-later
"""How the items of archives become intervals: part by part, each in the transaction that takes it.

An archive is told completely before the next one of its tree. While it is being told its point is ``building``, and
nothing of it is shown: what it begins has its ordinal as ``first``, what it ends has the one before as ``last``. So a
telling that stopped halfway can be undone by these two numbers alone, whoever stopped it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, text, update

from fleetkeep.link.files import Line
from fleetkeep.model import IndexOrder, IndexRequest, IndexState, ListedArchive

from . import tables
from .file_above import note_above
from .file_folders import encode
from .file_names import add_names
from .file_types import TYPE_FLAG, TYPE_FLAGS
from .rows import ensure_row
from .runs import interrupted_runs


@dataclass(frozen=True)
class Place:
    """The keys of an archive and of where it belongs."""

    client: int
    tree: int
    archive: int


@dataclass(frozen=True)
class Telling:
    """The point that is being told."""

    client: int
    tree: int
    ordinal: int
    is_whole: bool
    """Whether all that is not told is gone."""


# --- what is known ---


def plan_index(connection: Connection, request: IndexRequest) -> IndexOrder:
    """Which archives of a job in a repository must be told, and from which one on."""
    known = _known_archives(connection, request)
    own = [row for row in known if row.job_name == request.job]
    indexed = [row for row in own if row.state is IndexState.COMPLETE]
    base = max(indexed, key=lambda row: row.ordinal, default=None)
    newest = base.number if base is not None else 0
    return IndexOrder(
        base=base.id if base is not None else None,
        wanted=tuple(
            row.id
            for row in own
            if row.number > newest and row.state is not IndexState.COMPLETE and row.deleted_at is None
        ),
        known=tuple(ListedArchive(id=row.id, name=row.name) for row in known if row.deleted_at is None),
        is_blank=base is None,
        interrupted=tuple(interrupted_runs(connection, request)),
    )


def _known_archives(connection: Connection, request: IndexRequest) -> Sequence[Any]:
    archive, point = tables.archive, tables.file_point
    query = (
        select(
            archive.c.number,
            archive.c.id,
            archive.c.name,
            archive.c.deleted_at,
            tables.job.c.name.label("job_name"),
            point.c.state,
            point.c.ordinal,
        )
        .join(tables.client, archive.c.client == tables.client.c.number)
        .join(tables.job, archive.c.job == tables.job.c.number)
        .join(tables.repository, archive.c.repository == tables.repository.c.number)
        .outerjoin(point, point.c.archive == archive.c.number)
        .where(
            tables.client.c.name == request.client,
            tables.repository.c.name == request.repository,
            archive.c.borg_repository_id == request.repository_id,
        )
        .order_by(archive.c.number)
    )
    return connection.execute(query).all()


# --- one archive ---


def find_archive(connection: Connection, repository: int, borg_repository_id: str, archive_id: str) -> int | None:
    """The key of an archive that was recorded."""
    table = tables.archive
    number: int | None = connection.scalar(
        select(table.c.number).where(
            table.c.repository == repository,
            table.c.borg_repository_id == borg_repository_id,
            table.c.id == archive_id,
        )
    )
    return number


def ensure_tree(connection: Connection, client: int, job: int, repository: int, borg_repository_id: str) -> int:
    """The key of the line of archives of a job in a repository."""
    keys = {"job": job, "repository": repository, "borg_repository_id": borg_repository_id}
    return ensure_row(connection, tables.file_tree, keys, {"client": client})


def begin(connection: Connection, place: Place, *, base: str | None, attempt: str, now: datetime) -> Telling | None:
    """Begin to take what an archive holds, whatever came of an earlier telling.

    Gives ``None`` where it is known already, or leads from another archive than the newest that is known.
    """
    _undo_unfinished(connection, place.tree)
    point = tables.file_point
    if connection.scalar(select(point.c.ordinal).where(point.c.archive == place.archive)) is not None:
        return None
    newest = _newest(connection, place.tree)
    if base is not None and (newest is None or newest.id != base):
        return None
    ordinal = newest.ordinal + 1 if newest is not None else 1
    values: dict[str, Any] = {
        "tree": place.tree,
        "ordinal": ordinal,
        "archive": place.archive,
        "state": IndexState.BUILDING,
    }
    values |= {"attempt": attempt, "parts": 0, "entries": 0, "indexed_at": now}
    connection.execute(insert(point).values(values))
    return Telling(place.client, place.tree, ordinal, is_whole=base is None)


def resume(connection: Connection, place: Place, *, is_whole: bool, attempt: str, part: int) -> Telling | None:
    """Go on with a telling; ``None`` where this is not its next part."""
    point = tables.file_point
    row = connection.execute(
        select(point.c.ordinal).where(
            point.c.tree == place.tree,
            point.c.archive == place.archive,
            point.c.state == IndexState.BUILDING,
            point.c.attempt == attempt,
            point.c.parts == part - 1,
        )
    ).one_or_none()
    return None if row is None else Telling(place.client, place.tree, row.ordinal, is_whole)


def take(connection: Connection, telling: Telling, there: Sequence[Line], gone: Sequence[str]) -> None:
    """Take one part: what is there, and the paths of what is gone."""
    folders = _Folders(connection, telling.client)
    touched: set[int] = set()
    if there:
        touched |= _stage(connection, folders, there)
        _take_there(connection, telling)
    if gone:
        touched |= _take_gone(connection, telling, folders, gone)
    note_above(connection, telling.client, telling.tree, touched)
    point = tables.file_point
    connection.execute(
        update(point)
        .where(point.c.tree == telling.tree, point.c.ordinal == telling.ordinal)
        .values(parts=point.c.parts + 1)
    )


def finish(connection: Connection, telling: Telling, entries: int, now: datetime) -> None:
    """The archive is told; from now on it may be shown."""
    values = {"tree": telling.tree, "ordinal": telling.ordinal}
    if telling.is_whole and telling.ordinal > 1:
        connection.execute(_END_UNSEEN, values)
        note_above(connection, telling.client, telling.tree)
    connection.execute(_FORGET_SEEN, values)
    point = tables.file_point
    connection.execute(
        update(point)
        .where(point.c.tree == telling.tree, point.c.ordinal == telling.ordinal)
        .values(state=IndexState.COMPLETE, entries=entries, indexed_at=now)
    )


# --- what is gone ---


def forget_dead(connection: Connection, trees: Iterable[int]) -> None:
    """Remove versions that no archive which exists has any more. What the newest archive has always stays."""
    point, archive = tables.file_point, tables.archive
    for tree in trees:
        query = (
            select(point.c.ordinal, archive.c.deleted_at.is_(None).label("exists"))
            .join(archive, point.c.archive == archive.c.number)
            .where(point.c.tree == tree)
            .order_by(point.c.ordinal)
        )
        for before, after in _dead_gaps([(row.ordinal, row.exists) for row in connection.execute(query)]):
            connection.execute(_FORGET_BETWEEN, {"tree": tree, "before": before, "after": after})


def trees_of(connection: Connection, repository: int, borg_repository_id: str) -> list[int]:
    """The trees of a client's repository."""
    table = tables.file_tree
    query = select(table.c.number).where(
        table.c.repository == repository, table.c.borg_repository_id == borg_repository_id
    )
    return list(connection.scalars(query))


def find_trees(connection: Connection, *, client: str, job: str, repository: str) -> list[int]:
    """The trees of a job in a repository, one for each that ever lay there, by names."""
    table = tables.file_tree
    query = (
        select(table.c.number)
        .join(tables.client, table.c.client == tables.client.c.number)
        .join(tables.job, table.c.job == tables.job.c.number)
        .join(tables.repository, table.c.repository == tables.repository.c.number)
        .where(tables.client.c.name == client, tables.job.c.name == job, tables.repository.c.name == repository)
    )
    return list(connection.scalars(query))


def forget_trees(connection: Connection, trees: Iterable[int]) -> None:
    """Forget all that is known of the files of some trees, so that it is told anew. No archive is touched."""
    for tree in trees:
        for statement in _FORGET_TREE:
            connection.execute(statement, {"tree": tree})


def _dead_gaps(points: Sequence[tuple[int, bool]]) -> list[tuple[int, int]]:
    """Between which two ordinals that count no archive exists; ``points`` are ordinals, and whether each exists.

    >>> _dead_gaps([(1, True), (2, False), (3, False), (4, True), (5, True)])
    [(1, 4)]
    >>> _dead_gaps([(1, False), (2, True), (3, False)])
    [(0, 2), (2, 4)]
    """
    gaps = []
    before, is_dead = 0, False
    for ordinal, is_there in [*points, (points[-1][0] + 1 if points else 1, True)]:
        if is_there:
            gaps += [(before, ordinal)] * is_dead
            before = ordinal
        is_dead = not is_there
    return gaps


def _undo_unfinished(connection: Connection, tree: int) -> None:
    point = tables.file_point
    query = select(point.c.ordinal).where(point.c.tree == tree, point.c.state == IndexState.BUILDING)
    for ordinal in connection.scalars(query).all():
        for statement in _UNDO:
            connection.execute(statement, {"tree": tree, "ordinal": ordinal})


def _newest(connection: Connection, tree: int) -> Any:
    """Ordinal and id of the newest archive of a tree, whether it still exists or not."""
    point = tables.file_point
    return connection.execute(
        select(point.c.ordinal, tables.archive.c.id)
        .join(tables.archive, point.c.archive == tables.archive.c.number)
        .where(point.c.tree == tree)
        .order_by(point.c.ordinal.desc())
        .limit(1)
    ).one_or_none()


# --- parts ---


class _Folders:
    """The keys of the folders of a client, which are made when a path names them for the first time."""

    def __init__(self, connection: Connection, client: int) -> None:
        self._connection = connection
        self._client = client
        self._keys: dict[bytes, int] = {}

    def split(self, path: str) -> tuple[int, bytes]:
        """The folder that a path lies in, and its name there."""
        folder, _, name = encode(path).rpartition(b"/")
        return self._keys.get(folder) or self.ensure(folder), name

    def ensure(self, path: bytes) -> int:
        """The key of a folder."""
        if path not in self._keys:
            above, _, name = path.rpartition(b"/")
            parent = (self._keys.get(above) or self.ensure(above)) if path else 0
            keys = {"client": self._client, "parent": parent, "name": name}
            found: int | None = self._connection.execute(_FIND_FOLDER, keys).scalar()
            if found is None:
                made = insert(tables.file_folder).values(keys).returning(tables.file_folder.c.number)
                found = self._connection.execute(made).scalar_one()
            self._keys[path] = found
        return self._keys[path]


def _stage(connection: Connection, folders: _Folders, there: Sequence[Line]) -> set[int]:
    """Put lines where one statement can see them all, and give their folders; of two for a path the later counts."""
    connection.execute(_MAKE_STAGE)
    connection.execute(_CLEAR_STAGE)
    attributes: dict[tuple[Any, ...], int] = {}
    rows = []
    for _, path, mode, uid, gid, owner, group, size, modified, changed, target in there:
        kind = (mode, uid, gid, owner, group)
        if kind not in attributes:
            keys = dict(zip(("mode", "uid", "gid", "owner", "group"), kind, strict=True))
            attributes[kind] = ensure_row(connection, tables.file_attribute, keys, {})
        folder, name = folders.split(path)
        where = encode(target) if target else None
        rows.append((folder, name, size, modified, changed - modified, attributes[kind], where))
    connection.exec_driver_sql(_FILL_STAGE, rows)
    return {row[0] for row in rows}


def _take_there(connection: Connection, telling: Telling) -> None:
    values = {"tree": telling.tree, "ordinal": telling.ordinal, "client": telling.client}
    if telling.is_whole and telling.ordinal > 1:
        connection.execute(_SEE, values)
    if telling.ordinal > 1:
        connection.execute(_LEAVE_OUT_UNCHANGED, values)
    new: dict[int, list[bytes]] = {}
    for folder, name in connection.execute(_NEW_NAMES, values):
        new.setdefault(folder, []).append(name)
    if telling.ordinal > 1:
        connection.execute(_END_CHANGED, values)
    connection.execute(_BEGIN, values)
    connection.execute(_WIDEN_EXTENTS)
    add_names(connection, telling.client, new)


def _take_gone(connection: Connection, telling: Telling, folders: _Folders, gone: Sequence[str]) -> set[int]:
    """End what is gone; gives the folders among it, in which something may be left."""
    rows, ended = [], set()
    for path in gone:
        folder, name = folders.split(path)
        rows.append({"tree": telling.tree, "ordinal": telling.ordinal, "folder": folder, "name": name})
        inner: int | None = connection.scalar(_FIND_FOLDER, {"client": telling.client, "parent": folder, "name": name})
        ended |= {inner} if inner is not None else set()
    connection.execute(_END_ONE, rows)
    connection.execute(_UNBEGIN_ONE, rows)
    return ended


# --- statements ---

_FIND_FOLDER = text("SELECT number FROM file_folder WHERE client = :client AND parent = :parent AND name = :name")

_MAKE_STAGE = text(
    """
    CREATE TEMPORARY TABLE IF NOT EXISTS file_stage (
        folder INTEGER NOT NULL, name BLOB NOT NULL, size INTEGER NOT NULL, modified_us INTEGER NOT NULL,
        inode_after_us INTEGER NOT NULL, attribute INTEGER NOT NULL, target BLOB, PRIMARY KEY (folder, name)
    ) WITHOUT ROWID
    """
)
_CLEAR_STAGE = text("DELETE FROM temp.file_stage")
_FILL_STAGE = "INSERT OR REPLACE INTO temp.file_stage VALUES (?, ?, ?, ?, ?, ?, ?)"

#: Paths of a whole listing; what is not among them in the end is gone.
_SEE = text(
    """
    INSERT OR IGNORE INTO file_seen (tree, folder, name)
    SELECT :tree, folder, name FROM temp.file_stage
    """
)

#: What is there as it was before begins no version.
_LEAVE_OUT_UNCHANGED = text(
    """
    DELETE FROM temp.file_stage WHERE EXISTS (
        SELECT 1 FROM file_version AS version
        WHERE version.tree = :tree AND version.folder = file_stage.folder AND version.name = file_stage.name
          AND version.last IS NULL AND version.size = file_stage.size
          AND version.modified_us = file_stage.modified_us AND version.inode_after_us = file_stage.inode_after_us
          AND version.attribute = file_stage.attribute AND version.target IS file_stage.target
    )
    """
)

#: Names that no line of archives of the client had before.
_NEW_NAMES = text(
    """
    SELECT folder, name FROM temp.file_stage AS stage
    WHERE NOT EXISTS (
        SELECT 1 FROM file_tree AS tree CROSS JOIN file_version AS version
        WHERE tree.client = :client AND version.tree = tree.number
          AND version.folder = stage.folder AND version.name = stage.name
    )
    """
)

#: Which versions end is found from the stage, path by path: joined the other way, all versions of the tree are read
#: for each part.
_END_CHANGED = text(
    """
    UPDATE file_version SET last = :ordinal - 1
    WHERE (tree, folder, name, first) IN (
        SELECT version.tree, version.folder, version.name, version.first
        FROM temp.file_stage AS stage CROSS JOIN file_version AS version
        WHERE version.tree = :tree AND version.folder = stage.folder AND version.name = stage.name
          AND version.last IS NULL AND version.first < :ordinal
    )
    """
)

_BEGIN = text(
    """
    INSERT OR REPLACE INTO file_version
        (tree, folder, name, first, last, size, modified_us, inode_after_us, attribute, target)
    SELECT :tree, folder, name, :ordinal, NULL, size, modified_us, inode_after_us, attribute, target
    FROM temp.file_stage
    """
)

#: The extents of a folder only ever widen: they say where a search need not look.
_WIDEN_EXTENTS = text(
    f"""
    UPDATE file_folder
    SET largest_bytes = max(coalesce(largest_bytes, stage.largest), stage.largest),
        oldest_us = min(coalesce(oldest_us, stage.oldest), stage.oldest),
        newest_us = max(coalesce(newest_us, stage.newest), stage.newest),
        types = file_folder.types | stage.types
    FROM (
        SELECT folder, max(size) AS largest, min(modified_us) AS oldest, max(modified_us) AS newest,
               {" | ".join(f"max({TYPE_FLAG} & {flag})" for flag in TYPE_FLAGS.values())} AS types
        FROM temp.file_stage AS stage CROSS JOIN file_attribute AS attribute ON attribute.number = stage.attribute
        GROUP BY folder
    ) AS stage
    WHERE number = stage.folder
    """  # noqa: S608 -- made of constants only
)

_END_ONE = text(
    """
    UPDATE file_version SET last = :ordinal - 1
    WHERE tree = :tree AND folder = :folder AND name = :name AND last IS NULL AND first < :ordinal
    """
)

_UNBEGIN_ONE = text(
    "DELETE FROM file_version WHERE tree = :tree AND folder = :folder AND name = :name AND first = :ordinal"
)

_END_UNSEEN = text(
    """
    UPDATE file_version SET last = :ordinal - 1
    WHERE tree = :tree AND last IS NULL AND first < :ordinal AND NOT EXISTS (
        SELECT 1 FROM file_seen AS seen
        WHERE seen.tree = :tree AND seen.folder = file_version.folder AND seen.name = file_version.name
    )
    """
)

_FORGET_SEEN = text("DELETE FROM file_seen WHERE tree = :tree")

_UNDO = (
    text("DELETE FROM file_version WHERE tree = :tree AND first = :ordinal"),
    text("UPDATE file_version SET last = NULL WHERE tree = :tree AND last = :ordinal - 1"),
    _FORGET_SEEN,
    text("DELETE FROM file_point WHERE tree = :tree AND ordinal = :ordinal"),
)

_FORGET_BETWEEN = text(
    "DELETE FROM file_version WHERE tree = :tree AND last IS NOT NULL AND first > :before AND last < :after"
)

_FORGET_TREE = (
    text("DELETE FROM file_version WHERE tree = :tree"),
    text("DELETE FROM file_above WHERE tree = :tree"),
    _FORGET_SEEN,
    text("DELETE FROM file_point WHERE tree = :tree"),
)

__all__ = [
    "Place",
    "Telling",
    "begin",
    "ensure_tree",
    "find_archive",
    "find_trees",
    "finish",
    "forget_dead",
    "forget_trees",
    "plan_index",
    "resume",
    "take",
    "trees_of",
]
