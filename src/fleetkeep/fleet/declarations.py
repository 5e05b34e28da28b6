# SPDX-License-Identifier: GPL-3.0-or-later
"""All fleet files of an inventory as one set of declared things."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from fleetkeep.errors import FleetFileProblem
from fleetkeep.model.fleet import SECTIONS

from .problems import problem, render_kind, render_value, sort_problems, suggest
from .setting import Setting, is_expression, setting_of
from .tree import Node

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
_PLUGIN = "fleetkeep.backup.fleet"
_KEYS = ("plugin", "hosts", *SECTIONS)


@dataclass(frozen=True)
class Declarations:
    """The declared things by section and name: ``sections["jobs"]["system"]``."""

    sections: Mapping[str, Mapping[str, Node]]
    """Section name to declared name to its tree; ``hosts`` too, when the fleet files have hosts."""

    _settings: dict[tuple[str, str], Setting] = field(default_factory=dict, init=False, repr=False, compare=False)

    def names(self, section: str) -> Sequence[str]:
        """The names declared in a section."""
        return list(self.sections.get(section, ()))

    def setting(self, section: str, name: str) -> Setting | None:
        """A declared thing whose values know that they come from it, or ``None`` when nobody declares it."""
        known = self._settings.get((section, name))
        node = self.sections.get(section, {}).get(name)
        if known is None and node is not None:
            known = self._settings[section, name] = setting_of(node, f"{section}.{name}")
        return known


def merge_declarations(trees: Sequence[Node]) -> tuple[Declarations, list[FleetFileProblem]]:
    """One set of declarations from the trees of several files, and what is wrong with their outer shape.

    Problems: a section that does not exist, a section or declaration that is not a map, a bad name, a name that two
    files declare (names both places; the first one stays).
    """
    sections: dict[str, dict[str, Node]] = {section: {} for section in ("hosts", *SECTIONS)}
    problems: list[FleetFileProblem] = []
    for tree in trees:
        for section, node in _read_sections(tree, problems).items():
            for name, declared in _read_names(section, node, problems).items():
                _add(sections[section], section, name, declared, problems)
    return Declarations(sections), sort_problems(problems)


def _read_sections(tree: Node, problems: list[FleetFileProblem]) -> dict[str, Node]:
    entries = tree.entries()
    if entries is None:
        problems.append(problem(tree.origin, f"a fleet file is a map of sections; this is {render_kind(tree.value)}"))
        return {}
    for key, node in entries.items():
        if key not in _KEYS:
            problems.append(problem(node.place, f"the section {key!r} does not exist; {suggest(key, _KEYS)}"))
        if key == "plugin" and str(node.value) != _PLUGIN:
            problems.append(problem(node.origin, f"plugin is {render_value(node.value)}; write plugin: {_PLUGIN}"))
    return {key: node for key, node in entries.items() if key in _KEYS and key != "plugin"}


def _read_names(section: str, node: Node, problems: list[FleetFileProblem]) -> dict[str, Node]:
    entries = node.entries()
    if entries is None:
        if node.value is not None:
            what = f"{section} is {render_kind(node.value)}, but a map is expected: a name, then its values"
            problems.append(problem(node.origin, what))
        return {}
    good: dict[str, Node] = {}
    for name, declared in entries.items():
        refusal = _problem_of(section, name, declared)
        if refusal is None:
            good[name] = declared
        else:
            problems.append(problem(declared.place, refusal))
    return good


def _problem_of(section: str, name: str, declared: Node) -> str | None:
    if section == "hosts":
        return _problem_of_host(name, declared)
    if not _NAME.fullmatch(name):
        return (
            f"{name!r} is no name for an entry of {section}; a name begins with a letter or digit and goes on with"
            " letters, digits, _, . and -, at most 63 in all"
        )
    if declared.entries() is None and not is_expression(declared.value):
        return f"{section}.{name} is {render_kind(declared.value)}, but a map of values is expected"
    return None


def _problem_of_host(name: str, declared: Node) -> str | None:
    entries = declared.entries()
    if entries is None:
        return None if declared.value is None else f"hosts.{name} is no map; write its variables as a map"
    groups = entries.get("groups")
    if groups is None:
        return None
    items = groups.items()
    if items is None or not all(isinstance(item.value, str) for item in items):
        return f"hosts.{name}.groups is no list of names; write groups: [web, prod]"
    return None


def _add(section: dict[str, Node], title: str, name: str, declared: Node, problems: list[FleetFileProblem]) -> None:
    first = section.setdefault(name, declared)
    if first is not declared:
        what = f"{title}.{name} is declared twice, here and at {first.place}; keep one of them"
        problems.append(problem(declared.place, what))


__all__ = ["Declarations", "merge_declarations"]
