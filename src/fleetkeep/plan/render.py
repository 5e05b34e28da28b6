# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan as people read it: what is added, changed, removed, and what stays for a person to decide."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .change import Action, Change, FieldChange, Plan

_SIGN = {Action.CREATE: "+", Action.UPDATE: "~", Action.DELETE: "-"}
_COLOR = {"+": "\x1b[32m", "~": "\x1b[33m", "-": "\x1b[31m", "!": "\x1b[36m"}
_BOLD, _PLAIN = "\x1b[1m", "\x1b[0m"


def render_plan(plans: Sequence[Plan], *, color: bool = False) -> str:
    """The plans of some hosts as text, ending with the counts.

    >>> print(render_plan([Plan(client="web1")]))
    No changes: web1 is as declared.
    """
    lines: list[str] = []
    for plan in plans:
        if plan.changes or plan.orphans:
            lines += [*_render_host(plan, color), ""]
    return "\n".join([*lines, _inert(summarize(plans))])


def summarize(plans: Sequence[Plan]) -> str:
    """The counts of some plans in one line, such as ``Plan: 3 to add, 1 to change, 0 to remove on 2 hosts.``"""
    if not any(plan.changes for plan in plans):
        names = plans[0].client if len(plans) == 1 else f"all {len(plans)} hosts"
        return f"No changes: {names} {'is' if len(plans) == 1 else 'are'} as declared."
    add, change, remove = (sum(plan.count(action) for plan in plans) for action in Action)
    touched = sum(bool(plan.changes) for plan in plans)
    where = f"on {plans[0].client}" if len(plans) == 1 else f"on {touched} of {len(plans)} hosts"
    return f"Plan: {add} to add, {change} to change, {remove} to remove {where}."


def _render_host(plan: Plan, color: bool) -> Iterable[str]:
    yield _paint(_BOLD, _inert(plan.client), color)
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


__all__ = ["render_plan", "summarize"]
