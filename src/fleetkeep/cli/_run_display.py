# SPDX-License-Identifier: GPL-3.0-or-later
"""How a run is shown: bars on a terminal, one line for each thing that happens elsewhere, JSON lines for programs.

All three only take events and print; a listener that goes away never ends a run.
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import click

from fleetkeep.agent.run_events import RunEvent
from fleetkeep.model import Outcome, RepositoryRun, Run
from fleetkeep.plan.words import render_bytes, render_count

from ._common import console, printable

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

#: How many files with warnings are named at the end; the log of the run has them all.
WARNINGS_SHOWN = 20

_COLORS = {
    Outcome.SUCCEEDED: "green",
    Outcome.WARNING: "yellow",
    Outcome.SKIPPED: "yellow",
    Outcome.CANCELLED: "yellow",
    Outcome.FAILED: "red",
}


class Display(Protocol):
    """Shows a run."""

    def take(self, event: RunEvent) -> None:
        """Show that something happened."""

    def summarize(self, run: Run, log: Path) -> None:
        """Show how it ended; ``log`` is the file that has its events."""


@contextmanager
def display(as_json: bool) -> Iterator[Display]:
    """The display that fits where the output goes, for the length of a ``with`` block."""
    if as_json:
        yield JsonLines()
        return
    if not sys.stdout.isatty():
        yield PlainLines()
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[amount]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console(), refresh_per_second=4) as progress:
        yield Bars(progress)


class JsonLines:
    """Every event as one line of JSON; the last one, ``summary``, holds the whole run."""

    def take(self, event: RunEvent) -> None:
        click.echo(event.as_json())

    def summarize(self, run: Run, log: Path) -> None:
        with contextlib.suppress(OSError):
            content = {"event": "summary", "run": run.id, "log": str(log), "summary": run.model_dump(mode="json")}
            click.echo(json.dumps(content, ensure_ascii=True))


class PlainLines:
    """One line for each thing that happens, with its time."""

    def take(self, event: RunEvent) -> None:
        words = render_event(event)
        if words:
            place = f"{event.repository}: " if event.repository else ""
            click.echo(printable(f"{event.at.astimezone():%H:%M:%S} {place}{words}"))

    def summarize(self, run: Run, log: Path) -> None:
        with contextlib.suppress(OSError):
            for line, _ in render_summary(run, log):
                click.echo(printable(line))


class Bars:
    """One bar for each repository, as far as the last good run lets guess."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def take(self, event: RunEvent) -> None:
        if event.event == "run_started":
            self._begin(event.data)
        elif event.event == "message" and event.data["message_id"] == "Ledger":
            self._progress.console.print(printable(str(event.data["message"])), style="yellow", soft_wrap=True)
        elif event.repository in self._tasks:
            self._update(self._tasks[event.repository], event)

    def summarize(self, run: Run, log: Path) -> None:
        terminal = console()
        for line, color in render_summary(run, log):
            terminal.print(printable(line), style=color or None, soft_wrap=True)

    def _begin(self, data: Mapping[str, Any]) -> None:
        for name in data["repositories"]:
            total = data["expected"].get(name, {}).get("original_bytes") or None
            self._tasks[name] = self._progress.add_task(name, total=total, amount="", start=False)

    def _update(self, task: TaskID, event: RunEvent) -> None:
        data = event.data
        if event.event == "stage_started":
            self._progress.start_task(task)
            self._progress.update(task, amount=_STAGE_WORDS.get(str(data["stage"]), ""))
        elif event.event == "progress":
            self._advance(task, data)
        elif event.event == "repository_finished":
            total = self._total(task) or 1
            self._progress.update(task, total=total, completed=total, amount=str(data["outcome"]))
            self._progress.stop_task(task)

    def _advance(self, task: TaskID, data: Mapping[str, Any]) -> None:
        read = int(data["original_bytes"])
        amount = f"{render_count(int(data['files']), 'file')}, {render_bytes(read)}"
        if total := self._total(task):
            # A full bar stops its clock, but there may be more than last time, and checks follow.
            self._progress.update(task, total=max(total, read + 1))
        self._progress.update(task, completed=read, amount=amount)

    def _total(self, task: TaskID) -> float | None:
        return self._progress.tasks[self._progress.task_ids.index(task)].total


_STAGE_WORDS = {
    "create": "reading",
    "reconcile": "checking",
    "delete": "deleting old archives",
    "compact": "freeing space",
}


def render_event(event: RunEvent) -> str:
    """The words for an event in plain output; none for those that only programs want."""
    data: Mapping[str, Any] = event.data
    match event.event:
        case "run_started":
            return f"run {event.run} of job {data['job']} on {data['client']} begins"
        case "stage_finished" if data["outcome"] not in ("succeeded", "warning"):
            return f"{data['stage']} {data['outcome']}: {data['reason']}"
        case "source_left_out":
            return f"{data['path']} is missing, as it may be; it is left out"
        case "waiting":
            return f"waiting for another run to end (process {data['holder']})"
        case "file_warning":
            return f"warning: {data['path']}: {data['message']}"
        case "archive":
            size = f"{render_count(data['files'], 'file')}, {render_bytes(data['original_bytes'])}"
            return f"archive {data['name']} is there, {size}"
        case "archives_deleted":
            return f"deleted {render_count(len(data['archives']), 'archive')} by retention"
        case "message" if data["message_id"] == "Ledger":
            return str(data["message"])
        case "repository_finished":
            return str(data["outcome"])
        case _:
            return ""


def render_summary(run: Run, log: Path) -> list[tuple[str, str]]:
    """The lines at the end of a run, each with its colour (empty for none)."""
    lines = [(f"{run.job}: {run.outcome.value}. {run.reason}".rstrip(), _COLORS.get(run.outcome, ""))]
    lines += [(f"  {line}", "") for line in _table(run.repositories)]
    for result in run.repositories:
        lines += [(f"  {result.repository}: {line}", "yellow") for line in _warnings(result)]
    skipped = {stage.reason: None for result in run.repositories for stage in result.stages if stage.reason}
    if run.outcome.is_good:
        lines += [(f"  {reason}", "yellow") for reason in skipped if reason not in run.reason]
    return [*lines, (f"  Log: {log}", "")]


def _table(repositories: tuple[RepositoryRun, ...]) -> list[str]:
    made = [result for result in repositories if result.archive]
    if not made:
        return []
    head = ("repository", "files", "original", "compressed", "deduplicated", "archive")
    rows: list[tuple[str, ...]] = [head]
    for result in made:
        archive = result.archive
        assert archive is not None  # noqa: S101 - chosen above
        sizes = (archive.original_bytes, archive.compressed_bytes, archive.deduplicated_bytes)
        rows.append((result.repository, f"{archive.files:,}", *map(render_bytes, sizes), archive.name))
    widths = [max(len(row[column]) for row in rows) for column in range(len(head) - 1)]
    return [
        f"{row[0]:<{widths[0]}}  "
        + "  ".join(f"{cell:>{width}}" for cell, width in zip(row[1:-1], widths[1:], strict=True))
        + f"  {row[-1]}"
        for row in rows
    ]


def _warnings(result: RepositoryRun) -> list[str]:
    lines = [f"{warning.path}: {warning.message}" for warning in result.warnings[:WARNINGS_SHOWN]]
    more = result.warning_count - len(lines)
    return [*lines, f"and {more:,} more"] if more > 0 else lines


__all__ = ["Bars", "Display", "JsonLines", "PlainLines", "display", "render_event", "render_summary"]
