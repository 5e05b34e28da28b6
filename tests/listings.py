# SPDX-License-Identifier: GPL-3.0-or-later
"""The file catalog by hand: full listings of archives, and the rows that say the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from builders import MINUTE, NOW, Sender, make_archive, received
from hypothesis import strategies as st
from sqlalchemy import Connection, insert, select, text, update

from fleetkeep.catalog import file_names, tables
from fleetkeep.catalog.database import Catalog
from fleetkeep.catalog.file_above import note_above
from fleetkeep.catalog.file_types import TYPE_FLAG
from fleetkeep.clock import FixedClock
from fleetkeep.director.embedded import EmbeddedDirector
from fleetkeep.director.history import list_archives
from fleetkeep.model import ArchiveFacts, FileStatus, IndexState, Point

#: By stored path, what it is.
Listing = Mapping[str, FileStatus]


#: Between which bounds the sizes and times of each folder's versions are, and which types they have.
_EXTENTS = text(
    f"""
    UPDATE file_folder SET (largest_bytes, oldest_us, newest_us, types) = (
        SELECT max(size), min(modified_us), max(modified_us), coalesce(sum(DISTINCT {TYPE_FLAG}), 0)
        FROM file_version JOIN file_attribute AS attribute ON attribute.number = file_version.attribute
        WHERE folder = file_folder.number
    )
    """
)


def file_of(size: int = 1, modified: int = 0, **changes: Any) -> FileStatus:
    """A regular file."""
    values = {"mode": 0o100644, "uid": 0, "gid": 0, "owner": "root", "group": "root"}
    return FileStatus(**values | {"size": size, "modified_us": modified, "changed_us": modified + 5} | changes)


def folder_of(**changes: Any) -> FileStatus:
    """A folder."""
    return file_of(0, **{"mode": 0o040755} | changes)


#: Names that break things, and folders that lie in each other.
LONG = "long" * 60
NAMES = ("a", "ab.txt", "AB.TXT", "new\nline", "caf\udce9", "50%_off*", "[x]", LONG, "Отчёт.odt", "-", '"q" OR')
FOLDERS = ("", "etc", "etc/ssh", "srv/www", "srv/www/a", "new\nline", "caf\udce9/deep/er")

statuses = st.builds(
    file_of,
    st.integers(0, 3),
    st.integers(0, 3),
    changed_us=st.integers(0, 2),
    uid=st.integers(0, 1),
    mode=st.sampled_from([0o100644, 0o100600, 0o120777]),
    target=st.sampled_from(["", "etc/a", "caf\udce9"]),
)


@st.composite
def listings(draw: st.DrawFn) -> Listing:
    """What one archive holds; of some folders it has an entry, of others only what lies in them."""
    found: dict[str, FileStatus] = {}
    for folder in draw(st.lists(st.sampled_from(FOLDERS), max_size=4, unique=True)):
        if folder and draw(st.booleans()):
            found[folder] = folder_of(modified_us=draw(st.integers(0, 1)))
        for name in draw(st.lists(st.sampled_from(NAMES), max_size=3, unique=True)):
            found.setdefault(f"{folder}/{name}" if folder else name, draw(statuses))
    return {path: status for path, status in found.items() if not _is_below_a_file(path, found)}


def _is_below_a_file(path: str, found: Listing) -> bool:
    parts = path.split("/")
    above = ("/".join(parts[:end]) for end in range(1, len(parts)))
    return any(folder in found and not found[folder].is_folder for folder in above)


@dataclass
class Shelf:
    """A catalog whose rows of files are put in here, in the plainest way there is."""

    catalog: Catalog
    listings: dict[str, Listing] = field(default_factory=dict)
    """By id of the archive."""

    is_noted: bool = True
    """Whether folders above the sources are noted, as an indexing does."""

    _told: int = 0
    _senders: dict[str, Sender] = field(default_factory=dict)

    def add(
        self,
        listing: Listing,
        *,
        client: str = "web1",
        job: str = "system",
        repository: str = "offsite",
        run: str | None = None,
        archive: ArchiveFacts | None = None,
        state: IndexState | None = IndexState.COMPLETE,
    ) -> Point:
        """Record an archive, and what it holds unless ``state`` is none."""
        self._told += 1
        run = run or f"run{self._told:04d}"
        begun = NOW + self._told * MINUTE
        archive = archive or make_archive(f"{client}-{job}-{run}", repository=repository, started_at=begun)
        director = EmbeddedDirector(self.catalog, FixedClock(begun))
        say = self._senders.setdefault(client, Sender(client))
        director.deliver([say(received(archive, job=job, run_id=run))])
        point = next(each for each in list_archives(self.catalog, limit=None) if each.archive.id == archive.id)
        if state is not None:
            with self.catalog.write() as connection:
                _put(connection, archive.id, listing, state, is_noted=self.is_noted)
            if state is IndexState.COMPLETE:
                self.listings[archive.id] = listing
        return point

    def delete(self, point: Point) -> None:
        """Have an archive deleted, as retention does."""
        with self.catalog.write() as connection:
            table = tables.archive
            connection.execute(update(table).where(table.c.id == point.archive.id).values(deleted_at=NOW))
        self.listings.pop(point.archive.id, None)


def _put(connection: Connection, archive_id: str, listing: Listing, state: IndexState, *, is_noted: bool) -> None:
    archive = connection.execute(select(tables.archive).where(tables.archive.c.id == archive_id)).one()
    line = {name: getattr(archive, name) for name in ("client", "job", "repository", "borg_repository_id")}
    tree = _ensure(connection, tables.file_tree, line)
    ordinals = connection.scalars(select(tables.file_point.c.ordinal).where(tables.file_point.c.tree == tree)).all()
    ordinal = max(ordinals, default=0) + 1
    values = {"archive": archive.number, "state": state, "attempt": "1", "entries": len(listing), "indexed_at": NOW}
    values |= {"parts": 1}
    connection.execute(insert(tables.file_point).values(tree=tree, ordinal=ordinal, **values))
    version = tables.file_version
    rows = connection.execute(select(version).where(version.c.tree == tree, version.c.last.is_(None)))
    before = {(row.folder, row.name): row for row in rows}
    new: dict[int, list[bytes]] = {}
    begun: set[int] = set()
    for path, status in listing.items():
        above, _slash, name = path.encode("utf-8", "surrogateescape").rpartition(b"/")
        key = (_folder(connection, archive.client, above), name)
        if status.is_folder:
            _folder(connection, archive.client, path.encode("utf-8", "surrogateescape"))
        row = _row(connection, status)
        old = before.pop(key, None)
        if old is not None and all(getattr(old, column) == value for column, value in row.items()):
            continue
        if old is None:
            new.setdefault(key[0], []).append(name)
        else:
            _close(connection, tree, key, ordinal - 1)
        connection.execute(insert(version).values(tree=tree, folder=key[0], name=name, first=ordinal, **row))
        begun.add(key[0])
    for key in before:
        _close(connection, tree, key, ordinal - 1)
        begun |= set(_children(connection, archive.client, *key))
    if is_noted:
        note_above(connection, archive.client, tree, begun)
    file_names.add_names(connection, archive.client, new)
    connection.execute(_EXTENTS)


def _children(connection: Connection, client: int, parent: int, name: bytes) -> Sequence[int]:
    table = tables.file_folder
    where = (table.c.client == client, table.c.parent == parent, table.c.name == name)
    return connection.scalars(select(table.c.number).where(*where)).all()


def _row(connection: Connection, status: FileStatus) -> dict[str, Any]:
    shared = {name: getattr(status, name) for name in ("mode", "uid", "gid", "owner", "group")}
    return {
        "size": status.size,
        "modified_us": status.modified_us,
        "inode_after_us": status.changed_us - status.modified_us,
        "attribute": _ensure(connection, tables.file_attribute, shared),
        "target": status.target.encode("utf-8", "surrogateescape") if status.target else None,
    }


def _close(connection: Connection, tree: int, key: tuple[int, bytes], last: int) -> None:
    version = tables.file_version
    where = (version.c.tree == tree, version.c.folder == key[0], version.c.name == key[1], version.c.last.is_(None))
    connection.execute(update(version).where(*where).values(last=last))


def _folder(connection: Connection, client: int, path: bytes) -> int:
    parent = _ensure(connection, tables.file_folder, {"client": client, "parent": 0, "name": b""})
    for name in path.split(b"/") if path else ():
        parent = _ensure(connection, tables.file_folder, {"client": client, "parent": parent, "name": name})
    return parent


def _ensure(connection: Connection, table: Any, keys: Mapping[str, Any]) -> int:
    where = [table.c[name] == value for name, value in keys.items()]
    number: int | None = connection.scalar(select(table.c.number).where(*where))
    if number is None:
        number = connection.execute(insert(table).values(**keys).returning(table.c.number)).scalar_one()
    return number


def folder_listing(listing: Listing, folder: str) -> dict[str, FileStatus | None]:
    """What lies in a folder of a listing: by path, none for a folder that only stands above others."""
    prefix = f"{folder}/" if folder else ""
    found: dict[str, FileStatus | None] = {}
    for path in listing:
        if path.startswith(prefix) and path != folder:
            child = prefix + path[len(prefix) :].split("/")[0]
            found[child] = listing.get(child)
    return found


def by_folder(paths: Sequence[str]) -> list[str]:
    """Paths in the order of their folders and names."""

    def place(path: str) -> tuple[list[bytes], bytes]:
        folder, _slash, name = path.encode("utf-8", "surrogateescape").rpartition(b"/")
        return folder.split(b"/") if folder else [], name

    return sorted(paths, key=place)
