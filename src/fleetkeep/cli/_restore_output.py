# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``fleetkeep restore`` prints: the plan, and what was done."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ._common import emit_json, printable

if TYPE_CHECKING:
    from fleetkeep.agent.restore import RestoreResult
    from fleetkeep.plan.restore import RestorePlan

WARNINGS_SHOWN = 20


def show_plan(plan: RestorePlan, as_json: bool) -> None:
    """Print a plan."""
    from fleetkeep.plan.restore import render_restore_plan

    emit_json(plan) if as_json else click.echo(render_restore_plan(plan, printable))


def describe(result: RestoreResult) -> str:
    """What a restore did, for people."""
    from fleetkeep.plan.words import render_bytes, render_count, render_seconds

    lines = [
        f"{_verb(result)} {render_count(result.items, 'item')} ({render_count(result.files, 'file')}, "
        f"{render_bytes(result.size_bytes)}) of {result.archive} to {_place(result)} in "
        f"{render_seconds(result.duration_seconds)}{'; ' + _details(result) if _details(result) else ''}."
    ]
    if result.compared or result.differing:
        verdict = "all as in it" if not result.differing else f"{result.differing:,} DIFFER"
        lines.append(f"Compared {render_count(result.compared, 'file')} with the archive: {verdict}.")
    if result.missing:
        lines.append(f"Not there in the end: {result.missing:,}.")
    if result.warning_count:
        lines.append(f"{render_count(result.warning_count, 'warning')}:")
        shown = result.warnings[:WARNINGS_SHOWN]
        lines += [f"  {printable(': '.join(filter(None, (each.path, each.message))))}" for each in shown]
        if result.warning_count > len(shown):
            lines.append(f"  and {result.warning_count - len(shown):,} more; --json has them")
    return "\n".join(lines)


def _verb(result: RestoreResult) -> str:
    return "Restored" if result.form.value == "folder" else "Wrote"


def _place(result: RestoreResult) -> str:
    if result.form.value != "folder":
        place = "standard output" if result.target == "-" else printable(result.target)
        return place if result.form.value == "file" else f"a {result.form.value} stream, {place},"
    return "the original place" if result.target == "/" else printable(result.target)


def _details(result: RestoreResult) -> str:
    from fleetkeep.plan.words import render_count

    if result.form.value != "folder":
        return f"SHA-256 {result.sha256}"
    parts = [f"{result.overwritten:,} overwritten"]
    if result.renamed:
        parts.append(f"{result.renamed:,} put beside what is there")
    if result.kept:
        parts.append(f"{result.kept:,} kept as they were")
    if result.done_files:
        parts.append(f"{render_count(result.done_files, 'file')} were there from before the interruption")
    return ", ".join(parts)


__all__ = ["describe", "show_plan"]
