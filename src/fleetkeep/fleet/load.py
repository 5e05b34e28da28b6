# SPDX-License-Identifier: GPL-3.0-or-later
"""YAML text to a tree, without Ansible.

Follows what Ansible reads: YAML 1.1 scalars, anchors, merge keys, ``!vault`` and ``!unsafe``. Stricter in one point: a
key that stands twice in one map is a problem, because the first value would silently be lost.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from fleetkeep.errors import FleetFileProblem, Problems

from .problems import problem
from .tree import Node, Origin

_SafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

#: A file of more values than this is a mistake or an attack with nested anchors.
MAXIMUM_VALUES = 1_000_000

_MERGE = "tag:yaml.org,2002:merge"
_STANDARD = "tag:yaml.org,2002:"
#: What a parser quotes from the file may be a secret, such as a passphrase that begins with an asterisk; signs may not.
_QUOTED = re.compile(r"'(?!<)[^']{2,}'|\"[^\"]{2,}\"")


class Vaulted:
    """An encrypted value that nobody here can open; it never shows its content."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return "<vaulted value>"


class Unsafe(str):
    """Text that is never read as Jinja (``!unsafe``)."""


def load_fleet_text(text: str, file: str) -> Node:
    """The tree of one fleet file.

    ``file`` is the name that problems and provenance show.

    >>> load_fleet_text("jobs: {system: {clients: all}}", "fleet.yml").entries()["jobs"].key.line
    1

    Raises ``Problems`` with every ``FleetFileProblem`` found: bad YAML, a key twice in one map, a key that is not text,
    an unknown tag.
    """
    reader = _Reader(text, file)
    tree = reader.read()
    if reader.problems:
        raise Problems(reader.problems)
    return tree


def load_fleet_file(path: Path) -> Node:
    """The tree of one fleet file; see ``load_fleet_text``."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise Problems([FleetFileProblem(where=str(path), what=f"cannot be read: {error.strerror}")]) from None
    except UnicodeDecodeError as error:
        what = f"is not UTF-8 text (byte {error.start}); save it as UTF-8"
        raise Problems([FleetFileProblem(where=str(path), what=what)]) from None
    return load_fleet_text(text, str(path))


class _Reader:
    """Composes one document and converts it; collects problems on the way."""

    def __init__(self, text: str, file: str) -> None:
        self._text = text
        self._file = file
        self._values = 0
        self._open: set[int] = set()
        self._loader: Any = None
        self.problems: list[FleetFileProblem] = []

    def read(self) -> Node:
        try:
            self._loader = _SafeLoader(self._text)
            composed = self._loader.get_single_node()
            return Node({}, Origin(self._file, 1)) if composed is None else self._convert(composed, None)
        except yaml.MarkedYAMLError as error:
            self._report_syntax(error)
        except yaml.YAMLError as error:
            self.problems.append(problem(Origin(self._file, 1), f"is not readable as YAML: {error}"))
        except _TooMuch:
            what = f"holds more than {MAXIMUM_VALUES} values; look for nested anchors"
            self.problems.append(problem(Origin(self._file, 1), what))
        finally:
            if self._loader is not None:
                self._loader.dispose()
        return Node({}, Origin(self._file, 1))

    def _report_syntax(self, error: yaml.MarkedYAMLError) -> None:
        mark = error.problem_mark or error.context_mark
        reason = _QUOTED.sub("(not shown)", " ".join(part for part in (error.problem, error.context) if part))
        place = Origin(self._file, mark.line + 1, mark.column + 1) if mark else Origin(self._file, 1)
        self.problems.append(problem(place, f"this is not valid YAML: {reason}; check indentation and quotes"))

    def _origin(self, node: yaml.Node) -> Origin:
        return Origin(self._file, node.start_mark.line + 1, node.start_mark.column + 1)

    def _convert(self, node: yaml.Node, key: Origin | None) -> Node:
        self._values += 1
        if self._values > MAXIMUM_VALUES:
            raise _TooMuch
        origin = self._origin(node)
        if id(node) in self._open:
            self.problems.append(problem(origin, "this anchor contains itself; write the value out"))
            return Node(None, origin, key)
        self._open.add(id(node))
        try:
            return Node(self._value(node), origin, key)
        finally:
            self._open.discard(id(node))

    def _value(self, node: yaml.Node) -> object:
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node)
        if isinstance(node, yaml.SequenceNode):
            return [self._convert(item, None) for item in node.value]
        return self._scalar(node)

    def _mapping(self, node: yaml.MappingNode) -> dict[str, Node]:
        own: dict[str, Node] = {}
        merged: dict[str, Node] = {}
        for key_node, value_node in node.value:
            if key_node.tag == _MERGE:
                merged |= self._merged(value_node)
                continue
            name = self._key(key_node)
            if name in own:
                first = own[name].key
                what = f"the key {name!r} stands twice in this map (first at {first}); keep one of them"
                self.problems.append(problem(self._origin(key_node), what))
                continue
            own[name] = self._convert(value_node, self._origin(key_node))
        return merged | own

    def _merged(self, node: yaml.Node) -> dict[str, Node]:
        """What a merge key (``<<``) brings; of several maps, the first that has a key wins."""
        parts = node.value if isinstance(node, yaml.SequenceNode) else [node]
        result: dict[str, Node] = {}
        for part in reversed(parts):
            value = self._convert(part, None)
            if value.entries() is None:
                self.problems.append(problem(value.origin, "a merge key (<<) takes a map or a list of maps"))
            result |= value.entries() or {}
        return result

    def _key(self, node: yaml.Node) -> str:
        if isinstance(node, yaml.ScalarNode) and node.tag == _STANDARD + "str":
            return str(node.value)
        if isinstance(node, yaml.ScalarNode):
            self.problems.append(problem(self._origin(node), f"the key {node.value!r} is not text; put it in quotes"))
            return str(node.value)
        what = 'a key is expected here; if this is an expression, put it in quotes: "{{ ... }}"'
        self.problems.append(problem(self._origin(node), what))
        return f"<{self._origin(node)}>"

    def _scalar(self, node: yaml.Node) -> object:
        if node.tag in ("!vault", "!vault-encrypted"):
            return Vaulted(str(node.value))
        if node.tag == "!unsafe":
            return Unsafe(node.value)
        if not node.tag.startswith(_STANDARD):
            what = "only the tags !vault and !unsafe are known; put a value that begins with ! in quotes"
            self.problems.append(problem(self._origin(node), what))
            return None
        try:
            return self._loader.construct_object(node)
        except (ValueError, yaml.YAMLError):
            what = f"the value is not readable as {node.tag.removeprefix(_STANDARD)}; put it in quotes"
            self.problems.append(problem(self._origin(node), what))
            return None


class _TooMuch(Exception):
    """The document is larger than any fleet."""


__all__ = ["MAXIMUM_VALUES", "Unsafe", "Vaulted", "load_fleet_file", "load_fleet_text"]
