# SPDX-License-Identifier: GPL-3.0-or-later
"""The folders of a client, by their paths and by their keys. Paths and names are bytes here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from sqlalchemy import Connection, bindparam, text

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

#: A folder and all below it.
_BELOW = text(
    """
    WITH RECURSIVE below (number, parent, name) AS (
        SELECT number, parent, name FROM file_folder WHERE number = :start
        UNION ALL
        SELECT folder.number, folder.parent, folder.name
        FROM below JOIN file_folder AS folder ON folder.client = :client AND folder.parent = below.number
    )
    SELECT number, parent, name FROM below
    """
)


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


def folder_paths(connection: Connection, numbers: Iterable[int]) -> dict[int, bytes]:
    """The paths of folders by their keys."""
    wanted = list(numbers)
    above: dict[int, tuple[int, bytes]] = {}
    for start in range(0, len(wanted), _CHUNK):
        rows = connection.execute(_ABOVE, {"numbers": wanted[start : start + _CHUNK]})
        above |= {number: (parent, name) for number, parent, name in rows}
    paths = dict(in_path_order(above))
    return {number: paths[number] for number in wanted}


def folders_below(connection: Connection, client: int, start: int, path: bytes) -> Iterator[tuple[int, bytes]]:
    """A folder and all below it with their paths, in the order of paths."""
    rows = connection.execute(_BELOW, {"client": client, "start": start})
    return in_path_order({number: (parent, name) for number, parent, name in rows}, start, path)


def in_path_order(
    folders: Mapping[int, tuple[int, bytes]], start: int | None = None, path: bytes = b""
) -> Iterator[tuple[int, bytes]]:
    """Folders with their paths, each before those in it, and those in the order of their names.

    Arguments:
        folders: By key, the key of the folder above and the name.
        start: The folder to begin with; none is the root.
        path: Its path.
    """
    children: dict[int, list[int]] = {}
    for number, (parent, _) in folders.items():
        children.setdefault(parent, []).append(number)

    def name_of(number: int) -> bytes:
        return folders[number][1]

    stack = [(number, path) for number in ([start] if start is not None else children.get(0, []))]
    while stack:
        number, place = stack.pop()
        yield number, place
        below = sorted(children.get(number, ()), key=name_of, reverse=True)
        stack += [(child, join(place, name_of(child))) for child in below]


def _child(connection: Connection, client: int, parent: int, name: bytes) -> int | None:
    number: int | None = connection.scalar(_CHILD, {"client": client, "parent": parent, "name": name})
    return number


__all__ = [
    "child_folders",
    "decode",
    "encode",
    "find_folder",
    "find_folders",
    "folder_paths",
    "folders_below",
    "in_path_order",
    "join",
]
