# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan as people read it: what is added, changed, removed, and what stays for a person to decide."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence

from .change import Action, Change, FieldChange, Plan
from .group import PlanGroup, group_plans, name_clients

_SIGN = {Action.CREATE: "+", Action.UPDATE: "~", Action.DELETE: "-"}
_COLOR = {"+": "\x1b[32m", "~": "\x1b[33m", "-": "\x1b[31m", "!": "\x1b[36m"}
_BOLD, _PLAIN = "\x1b[1m", "\x1b[0m"


def render_plan(plans: Sequence[Plan], *, color: bool = False) -> str:
    """The plans of some hosts as text, ending with the counts.

    >>> print(render_plan([Plan(client="web1")]))
    No changes: web1 is as declared.
    """
    lines: list[str] = []
    for group in group_plans(plans):
        lines += [*_render_group(group, color), ""]
    return "\n".join([*lines, _inert(summarize(plans))])


def render_markdown(plans: Sequence[Plan], failures: Sequence[str] = ()) -> str:
    """The plans of some hosts, and what went wrong, as the comment of a merge request: folded, a group of hosts each.

    >>> print(render_markdown([Plan(client="web1")]))
    **No changes: web1 is as declared.**
    """
    parts = [f"**{_plain(summarize(plans))}**"] if plans else []
    for group in group_plans(plans):
        heading, *lines = (line for line in _render_group(group, color=False))
        lines = [_as_diff(line) for line in lines]
        fence = "`" * max(3, 1 + max((len(run) for line in lines for run in re.findall("`+", line)), default=0))
        summary = f"<summary>{_plain(heading)}</summary>"
        parts.append("\n".join(["<details>", summary, "", f"{fence}diff", *lines, fence, "", "</details>"]))
    if failures:
        parts.append("\n".join(["**Failed:**", "", *(f"- {_plain(_inert(failure))}" for failure in failures)]))
    return "\n\n".join(parts)


def _as_diff(line: str) -> str:
    """A line whose sign comes first, so that a diff is coloured by it; a change is shown as a diff shows a remark.

    >>> _as_diff("      + exclude: x"), _as_diff("  ~ job a")
    ('+      exclude: x', '!  job a')
    """
    text = line.lstrip(" ")
    indent = " " * (len(line) - len(text))
    return f"{'!' if text[0] == '~' else text[0]}{indent}{text[1:].lstrip(' ')}"


def _plain(text: str) -> str:
    """Text without any meaning to Markdown or HTML.

    >>> _plain("a_b <client>")
    'a&#95;b &lt;client&gt;'
    """
    return "".join(f"&#{ord(c)};" if c in "\\`*_{}[]()#+!|~@" else html.escape(c) for c in text)


def summarize(plans: Sequence[Plan]) -> str:
    """The counts of some plans in one line, such as ``Plan: 3 to add, 1 to change, 0 to remove on 2 hosts.``"""
    if not any(plan.changes for plan in plans):
        names = plans[0].client if len(plans) == 1 else f"all {len(plans)} hosts"
        return f"No changes: {names} {'is' if len(plans) == 1 else 'are'} as declared."
    add, change, remove = (sum(plan.count(action) for plan in plans) for action in Action)
    touched = sum(bool(plan.changes) for plan in plans)
    where = f"on {plans[0].client}" if len(plans) == 1 else f"on {touched} of {len(plans)} hosts"
    return f"Plan: {add} to add, {change} to change, {remove} to remove {where}."


def _render_group(group: PlanGroup, color: bool) -> Iterable[str]:
    plan = group.plan
    yield _paint(_BOLD, _inert(name_clients(group.clients)), color)
    for change in plan.changes:
        yield from _render_change(change, color)
    for orphan in plan.orphans:
        text = f"  ! repository {orphan.name} at {orphan.location} is declared no longer; it stays, with its archives"
        yield _paint(_COLOR["!"], _inert(text), color)


def _render_change(change: Change, color: bool) -> Iterable[str]:
    sign = _SIGN[change.action]
    line = f"  {sign} {change.kind.value} {change.name}"
    if change.summary and change.action is not Action.DELETE:
        line += f"   {change.summary}"
    if change.reason:
        line += f"   ({change.reason})"
    yield _paint(_COLOR[sign], _inert(line), color)
    for field in change.fields:
        yield _render_field(field, color)


def _render_field(field: FieldChange, color: bool) -> str:
    if field.before is None:
        return _paint(_COLOR["+"], _inert(f"      + {field.path}: {field.after}"), color)
    if field.after is None:
        return _paint(_COLOR["-"], _inert(f"      - {field.path}: {field.before}"), color)
    return _paint(_COLOR["~"], _inert(f"      ~ {field.path}: {field.before} -> {field.after}"), color)


def _inert(text: str) -> str:
    """Text whose control characters are escaped, so that a declared name cannot drive a terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _paint(code: str, text: str, color: bool) -> str:
    return f"{code}{text}{_PLAIN}" if color else text


__all__ = ["render_markdown", "render_plan", "summarize"]
