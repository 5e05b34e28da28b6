# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible's host patterns, for one host at a time.

Exactly what ``InventoryManager.get_hosts`` selects, including its corners (a term that is a host's name never means the
group of that name; a subscript counts duplicates), but without walking over all hosts unless a term has a subscript.
A test compares it with the real one. Source: ansible-core 2.19, ``inventory/manager.py`` and
``parsing/utils/addresses.py``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import translate
from functools import cached_property, lru_cache

_SUBSCRIPT = re.compile(r"(.+)\[(?:(-?[0-9]+)|([0-9]+)[:-]([0-9]*))\]")
_COLON_SEPARATED = re.compile(r"(?:[^\s:\[\]]|\[[^\]]*\])+")
_LOCAL = ("127.0.0.1", "localhost", "::1")


class PatternUnreadable(ValueError):
    """A host pattern that Ansible refuses as well."""


@dataclass(frozen=True, slots=True)
class Term:
    """One part of a host pattern."""

    kind: str
    """Empty: adds hosts; ``&``: keeps only these; ``!``: takes these away."""

    text: str
    """The part as written, with its ``&`` or ``!``."""

    expression: str
    """The name, glob or ``~regex``, without subscript."""

    regex: re.Pattern[str] | None
    """What names must match; ``None`` when the expression is a plain name."""

    subscript: tuple[int, int | None] | None
    """One index, or first and last of a range (last -1: to the end)."""

    @property
    def may_be_host(self) -> bool:
        """Whether hosts are looked at even when a group matches."""
        return self.regex is not None or "." in self.expression


class Inventory:
    """What patterns need to know of an inventory."""

    def __init__(self, members: Mapping[str, Sequence[str]], hosts: Sequence[str] | None = None) -> None:
        """``members``: group name to its hosts (children's included), in Ansible's order, as in ``groups``;
        ``hosts``: all hosts in the order of the inventory, when that differs from ``members["all"]``."""
        self.members = members
        self._hosts = hosts

    @cached_property
    def hosts(self) -> Sequence[str]:
        """All hosts in the order of the inventory."""
        if self._hosts is not None:
            return self._hosts
        if "all" in self.members:
            return self.members["all"]
        return list(dict.fromkeys(host for hosts in self.members.values() for host in hosts))

    @cached_property
    def names(self) -> frozenset[str]:
        """The names of all hosts."""
        return frozenset(self.hosts)

    @cached_property
    def local(self) -> str | None:
        """The host that each name of the local host means when no host has that name."""
        return next((host for host in self.hosts if host in _LOCAL), None)


def matches(pattern: str, host: str, groups: frozenset[str], members: Mapping[str, Sequence[str]] | Inventory) -> bool:
    """Whether a host pattern selects ``host``.

    ``groups``: all groups that the host is in, parents included; ``members``: group name to host names, as in Ansible's
    variable ``groups``, or an ``Inventory`` made of it.

    >>> members = {"web": ["web1", "web9"], "prod": ["web1", "web9"]}
    >>> [matches("web:&prod:!web9", host, frozenset(members), members) for host in ("web1", "web9")]
    [True, False]

    Raises ``PatternUnreadable`` for what Ansible refuses: a broken regular expression, an index past the end.
    """
    inventory = members if isinstance(members, Inventory) else Inventory(members)
    selected = False
    for term in parse_pattern(pattern):
        found = _selects(term, host, groups, inventory)
        selected = {"": selected or found, "&": selected and found, "!": selected and not found}[term.kind]
    return selected


@lru_cache(maxsize=4096)
def parse_pattern(pattern: str) -> tuple[Term, ...]:
    """The terms of a host pattern in the order in which they work: additions, intersections, exclusions.

    >>> [term.text for term in parse_pattern("!web9:web:&prod")]
    ['web', '&prod', '!web9']

    Raises ``PatternUnreadable``.
    """
    parts = split_pattern(pattern)
    regular = [part for part in parts if part[0] not in "&!"] or ["all"]
    ordered = [*regular, *(part for part in parts if part[0] == "&"), *(part for part in parts if part[0] == "!")]
    return tuple(_parse_term(part) for part in ordered)


def split_pattern(pattern: str) -> list[str]:
    """The parts of a host pattern: at commas, else at colons unless the whole is an address or has a range.

    >>> split_pattern("a,b[1], c[2:3]"), split_pattern("web:&prod"), split_pattern("::1")
    (['a', 'b[1]', 'c[2:3]'], ['web', '&prod'], ['::1'])
    """
    if "," in pattern:
        parts = pattern.split(",")
    elif _is_address(pattern):
        parts = [pattern]
    else:
        parts = _COLON_SEPARATED.findall(pattern)
    return [part.strip() for part in parts if part.strip()]


