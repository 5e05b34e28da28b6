# SPDX-License-Identifier: GPL-3.0-or-later
"""The names that folders ever had, for searches; the only file that knows SQLite's full-text table.

A document holds names of one folder, packed. ``file_search`` answers which documents have three letters in a row, and
``file_search_term`` which have letters in a row that a document's three begin with. No name is ever forgotten, so what
is found here is looked up in any case.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, select, text

from fleetkeep.plan.file_pattern import FilePattern

from . import tables
from .file_folders import batches, decode, encode

#: How many names a document holds at most: fewer are told apart better, more are packed better.
_DOCUMENT_NAMES = 1_000

#: With so many documents or more, an index tells too little to be worth listening to: where much is found the search
#: ends early, and names are read faster than such an answer. One or two letters stand for many threes, which cost more.
_MANY, _MANY_WITH_FEW_LETTERS = 20_000, 2_000

_MATCHING = text(
    """
    SELECT document.client, document.folder, document.number
    FROM (SELECT rowid FROM file_search WHERE file_search MATCH :words LIMIT :many) AS matching
    CROSS JOIN file_search_document AS document ON document.number = matching.rowid
    """
)

_BEGINNING = text(
    """
    SELECT document.client, document.folder, document.number
    FROM (SELECT DISTINCT doc FROM file_search_term WHERE term >= :least AND term < :most LIMIT :many) AS term
    CROSS JOIN file_search_document AS document ON document.number = term.doc
    """
)

_OF_FOLDERS = text("SELECT folder, names FROM file_search_document WHERE folder IN :keys").bindparams(
    bindparam("keys", expanding=True)
)

_OF_NUMBERS = text("SELECT folder, names FROM file_search_document WHERE number IN :keys").bindparams(
    bindparam("keys", expanding=True)
)

#: By key of a folder, the numbers of the documents of it that may have what is searched for.
Documents = dict[int, list[int]]


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
        for some in batches(new, _DOCUMENT_NAMES):
            number += 1
            documents.append({"number": number, "client": client, "folder": folder, "names": _pack(some)})
            contents.append({"number": number, "letters": _letters(some)})
    if documents:
        connection.execute(insert(table), documents)
        connection.execute(text("INSERT INTO file_search (rowid, names) VALUES (:number, :letters)"), contents)


def documents_like(connection: Connection, pattern: FilePattern) -> dict[int, Documents] | None:
    """By client, all documents that may have a name that a pattern accepts; ``None`` where an index cannot tell."""
    if pattern.trigrams:
        words = " AND ".join('"{}"'.format(three.replace('"', '""')) for three in pattern.trigrams)
        many, rows = _MANY, connection.execute(_MATCHING, {"words": words, "many": _MANY}).all()
    elif pattern.letters:
        many, bounds = _MANY_WITH_FEW_LETTERS, {"least": pattern.letters, "most": pattern.letters + "\U0010ffff"}
        rows = connection.execute(_BEGINNING, bounds | {"many": many}).all()
    else:
        return None
    if len(rows) == many:
        return None
    found: dict[int, Documents] = {}
    for client, folder, number in rows:
        found.setdefault(client, {}).setdefault(folder, []).append(number)
    return found


def accepted_names(
    connection: Connection, folders: Sequence[int], documents: Documents | None, pattern: FilePattern
) -> dict[int, list[bytes]]:
    """By folder, the names that a pattern accepts, in order; only from some documents if these are given."""
    if documents is None:
        rows = connection.execute(_OF_FOLDERS, {"keys": list(folders)}).all()
        return _accepted(rows, pattern)
    found: dict[int, list[bytes]] = {}
    for numbers in batches(number for folder in folders for number in documents.get(folder, ())):
        for folder, names in _accepted(connection.execute(_OF_NUMBERS, {"keys": numbers}).all(), pattern).items():
            found[folder] = sorted({*found.get(folder, ()), *names})
    return found


def _accepted(rows: Iterable[Sequence[Any]], pattern: FilePattern) -> dict[int, list[bytes]]:
    needle = pattern.needle.encode()
    found: dict[int, set[bytes]] = {}
    for folder, packed in rows:
        names = b"/" + zlib.decompress(packed, -zlib.MAX_WBITS) + b"/"
        some: Iterable[bytes]
        if needle:
            some = (name for name in _having(names, needle) if pattern.accepts_name(decode(name)))
        else:
            some = map(encode, pattern.accepted_of(decode(names)))
        found.setdefault(folder, set()).update(some)
    return {folder: sorted(some) for folder, some in found.items()}


def _having(names: bytes, needle: bytes) -> Iterator[bytes]:
    """Those of some names, with slashes around each, that have a needle in small letters; capital ones count alike."""
    small = names.lower()
    place = small.find(needle)
    while place >= 0:
        end = small.index(b"/", place)
        yield names[small.rindex(b"/", 0, place) + 1 : end]
        place = small.find(needle, end)


def _pack(names: Iterable[bytes]) -> bytes:
    """Names in the least room: deflated, without the header and checksum that a file would have."""
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(b"/".join(names)) + packer.flush()


def _letters(names: Iterable[bytes]) -> str:
    """What the index is told: two slashes at the end, so that every letter of a name begins some three."""
    return "/".join(name.decode("utf-8", errors="replace") for name in names) + "//"


__all__ = ["Documents", "accepted_names", "add_names", "documents_like"]
