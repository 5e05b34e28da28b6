# SPDX-License-Identifier: GPL-3.0-or-later
"""Searching versions of files by name, size and time.

Folders are gone through in the order of their paths, so that a search with a limit ends early where much is found. The
first of them are looked into without asking any index; then ``file_names`` and the extents of the folders say which of
the others are worth it. Names are chosen before versions are read, of which a name may have very many.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from itertools import groupby, islice

from sqlalchemy import Connection, bindparam, text

from fleetkeep.model import FileQuery, FileType
from fleetkeep.plan.file_pattern import FilePattern

from .file_folders import FolderTree, batches, decode, find_folders, paths_of
from .file_names import Documents, accepted_names, documents_like
from .file_types import TYPE_BITS, TYPE_FLAGS
from .files import AT, COLUMNS, SOURCE, VersionRow
from .types import microseconds_of

#: Folders that are looked into at once: few at first, because a few hits may be all that is wanted.
_FEWEST_FOLDERS, _MOST_FOLDERS = 8, 256

#: Names whose versions are read at once.
_FEWEST_NAMES, _MOST_NAMES = 32, 512

#: So many folders are looked into before any index is asked: what is in every second folder is found there.
_FIRST = 256

#: With more folders than these, all are walked through and those left out that cannot have it.
_FEW = 8_000

#: Versions by folder, and by folder and name: written so, the index of versions is used for both columns.
_OF_FOLDERS = f"SELECT {COLUMNS} FROM {SOURCE} WHERE version.tree = :tree AND version.folder IN :keys"  # noqa: S608
_OF_NAMES = (
    f"WITH wanted (folder, name) AS :keys SELECT {COLUMNS} FROM wanted CROSS JOIN {SOURCE} "  # noqa: S608
    "WHERE version.tree = :tree AND version.folder = wanted.folder AND version.name = wanted.name"
)

#: By tree, the ordinals of the archives that a search is for; none for all of them.
Chosen = Mapping[int, "tuple[int, ...] | None"]

#: Keys of folders with their paths.
Folders = list[tuple[int, bytes]]


class Search:
    """One search, through one client after another."""

    def __init__(self, connection: Connection, pattern: FilePattern, query: FileQuery) -> None:
        self._connection = connection
        self._pattern = pattern
        self._conditions, self._values = _conditions(query)
        self._extents, self._extent_values = _extent_conditions(query)

    def of_client(self, client: int, chosen: Chosen) -> Iterator[tuple[bytes, bytes, list[VersionRow]]]:
        """Versions in some trees of a client that the search is for, whether they may be shown or not.

        Gives the path of the folder, the name, and its versions; in the order of the folders' paths and the names.
        """
        if self._pattern.name is None:
            return self._any_names(client, chosen)
        return self._some_names(client, chosen)

    def _any_names(self, client: int, chosen: Chosen) -> Iterator[tuple[bytes, bytes, list[VersionRow]]]:
        for folders, _ in self._folders(client):
            rows = self._rows(_OF_FOLDERS, [folder for folder, _ in folders], chosen)
            for folder, path in folders:
                yield from ((path, name, versions) for name, versions in _by_name(rows.get(folder, ())))

    def _some_names(self, client: int, chosen: Chosen) -> Iterator[tuple[bytes, bytes, list[VersionRow]]]:
        for names in batches(self._names(client), _MOST_NAMES, fewest=_FEWEST_NAMES):
            keys = [(folder, name) for folder, _, name in names]
            rows = self._rows(_OF_NAMES, keys, chosen)
            found = {folder: dict(_by_name(of_folder)) for folder, of_folder in rows.items()}
            for folder, path, name in names:
                if versions := found.get(folder, {}).get(name):
                    yield path, name, versions

    def _names(self, client: int) -> Iterator[tuple[int, bytes, bytes]]:
        """Names that are accepted, each after the key and the path of its folder."""
        for folders, documents in self._folders(client):
            names = accepted_names(self._connection, [folder for folder, _ in folders], documents, self._pattern)
            for folder, path in folders:
                yield from ((folder, path, name) for name in names.get(folder, ()))

    def _folders(self, client: int) -> Iterator[tuple[Folders, Documents | None]]:
        """Folders to look into, in the order of their paths; and in which of their documents, if that is known."""
        within = self._within_extents(client)
        everywhere = self._everywhere(client)
        first = list(islice(everywhere, _FIRST)) if within is None else []
        yield from ((some, None) for some in self._portions(first))
        if len(first) < _FIRST if within is None else not within:
            return
        documents = None if self._documents is None else self._documents.get(client, {})
        wanted = within
        if documents is not None:
            wanted = documents.keys() - {folder for folder, _ in first} if within is None else within & documents.keys()
        rest: Iterable[tuple[int, bytes]] = everywhere
        if wanted is not None and len(wanted) <= _FEW:
            rest = paths_of(self._connection, wanted)
        elif wanted is not None:
            rest = (folder for folder in everywhere if folder[0] in wanted)
        yield from ((some, documents) for some in self._portions(rest))

    def _portions(self, folders: Iterable[tuple[int, bytes]]) -> Iterator[Folders]:
        needle = self._pattern.folder_needle.encode()
        accepted = (
            (number, path)
            for number, path in folders
            if needle in path.lower() and self._pattern.accepts_folder(decode(path))
        )
        return batches(accepted, _MOST_FOLDERS, fewest=_FEWEST_FOLDERS)

    def _everywhere(self, client: int) -> Iterator[tuple[int, bytes]]:
        """All folders in which something may be accepted, in the order of their paths."""
        starts = find_folders(self._connection, client, self._pattern.start, self._pattern.form)
        if self._pattern.is_one_folder:
            return iter(starts)
        tree = FolderTree(self._connection, client)
        return (folder for number, path in starts for folder in tree.below(number, path))

    def _rows(self, select: str, keys: Sequence[object], chosen: Chosen) -> dict[int, list[VersionRow]]:
        """By folder, the versions that the search is for, unsorted."""
        found: dict[int, list[VersionRow]] = {}
        for tree, ordinals in chosen.items():
            for ordinal in (None,) if ordinals is None else ordinals:
                at = "" if ordinal is None else f"AND {AT}"
                statement = text(f"{select} {at} {self._conditions}").bindparams(bindparam("keys", expanding=True))
                values = self._values | {"tree": tree, "keys": keys} | ({} if ordinal is None else {"ordinal": ordinal})
                for row in self._connection.execute(statement, values).all():
                    found.setdefault(row[1], []).append(VersionRow(*row))
        return found

    @cached_property
    def _documents(self) -> dict[int, Documents] | None:
        """Asked for once, for all clients."""
        return documents_like(self._connection, self._pattern)

    def _within_extents(self, client: int) -> set[int] | None:
        """Folders of a client that may have files of the size and time that are asked for; ``None`` for all."""
        if not self._extents or self._pattern.is_one_folder:
            return None
        statement = text(f"SELECT number FROM file_folder WHERE client = :client {self._extents}")  # noqa: S608
        return set(self._connection.scalars(statement, self._extent_values | {"client": client}))


def _by_name(rows: Iterable[VersionRow]) -> Iterator[tuple[bytes, list[VersionRow]]]:
    ordered = sorted(rows, key=lambda row: row.name)
    return ((name, list(versions)) for name, versions in groupby(ordered, key=lambda row: row.name))


def _conditions(query: FileQuery) -> tuple[str, dict[str, object]]:
    """What a version must be like, and the values of that."""
    changed = "version.modified_us + version.inode_after_us"
    known: list[tuple[str, str, object]] = [
        ("version.size >= :smallest", "smallest", query.smallest_bytes),
        ("version.size <= :largest", "largest", query.largest_bytes),
        ("version.modified_us >= :modified_after", "modified_after", _moment(query.modified_after)),
        ("version.modified_us < :modified_before", "modified_before", _moment(query.modified_before)),
        (f"{changed} >= :changed_after", "changed_after", _moment(query.changed_after)),
        (f"{changed} < :changed_before", "changed_before", _moment(query.changed_before)),
    ]
    sql, values = _joined(known)
    if query.types:
        sql += f" AND ({' OR '.join(map(_type_condition, query.types))})"
    return sql, values


def _extent_conditions(query: FileQuery) -> tuple[str, dict[str, object]]:
    """What the extents of a folder must be like that has such a version, and the values of that."""
    return _joined(
        [
            ("largest_bytes >= :smallest", "smallest", query.smallest_bytes or None),
            ("newest_us >= :modified_after", "modified_after", _moment(query.modified_after)),
            ("oldest_us < :modified_before", "modified_before", _moment(query.modified_before)),
            ("types & :types <> 0", "types", sum(TYPE_FLAGS[each] for each in set(query.types)) or None),
        ]
    )


def _joined(known: Sequence[tuple[str, str, object]]) -> tuple[str, dict[str, object]]:
    """Those of some conditions that have a value, and the values by name."""
    asked = [(condition, name, value) for condition, name, value in known if value is not None]
    return "".join(f" AND {condition}" for condition, _, _ in asked), {name: value for _, name, value in asked}


def _type_condition(wanted: FileType) -> str:
    bits = TYPE_BITS.get(wanted)
    if bits is None:
        return f"attribute.mode & 61440 NOT IN ({', '.join(map(str, TYPE_BITS.values()))})"
    return f"attribute.mode & 61440 = {bits}"


def _moment(moment: datetime | None) -> int | None:
    return None if moment is None else microseconds_of(moment)


__all__ = ["Chosen", "Search"]