def _parse_term(text: str) -> Term:
    kind = text[0] if text[0] in "&!" else ""
    rest = text[len(kind) :]
    if not rest:
        raise PatternUnreadable(f"nothing follows {text!r}; name a group or host after it")
    if rest[0] == "~":
        return Term(kind, text, rest, _compile(rest[1:], rest), None)
    expression, subscript = _split_subscript(rest)
    is_glob = any(special in expression for special in "*?[")
    return Term(kind, text, expression, _compile(translate(expression), rest) if is_glob else None, subscript)


def _compile(regex: str, shown: str) -> re.Pattern[str]:
    try:
        return re.compile(regex)
    except (re.error, RecursionError, OverflowError) as error:
        raise PatternUnreadable(f"{shown!r} is not a readable expression: {error}") from None


def _split_subscript(text: str) -> tuple[str, tuple[int, int | None] | None]:
    match = _SUBSCRIPT.fullmatch(text)
    if match is None:
        return text, None
    expression, index, start, end = match.groups()
    if index:
        return expression, (int(index), None)
    return expression, (int(start), int(end) if end else -1)


def _selects(term: Term, host: str, groups: frozenset[str], inventory: Inventory) -> bool:
    if not term.kind and term.text == host:
        return True
    if term.subscript is not None:
        found = host in _subscripted(term, inventory)
    elif host in _LOCAL and host not in inventory.names:
        return term.expression == host and host not in inventory.members
    else:
        found = _expression_selects(term, host, groups, inventory)
    return found and (bool(term.kind) or term.text not in inventory.names)


def _expression_selects(term: Term, host: str, groups: frozenset[str], inventory: Inventory) -> bool:
    name = term.expression
    if term.regex is not None:
        match = term.regex.match
        return bool(match("all") or match(host) or any(match(group) for group in groups))
    if name == "all" or name in inventory.members:
        return name == "all" or name in groups or (term.may_be_host and name == host)
    return name == host or (
        host in _LOCAL and name in _LOCAL and name not in inventory.names and host == inventory.local
    )


def _subscripted(term: Term, inventory: Inventory) -> Sequence[str]:
    if term.text in inventory.names and not term.kind:
        return ()
    hosts = _enumerate(term, inventory)
    if not hosts or term.subscript is None:
        return hosts
    start, end = term.subscript
    if end:
        return hosts[start:] if end == -1 else hosts[start : end + 1]
    try:
        return (hosts[start],)
    except IndexError:
        raise PatternUnreadable(
            f"{term.text!r} counts past the end: {term.expression} has {len(hosts)} hosts"
        ) from None


def _enumerate(term: Term, inventory: Inventory) -> list[str]:
    """All hosts of an expression in Ansible's order, which may hold a host twice."""
    groups = list(_matching(term, inventory.members))
    hosts = [host for group in groups for host in inventory.members[group]]
    if not groups or term.may_be_host:
        hosts.extend(_matching(term, inventory.hosts))
    if not hosts and term.expression in _LOCAL and inventory.local:
        return [inventory.local]
    return hosts


def _matching(term: Term, names: Iterable[str]) -> Iterable[str]:
    if term.regex is None:
        return (name for name in names if name == term.expression)
    match = term.regex.match
    return (name for name in names if match(name))


_HEXADECIMAL = r"(?:[0-9a-f]{1,4}|\[(?:[0-9a-f]+:[0-9a-f]+)(?::[0-9]+)?\])"
_RANGE = r"\[(?:[a-z]:[a-z]|[0-9]+:[0-9]+)(?::[0-9]+)?\]"
_LABEL = rf"(?:\w|{_RANGE})(?:[\w-]|{_RANGE})*(?<![_-])"
_PORTS = (re.compile(r"^\[(.+)\]:([0-9]+)$"), re.compile(r"^((?:[^:\[\]]|\[[^\]]*\])*):([0-9]+)$"))
_HOST_NAME = re.compile(rf"^{_LABEL}(?:\.{_LABEL})*$", re.IGNORECASE)
_GROUPS = [
    "(?:H:){7}H",
    "(?:H:){1,6}:",
    *(f"(?:H:){{{before}}}(?::H){{1,{7 - before}}}" for before in range(1, 7)),
    ":(?::H){1,6}",
    "H?::",
    r"(?:0:){6}(?:H\.){3}H",
    r"::(?:ffff:)?(?:H\.){3}H",
    r"(?:0:){5}ffff:(?:H\.){3}H",
]
_ADDRESS = re.compile("^(?:" + "|".join(_GROUPS).replace("H", _HEXADECIMAL) + ")$", re.IGNORECASE)


def _is_address(text: str) -> bool:
    """Whether Ansible's ``parse_address`` reads the text as one host name or address; ports and ranges are allowed."""
    for ports in _PORTS:
        if match := ports.match(text):
            text = match[1]
    return bool(_HOST_NAME.match(text) or _ADDRESS.match(text))


__all__ = ["Inventory", "PatternUnreadable", "Term", "matches", "parse_pattern", "split_pattern"]
