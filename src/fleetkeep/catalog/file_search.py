# SPDX-License-Identifier: GPL-3.0-or-later
"""Searching versions of files by name, size and time; the only file that knows SQLite's full-text table.

``file_search`` narrows a search down to folders: a document of it holds names of one folder, and it answers which
documents have three letters in a row. It never forgets a name, so that what it finds is looked up in any case.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby

from sqlalchemy import Connection, bindparam, func, insert, select, text

from fleetkeep.model import FileQuery, FileType
from fleetkeep.plan.file_pattern import FilePattern

from . import tables
from .file_folders import FolderTree, batches, decode, find_folders, paths_of
from .files import COLUMNS, SOURCE, VersionRow
from .types import microseconds_of

#: How many names a document holds at most.
_DOCUMENT_NAMES = 10_000

#: Folders that are looked into with one statement: few at first, because a few hits may be all that is wanted.
_FEWEST_FOLDERS, _MOST_FOLDERS = 8, 256

#: The folders of which a document matches.
_MATCHING = text(
    """
    SELECT DISTINCT document.folder
    FROM file_search CROSS JOIN file_search_document AS document ON document.number = file_search.rowid
    WHERE file_search MATCH :words AND document.client = :client
    """
)

#: With more folders than these, all are walked through and those left out that do not match.
_FEW = 500

_TYPE_BITS = {FileType.FILE: 0o100000, FileType.FOLDER: 0o040000, FileType.LINK: 0o120000}


def add_names(connection: Connection, client: int, names: Mapping[int, Sequence[bytes]]) -> None:
    """Let the search know names that are new in folders of a client.

    Arguments:
        connection: A writing transaction.
        client: The key of the client.
        names: By key of the folder, the names as bytes.
    """
    table = tables.file_search_document
    number: int = connection.scalar(select(func.coalesce(func.max(table.c.number), 0))) or 0
    documents, contents = [], []
    for folder, new in names.items():
        for start in range(0, len(new), _DOCUMENT_NAMES):
            number += 1
            documents.append({"number": number, "client": client, "folder": folder})
            contents.append({"number": number, "names": _content(new[start : start + _DOCUMENT_NAMES])})
    if documents:
        connection.execute(insert(table), documents)
        connection.execute(text("INSERT INTO file_search (rowid, names) VALUES (:number, :names)"), contents)


def search(
    connection: Connection, client: int, trees: Sequence[int], pattern: FilePattern, query: FileQuery
) -> Iterator[tuple[bytes, bytes, list[VersionRow]]]:
    """Versions in some trees of a client that a query is for, whether they may be shown or not.

    Gives the path of the folder, the name, and its versions; in the order of the folders' paths and the names.
    """
    folders = _folders(connection, client, pattern)
    conditions, values = _conditions(query, pattern)
    statement = text(
        f"SELECT {COLUMNS} FROM {SOURCE} "  # noqa: S608 -- made of constants only
        f"WHERE version.tree IN :trees AND version.folder IN :folders {conditions}"
    ).bindparams(bindparam("trees", expanding=True), bindparam("folders", expanding=True))
    values["trees"] = list(trees)
    for batch in batches(folders, _MOST_FOLDERS, fewest=_FEWEST_FOLDERS):
        found: dict[int, list[VersionRow]] = {folder: [] for folder, _ in batch}
        for row in connection.execute(statement, values | {"folders": list(found)}):
            found[row[1]].append(VersionRow(*row))
        for folder, path in batch:
            yield from ((path, name, versions) for name, versions in _accepted(found[folder], pattern))


def _content(names: Iterable[bytes]) -> str:
    return "/".join(name.decode("utf-8", errors="replace") for name in names)


def _folders(connection: Connection, client: int, pattern: FilePattern) -> Iterator[tuple[int, bytes]]:
    """The folders to look into, in the order of their paths."""
    for number, path in _candidates(connection, client, pattern):
        if pattern.accepts_folder(decode(path)):
            yield number, path


def _candidates(connection: Connection, client: int, pattern: FilePattern) -> Iterator[tuple[int, bytes]]:
    if pattern.is_one_folder:
        return iter(find_folders(connection, client, pattern.start, pattern.form))
    wanted: set[int] | None = None
    if pattern.trigrams:
        words = " AND ".join('"{}"'.format(three.replace('"', '""')) for three in pattern.trigrams)
        wanted = set(connection.scalars(_MATCHING, {"client": client, "words": words}))
        if len(wanted) <= _FEW:
            return iter(paths_of(connection, wanted))
    tree = FolderTree(connection, client)
    starts = find_folders(connection, client, pattern.start, pattern.form)
    found = (folder for number, path in starts for folder in tree.below(number, path))
    return found if wanted is None else (folder for folder in found if folder[0] in wanted)


def _accepted(rows: list[VersionRow], pattern: FilePattern) -> Iterator[tuple[bytes, list[VersionRow]]]:
    rows.sort(key=lambda row: row.name)
    for name, versions in groupby(rows, key=lambda row: row.name):
        if pattern.accepts_name(decode(name)):
            yield name, list(versions)


def _conditions(query: FileQuery, pattern: FilePattern) -> tuple[str, dict[str, object]]:
    """What the rows must be like, and the values of that."""
    changed = "version.modified_us + version.inode_after_us"
    known: list[tuple[str, str, object]] = [
        ("version.size >= :smallest", "smallest", query.smallest_bytes),
        ("version.size <= :largest", "largest", query.largest_bytes),
        ("version.modified_us >= :modified_after", "modified_after", _moment(query.modified_after)),
        ("version.modified_us < :modified_before", "modified_before", _moment(query.modified_before)),
        (f"{changed} >= :changed_after", "changed_after", _moment(query.changed_after)),
        (f"{changed} < :changed_before", "changed_before", _moment(query.changed_before)),
        ("instr(lower(CAST(version.name AS TEXT)), :needle) > 0", "needle", pattern.needle or None),
    ]
    asked = [(condition, name, value) for condition, name, value in known if value is not None]
    conditions = [condition for condition, _, _ in asked]
    if query.types:
        conditions.append(f"({' OR '.join(map(_type_condition, query.types))})")
    return "".join(f" AND {condition}" for condition in conditions), {name: value for _, name, value in asked}


def _type_condition(wanted: FileType) -> str:
    bits = _TYPE_BITS.get(wanted)
    if bits is None:
        return f"attribute.mode & 61440 NOT IN ({', '.join(map(str, _TYPE_BITS.values()))})"
    return f"attribute.mode & 61440 = {bits}"


def _moment(moment: datetime | None) -> int | None:
    return None if moment is None else microseconds_of(moment)


__all__ = ["add_names", "search"]
