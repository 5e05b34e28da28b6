# SPDX-License-Identifier: GPL-3.0-or-later
"""The folders of a client, by their paths and by their keys. Paths and names are bytes here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

from sqlalchemy import Connection, bindparam, text

Value = TypeVar("Value")

#: How many keys one statement names at most.
_CHUNK = 500

_CHILD = text("SELECT number FROM file_folder WHERE client = :client AND parent = :parent AND name = :name")

_CHILDREN = text("SELECT name, number FROM file_folder WHERE client = :client AND parent = :parent ORDER BY name")

#: Folders and all above them.
_ABOVE = text(
    """
    WITH RECURSIVE above (number, parent, name) AS (
        SELECT number, parent, name FROM file_folder WHERE number IN :numbers
        UNION
        SELECT folder.number, folder.parent, folder.name
        FROM above JOIN file_folder AS folder ON folder.number = above.parent
    )
    SELECT number, parent, name FROM above
    """
).bindparams(bindparam("numbers", expanding=True))

_GRANDCHILDREN = text(
    """
    SELECT below.parent, below.name, below.number
    FROM file_folder AS folder
    CROSS JOIN file_folder AS below ON below.client = :client AND below.parent = folder.number
    WHERE folder.client = :client AND folder.parent = :parent
    ORDER BY folder.name, below.name
    """
)

#: All folders of a client, as the index of them has them.
_ALL = text("SELECT parent, name, number FROM file_folder WHERE client = :client ORDER BY parent, name")

#: After so many questions for the folders in others, all folders are read at once.
_QUESTIONS = 300


class FolderTree:
    """The folders of a client in the order of their paths: read as far as they are asked for, and many at once."""

    def __init__(self, connection: Connection, client: int) -> None:
        self._connection = connection
        self._client = client
        self._questions = 0
        self._has_all = False
        self._known: dict[int, list[tuple[bytes, int]]] = {}

    def below(self, start: int, path: bytes) -> Iterator[tuple[int, bytes]]:
        """A folder and all below it with their paths, each before those in it, and those in the order of names."""
        stack = [(start, path)]
        if not self._has_all:
            self._known[start] = list(child_folders(self._connection, self._client, start).items())
        while stack:
            number, place = stack.pop()
            yield number, place
            if children := self._known.get(number):
                self._look_ahead(number, children)
                prefix = join(place, b"")
                stack += [(child, prefix + name) for name, child in reversed(children)]

    def _look_ahead(self, folder: int, children: Sequence[tuple[bytes, int]]) -> None:
        """Learn with one question what is in the folders in a folder."""
        if self._has_all:
            return
        self._questions += 1
        if self._questions > _QUESTIONS:
            self._has_all, self._known = True, {}
            rows = self._connection.execute(_ALL, {"client": self._client}).all()
        else:
            self._known |= {child: [] for _, child in children}
            rows = self._connection.execute(_GRANDCHILDREN, {"client": self._client, "parent": folder}).all()
        for parent, name, number in rows:
            self._known.setdefault(parent, []).append((name, number))


def encode(text: str) -> bytes:
    """A path or name as it is in the database. Raises ``UnicodeEncodeError`` for text that no bytes stand for."""
    return text.encode("utf-8", errors="surrogateescape")


def decode(name: bytes) -> str:
    """A path or name as models have it."""
    return name.decode("utf-8", errors="surrogateescape")


def join(folder: bytes, name: bytes) -> bytes:
    """The path of what lies in a folder."""
    return folder + b"/" + name if folder else name


def find_folder(connection: Connection, client: int, path: bytes) -> int | None:
    """The key of a folder by its stored path; the root has an empty one."""
    number = _child(connection, client, 0, b"")
    for name in path.split(b"/") if path else ():
        if number is None:
            break
        number = _child(connection, client, number, name)
    return number


def find_folders(
    connection: Connection, client: int, path: Sequence[str], form: Callable[[str], str]
) -> list[tuple[int, bytes]]:
    """Every folder whose names from the root on are ``path`` once ``form`` is applied to them, with its path."""
    root = _child(connection, client, 0, b"")
    found = [] if root is None else [(root, b"")]
    for wanted in path:
        found = [
            (number, join(above, name))
            for parent, above in found
            for name, number in child_folders(connection, client, parent).items()
            if form(decode(name)) == wanted
        ]
    return found


def child_folders(connection: Connection, client: int, folder: int) -> dict[bytes, int]:
    """The folders in a folder, by name in the order of names."""
    return {name: number for name, number in connection.execute(_CHILDREN, {"client": client, "parent": folder})}


def paths_of(connection: Connection, numbers: Iterable[int]) -> list[tuple[int, bytes]]:
    """Folders with their paths, in the order of the paths."""
    wanted = set(numbers)
    above: dict[int, tuple[int, bytes]] = {}
    for batch in batches(wanted):
        rows = connection.execute(_ABOVE, {"numbers": list(batch)})
        above |= {number: (parent, name) for number, parent, name in rows}
    children: dict[int, list[tuple[bytes, int]]] = {}
    for number, (parent, name) in above.items():
        children.setdefault(parent, []).append((name, number))
    found = []
    stack = [(number, b"") for _, number in children.get(0, ())]
    while stack:
        number, path = stack.pop()
        if number in wanted:
            found.append((number, path))
        stack += [(child, join(path, name)) for name, child in sorted(children.get(number, ()), reverse=True)]
    return found


def batches(values: Iterable[Value], size: int = _CHUNK, *, fewest: int | None = None) -> Iterator[list[Value]]:
    """Values in portions of a size; with ``fewest`` the first one is smaller, and each is twice the one before."""
    stream, now = iter(values), fewest or size
    while batch := list(islice(stream, now)):
        yield batch
        now = min(2 * now, size)


def _child(connection: Connection, client: int, parent: int, name: bytes) -> int | None:
    number: int | None = connection.scalar(_CHILD, {"client": client, "parent": parent, "name": name})
    return number


__all__ = [
    "FolderTree",
    "batches",
    "child_folders",
    "decode",
    "encode",
    "find_folder",
    "find_folders",
    "join",
    "paths_of",
]
