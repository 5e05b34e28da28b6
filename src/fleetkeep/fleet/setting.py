# SPDX-License-Identifier: GPL-3.0-or-later
"""A declared value on its way to one client: templated, merged, and never without the place it came from."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final, TypeVar

from fleetkeep.errors import FleetFileProblem

from .load import Unsafe
from .problems import problem, render_value
from .tree import Node, Origin, node_of

Template = Callable[[object], object]
"""Turns one opaque scalar into plain Python for one client; raises ``TemplateFailure`` or ``ValueUnknown``."""

Path = tuple[str | int, ...]
Result = TypeVar("Result")

_PLAIN = (str, int, float, bool, date, type(None))
_JINJA = re.compile(r"\{\{|\{%|\{#")
_SECRET_WORD = re.compile(r"pass|secret|vault|token|key|credential", re.IGNORECASE)
_UNDEFINED = re.compile(r"'[\w.\[\]]+' is undefined")


class TemplateFailure(Exception):
    """A ``template`` function could not evaluate an expression; its text is the reason.

    ``harmless``: the reason holds nothing of the value, so that it may be shown of a secret, too.
    """

    def __init__(self, reason: str, *, harmless: bool = False) -> None:
        super().__init__(reason)
        self.harmless = harmless


class ValueUnknown(Exception):
    """A ``template`` function cannot know this value here, and that is no problem."""


class Refused(Exception):
    """A value cannot be used; holds the problem, or ``None`` when it is not known and nothing is to be said."""

    def __init__(self, found: FleetFileProblem | None) -> None:
        super().__init__()
        self.found = found


class _Unknown:
    """The value of an expression that could not be evaluated; nothing more is said about it."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = _Unknown()


@dataclass(frozen=True, slots=True)
class Setting:
    """One value: a map of settings, a list of settings, or a scalar."""

    value: object
    """``dict[str, Setting]``, ``list[Setting]``, or a scalar, which is opaque until ``final``."""

    origin: Origin | None
    """Where the value stands."""

    key: Origin | None
    """Where its key stands."""

    source: str
    """The declared thing that it belongs to, such as ``retention.standard``."""

    path: Path
    """Where in that thing, such as ``("daily",)``."""

    final: bool = False
    """The scalar is plain Python: never template it (again)."""

    written: object = None
    """The opaque scalar that a templated value was made from."""

    @property
    def place(self) -> Origin | None:
        """Where to send somebody who looks for this entry."""
        return self.key or self.origin

    @property
    def address(self) -> str:
        """Declared thing and path: ``templates.linux.sources.paths[0]``."""
        return self.source + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in self.path)

    @property
    def is_secret(self) -> bool:
        """Whether the value must never be shown: a passphrase, or text in place of a whole repository."""
        is_in_question = not self.path or self.path[0] == "passphrase"
        return is_in_question and self.source.startswith("repositories.")

    def entries(self) -> dict[str, Setting] | None:
        """The entries of a map, or ``None`` for anything else."""
        return self.value if isinstance(self.value, dict) else None

    def items(self) -> list[Setting] | None:
        """The items of a list, or ``None`` for anything else."""
        return self.value if isinstance(self.value, list) else None

    def get(self, name: str) -> Setting | None:
        """The entry of a map that is given and not empty."""
        found = (self.entries() or {}).get(name)
        return None if found is None or found.value is None else found

    def with_value(self, value: object) -> Setting:
        """The same place with another value."""
        return replace(self, value=value, final=True)

    def without(self, *names: str) -> Setting:
        """A map without some of its entries."""
        return replace(self, value={name: child for name, child in (self.entries() or {}).items() if name not in names})


def setting_of(node: Node, source: str, path: Path = ()) -> Setting:
    """A declared tree, each value of which knows that it belongs to ``source``."""
    value: object = node.value
    if isinstance(value, dict):
        value = {name: setting_of(child, source, (*path, name)) for name, child in value.items()}
    elif isinstance(value, list):
        value = [setting_of(child, source, (*path, index)) for index, child in enumerate(value)]
    return Setting(value, node.origin, node.key, source, path)


def is_expression(value: object) -> bool:
    """Whether a scalar has to be templated to be known: Jinja text, or a type of its own such as a Vault value.

    >>> is_expression("{{ cron }}"), is_expression("0 2 * * *"), is_expression(7)
    (True, False, False)
    """
    if isinstance(value, Unsafe):
        return False
    if isinstance(value, str):
        return _JINJA.search(value) is not None
    return not isinstance(value, (*_PLAIN, dict, list))


def literal(value: object) -> object:
    """The ``template`` of checks that know no client: plain values are what they are, expressions are unknown."""
    if is_expression(value):
        raise ValueUnknown
    return str(value) if isinstance(value, Unsafe) else value


