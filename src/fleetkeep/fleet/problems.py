# SPDX-License-Identifier: GPL-3.0-or-later
"""Problems of fleet files: one sentence each, with its place; sorted, and folded over hosts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches

from fleetkeep.errors import FleetFileProblem

from .tree import Origin

#: What stands for a place when nobody knows it.
NOWHERE = "the fleet files"

_WHERE = re.compile(r"(?P<file>.*?)(?::(?P<line>\d+))?(?::(?P<column>\d+))?")
_NAMED_HOSTS = 2
_LONGEST_SHOWN = 60


def problem(origin: Origin | None, what: str) -> FleetFileProblem:
    """A problem at a place; ``what`` is one sentence without a full stop."""
    return FleetFileProblem(where=str(origin) if origin else NOWHERE, what=what)


def sort_problems(problems: Iterable[FleetFileProblem]) -> list[FleetFileProblem]:
    """Sorted by file, line and column; what is said twice is said once."""
    return [found for _, found in sorted({str(found): found for found in problems}.items(), key=_place_then_text)]


def fold_problems(
    fleet_wide: Iterable[FleetFileProblem], by_host: Mapping[str, Sequence[FleetFileProblem]]
) -> list[FleetFileProblem]:
    """All problems of an inventory, sorted, each once.

    ``fleet_wide`` holds what is wrong on every host; what only some hosts have names these: "(on web1, web2 and 3
    more)".
    """
    everywhere = {str(found): found for found in fleet_wide}
    hosts: dict[str, list[str]] = {}
    samples: dict[str, FleetFileProblem] = {}
    for host, problems in by_host.items():
        for text in dict.fromkeys(str(found) for found in problems):
            hosts.setdefault(text, []).append(host)
        samples |= {str(found): found for found in problems}
    local = [_on_hosts(samples[text], names) for text, names in hosts.items() if text not in everywhere]
    return sort_problems([*everywhere.values(), *local])


def render_hosts(hosts: Sequence[str]) -> str:
    """A short list of hosts.

    >>> render_hosts(["web1", "web2", "web3", "web4"])
    'web1, web2 and 2 more'
    """
    if len(hosts) <= _NAMED_HOSTS + 1:
        return render_names(hosts)
    return f"{', '.join(hosts[:_NAMED_HOSTS])} and {len(hosts) - _NAMED_HOSTS} more"


def render_names(names: Iterable[str], last: str = "and") -> str:
    """A list of names as people write it.

    >>> render_names(["a", "b", "c"], "or")
    'a, b or c'
    """
    listed = list(names)
    return f" {last} ".join(part for part in (", ".join(listed[:-1]), listed[-1]) if part) if listed else "none"


def suggest(wrong: str, known: Iterable[str], also: Iterable[str] = ()) -> str:
    """What was probably meant, or all there is, as the end of a sentence.

    ``also`` holds names that may be meant but are too many to be listed.

    >>> suggest("nigtly", ["nightly", "hourly"])
    'did you mean nightly? Known are hourly and nightly'
    """
    names = sorted(known)
    if not names:
        return "none is declared"
    near = get_close_matches(wrong, [*names, *also], n=1)
    listed = f"known {'is' if len(names) == 1 else 'are'} {_some_names(names)}"
    return f"did you mean {near[0]}? {listed[0].upper()}{listed[1:]}" if near else listed


def render_value(value: object) -> str:
    """A wrong value as a problem shows it.

    >>> render_value("61 * * * *"), render_value(None), render_value([1])
    ("'61 * * * *'", 'empty', 'a list')
    """
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "a map"
    if isinstance(value, (list, tuple)):
        return "a list"
    if isinstance(value, str):
        return repr(str(value) if len(value) <= _LONGEST_SHOWN else value[:_LONGEST_SHOWN] + "…")
    return str(value) if isinstance(value, (int, float)) else repr(str(value))


def render_kind(value: object) -> str:
    """What a value is, where the value itself could be a secret.

    >>> render_kind("secret"), render_kind(7), render_kind(None)
    ('text', 'a number', 'empty')
    """
    if isinstance(value, str):
        return "text"
    if value is None or isinstance(value, (bool, Mapping, list, tuple)):
        return render_value(value)
    return "a number" if isinstance(value, (int, float)) else "a single value"


def _some_names(names: Sequence[str]) -> str:
    return render_names(names) if len(names) <= 12 else f"{', '.join(names[:12])} and {len(names) - 12} more"


def _place_then_text(entry: tuple[str, FleetFileProblem]) -> tuple[str, int, int, str]:
    match = _WHERE.fullmatch(str(entry[1].details["where"]))
    if match is None:
        return ("", 0, 0, entry[0])
    return (match["file"], int(match["line"] or 0), int(match["column"] or 0), entry[0])


def _on_hosts(found: FleetFileProblem, hosts: Sequence[str]) -> FleetFileProblem:
    return FleetFileProblem(where=found.details["where"], what=f"{found.details['what']} (on {render_hosts(hosts)})")


__all__ = [
    "NOWHERE",
    "fold_problems",
    "problem",
    "render_hosts",
    "render_kind",
    "render_names",
    "render_value",
    "sort_problems",
    "suggest",
]
