# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of the catalog that hold files; part of ``tables``, which says what all of them promise."""

from __future__ import annotations

from sqlalchemy import (
    DDL,
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    event,
)

from fleetkeep.model import IndexState

from .metadata import metadata, reference
from .types import Key, Moment, Word

#: The line of archives of one job in one repository; versions of files are told apart within it.
file_tree = Table(
    "file_tree",
    metadata,
    Column("number", Key, primary_key=True),
    Column("client", reference("client"), nullable=False),
    Column("job", reference("job"), nullable=False),
    Column("repository", reference("repository"), nullable=False),
    Column("borg_repository_id", Text, nullable=False),
    UniqueConstraint("job", "repository", "borg_repository_id"),
    Index(None, "client"),
    sqlite_autoincrement=True,
)

#: An archive in its tree. Intervals are in ordinals, which rise from 1 in the order in which archives were indexed.
file_point = Table(
    "file_point",
    metadata,
    Column("tree", reference("file_tree"), primary_key=True),
    Column("ordinal", Integer, primary_key=True, autoincrement=False),
    Column("archive", reference("archive"), nullable=False),
    Column("state", Word(IndexState), nullable=False, doc="Only what is complete may be shown."),
    Column("attempt", Text, nullable=False, doc="The telling of it; another one begins anew."),
    Column("parts", Integer, nullable=False, doc="How many parts of it were taken."),
    Column("entries", BigInteger, nullable=False, doc="How many entries the archive has."),
    Column("indexed_at", Moment, nullable=False),
    UniqueConstraint("archive"),
    sqlite_with_rowid=False,
)

#: A folder of a client, under its parent; the root of each client has the parent 0 and no name.
file_folder = Table(
    "file_folder",
    metadata,
    Column("number", Key, primary_key=True),
    Column("client", reference("client"), nullable=False),
    Column("parent", BigInteger, nullable=False),
    Column("name", LargeBinary, nullable=False),
    Column("largest_bytes", BigInteger, doc="Nothing that ever lay in it was larger; none: nothing did."),
    Column("oldest_us", BigInteger, doc="Nothing that ever lay in it had changed before: microseconds since 1970."),
    Column("newest_us", BigInteger, doc="Nothing that ever lay in it had changed later."),
    Column("types", Integer, nullable=False, server_default="0", doc="What ever lay in it, as flags of `file_types`."),
    UniqueConstraint("client", "parent", "name"),
)

#: Type, rights and owner, which few files have for themselves alone.
file_attribute = Table(
    "file_attribute",
    metadata,
    Column("number", Key, primary_key=True),
    Column("mode", BigInteger, nullable=False, doc="As in `st_mode`, with the type."),
    Column("uid", BigInteger, nullable=False),
    Column("gid", BigInteger, nullable=False),
    Column("owner", Text, nullable=False, doc="The user's name; empty where there was none."),
    Column("group", Text, nullable=False, doc="The group's name; empty where there was none."),
    UniqueConstraint("mode", "uid", "gid", "owner", "group"),
)

#: What a path was in the archives from ``first`` to ``last``, both included; the open end is what it is now.
file_version = Table(
    "file_version",
    metadata,
    Column("tree", reference("file_tree"), primary_key=True),
    Column("folder", reference("file_folder"), primary_key=True),
    Column("name", LargeBinary, primary_key=True, doc="The bytes of the name, whatever they are."),
    Column("first", Integer, primary_key=True, autoincrement=False),
    Column("last", Integer, doc="None: the newest archive of the tree still has it."),
    Column("size", BigInteger, nullable=False),
    Column("modified_us", BigInteger, nullable=False, doc="When its content changed: microseconds since 1970, UTC."),
    Column("inode_after_us", BigInteger, nullable=False, doc="How much later its inode changed; less than 0: earlier."),
    Column("attribute", reference("file_attribute"), nullable=False),
    Column("target", LargeBinary, doc="Of a symbolic link: where it points. Of a further hard link: the first path."),
    sqlite_with_rowid=False,
)

#: Folders that lead to something in the tree, now or once, without an entry of their own: those above the sources.
file_above = Table(
    "file_above",
    metadata,
    Column("tree", reference("file_tree"), primary_key=True),
    Column("folder", reference("file_folder"), primary_key=True),
    sqlite_with_rowid=False,
)

#: While a whole listing is compared with what was there before: the paths that it has.
file_seen = Table(
    "file_seen",
    metadata,
    Column("tree", reference("file_tree"), primary_key=True),
    Column("folder", BigInteger, primary_key=True, autoincrement=False),
    Column("name", LargeBinary, primary_key=True),
    sqlite_with_rowid=False,
)

#: Names of one folder that the search knows under this number; in SQLite the full-text table ``file_search`` has them.
file_search_document = Table(
    "file_search_document",
    metadata,
    Column("number", Key, primary_key=True),
    Column("client", reference("client"), nullable=False),
    Column("folder", reference("file_folder"), nullable=False),
    Column("names", LargeBinary, nullable=False, doc="The names with slashes between them, as raw deflate."),
    Index(None, "folder"),
)

#: In SQLite, file names by their trigrams: contentless, so that it holds no name a second time.
FILE_SEARCH = (
    "CREATE VIRTUAL TABLE file_search USING fts5(names, content='', columnsize=0, detail=none, "
    "tokenize='trigram case_sensitive 0')"
)

#: In SQLite, each three letters with each document that has them, in the order of the letters.
FILE_SEARCH_TERM = "CREATE VIRTUAL TABLE file_search_term USING fts5vocab(file_search, instance)"

for statement in (FILE_SEARCH, FILE_SEARCH_TERM):
    event.listen(metadata, "after_create", DDL(statement).execute_if(dialect="sqlite"))  # type: ignore[no-untyped-call]


__all__ = [
    "FILE_SEARCH",
    "FILE_SEARCH_TERM",
    "file_above",
    "file_attribute",
    "file_folder",
    "file_point",
    "file_search_document",
    "file_seen",
    "file_tree",
    "file_version",
]