class Renderer:
    """Templates settings for one client and collects what goes wrong."""

    def __init__(self, template: Template) -> None:
        self._template = template
        self.problems: list[FleetFileProblem] = []

    def shallow(self, setting: Setting) -> Setting:
        """The setting with its own value known; the values inside a map or list may still be opaque."""
        if setting.final or isinstance(setting.value, (dict, list)):
            return setting
        value = self._evaluate(setting)
        if isinstance(value, (dict, list, tuple)):
            return _given_by_expression(setting, value)
        written = setting.value if is_expression(setting.value) else None
        return replace(setting, value=value, final=True, written=written)

    def deep(self, setting: Setting) -> Setting:
        """The setting with every value in it known."""
        setting = self.shallow(setting)
        if isinstance(setting.value, dict):
            return replace(setting, value={name: self.deep(child) for name, child in setting.value.items()})
        if isinstance(setting.value, list):
            return replace(setting, value=[self.deep(child) for child in setting.value])
        return setting

    def merge(self, base: Setting | None, over: Setting) -> Setting:
        """``over`` on top of ``base``: maps are merged deeply, everything else replaces.

        A map on top of what is unknown is unknown.
        """
        if base is None:
            return over
        if isinstance(base.value, dict) or isinstance(over.value, dict):
            base, over = self.shallow(base), self.shallow(over)
        below, above = base.entries(), over.entries()
        if base.value is UNKNOWN and above is not None:
            return base
        if below is None or above is None:
            return over
        merged = dict(below)
        for name, child in above.items():
            merged[name] = self.merge(merged.get(name), child)
        return replace(over, value=merged)

    def attempt(self, work: Callable[[], Result]) -> Result | None:
        """What ``work`` gives; ``None`` when it is refused, with the problem added."""
        try:
            return work()
        except Refused as refused:
            self.problems.extend([refused.found] if refused.found else [])
            return None

    def _evaluate(self, setting: Setting) -> object:
        try:
            return self._template(setting.value)
        except ValueUnknown:
            return UNKNOWN
        except TemplateFailure as failure:
            self.problems.append(problem(setting.origin, _failure_sentence(setting, failure)))
            return UNKNOWN


def plain(setting: Setting) -> object:
    """Plain Python for the models; an empty entry of a map is as if it were not given.

    An expression that is ``UNKNOWN`` stays so, and every model refuses it, which ``model_problems`` then passes over.
    """
    if isinstance(setting.value, dict):
        return {name: plain(child) for name, child in setting.value.items() if child.value is not None}
    if isinstance(setting.value, list):
        return [plain(child) for child in setting.value]
    return setting.value


def walk(setting: Setting, path: Path = ()) -> Iterator[tuple[Path, Setting]]:
    """Every setting in a tree, from the root down, with where it is in that tree."""
    yield path, setting
    if isinstance(setting.value, dict):
        for name, child in setting.value.items():
            yield from walk(child, (*path, name))
    elif isinstance(setting.value, list):
        for index, child in enumerate(setting.value):
            yield from walk(child, (*path, index))


def locate(setting: Setting, path: Sequence[str | int]) -> tuple[Setting, Path]:
    """The deepest setting on the way along ``path``, and what of the path is left."""
    for depth, part in enumerate(path):
        child = _child(setting, part)
        if child is None:
            return setting, tuple(path[depth:])
        setting = child
    return setting, ()


def shown(setting: Setting) -> str | None:
    """The value as a problem may show it; ``None`` when it may hold a secret.

    A value that comes from Vault, or from an expression with a word like ``password`` in it, is not shown.
    """
    if setting.is_secret or setting.value is UNKNOWN:
        return None
    if setting.written is None:
        return render_value(setting.value)
    if not isinstance(setting.written, str) or _SECRET_WORD.search(setting.written):
        return None
    return f"{render_value(setting.value)} (from {render_value(setting.written)})"


def _child(setting: Setting, part: str | int) -> Setting | None:
    if isinstance(part, str):
        return (setting.entries() or {}).get(part)
    items = setting.items() or []
    return items[part] if part < len(items) else None


def _given_by_expression(setting: Setting, value: object) -> Setting:
    node = node_of(value, setting.origin)
    made = setting_of(Node(node.value, setting.origin, setting.key), setting.source, setting.path)
    return _finish(made, setting.value)


def _finish(setting: Setting, written: object) -> Setting:
    value = setting.value
    if isinstance(value, dict):
        value = {name: _finish(child, written) for name, child in value.items()}
    elif isinstance(value, list):
        value = [_finish(child, written) for child in value]
    return replace(setting, value=value, final=True, written=written)


def _failure_sentence(setting: Setting, failure: TemplateFailure) -> str:
    reason = str(failure)
    if not failure.harmless and (setting.is_secret or not isinstance(setting.value, str)):
        undefined = _UNDEFINED.search(reason)
        reason = undefined[0] if undefined else "the reason is not shown, because it could hold a secret"
    return f"the value of {setting.address} cannot be evaluated: {reason.rstrip('.')}"


__all__ = [
    "UNKNOWN",
    "Path",
    "Refused",
    "Renderer",
    "Setting",
    "Template",
    "TemplateFailure",
    "ValueUnknown",
    "is_expression",
    "literal",
    "locate",
    "plain",
    "setting_of",
    "shown",
    "walk",
]
