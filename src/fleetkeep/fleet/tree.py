# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet file as a tree that remembers where each value stands.

Scalars are opaque here: they may be plain YAML values, Jinja text, or Vault objects of whoever built the tree. Only the
``template`` function that is given to ``resolve_client`` turns them into plain Python.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Origin:
    """A place in a file; line and column count from 1.

    >>> str(Origin("inventory/fleet.yml", 31, 5))
    'inventory/fleet.yml:31:5'
    """

    file: str
    line: int
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"

    @property
    def line_place(self) -> str:
        """File and line, as a person is told where a value comes from."""
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Node:
    """A value and its place: a map of nodes, a list of nodes, or an opaque scalar."""

    value: object
    """``dict[str, Node]``, ``list[Node]`` or anything else, which is a scalar."""

    origin: Origin | None = None
    """Where the value begins; ``None`` when nobody knows."""

    key: Origin | None = None
    """Where the key stands that names this value in its map."""

    @property
    def place(self) -> Origin | None:
        """Where to send somebody who looks for this entry: its key, else its value."""
        return self.key or self.origin

    def entries(self) -> dict[str, Node] | None:
        """The entries of a map, or ``None`` for anything else."""
        return self.value if isinstance(self.value, dict) else None

    def items(self) -> list[Node] | None:
        """The items of a list, or ``None`` for anything else."""
        return self.value if isinstance(self.value, list) else None


def node_of(value: object, origin: Origin | None = None, key: Origin | None = None) -> Node:
    """A tree of plain Python values that all have the same place (say, what one Jinja expression gave).

    >>> node_of({"daily": 7}).entries()["daily"].value
    7
    """
    if isinstance(value, Node):
        return value
    if isinstance(value, Mapping):
        return Node({str(name): node_of(child, origin, origin) for name, child in value.items()}, origin, key)
    if isinstance(value, (list, tuple)):
        return Node([node_of(child, origin) for child in value], origin, key)
    return Node(value, origin, key)


__all__ = ["Node", "Origin", "node_of"]
