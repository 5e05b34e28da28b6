# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables and words of the verbs that show the record. Whatever a name holds, it is shown and never obeyed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import click

from fleetkeep.model import Outcome

from ._common import console, printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

#: The width of what does not go to a terminal: wide enough that a line of a table stays one line.
FILE_WIDTH = 250

#: Wider than any line.
ENDLESS = 100_000

STYLES = {
    Outcome.SUCCEEDED: "green",
    Outcome.WARNING: "yellow",
    Outcome.FAILED: "bold red",
    Outcome.RUNNING: "cyan",
    Outcome.QUEUED: "cyan",
}


def output() -> Console:
    """Standard output, as wide as the terminal, or wide enough for a file or a pipe."""
    result = console()
    if not result.is_terminal:
        result.width = FILE_WIDTH
    return result


def inert(value: object, style: str = "") -> Text:
    """A value as text that neither a terminal nor rich reads as anything else."""
    from rich.text import Text

    return Text(printable(str(value)), style=style)


def colored(outcome: Outcome) -> Text:
    """An outcome in its colour."""
    return inert(outcome.value, STYLES.get(outcome, "dim"))


def print_table(
    head: Sequence[str], rows: Iterable[Sequence[object]], *, numbers: Sequence[str] = (), fold: bool = True
) -> None:
    """Print rows below their heads; the columns that are named in ``numbers`` are aligned to the right.

    On a narrow terminal a cell folds within its column; without ``fold`` the whole line goes on below, as it must where
    a cell is to be copied.
    """
    from rich.measure import Measurement
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    for name in head:
        table.add_column(name, justify="right" if name in numbers else "left", overflow="fold")
    for row in rows:
        table.add_row(*(cell if isinstance(cell, Text) else inert(cell) for cell in row))
    out = output()
    if not fold:
        endless = out.options.update(max_width=ENDLESS)
        out.width = max(out.width, Measurement.get(out, endless, table).maximum)
    with out.capture() as lines:
        out.print(table)
    click.echo("\n".join(line.rstrip() for line in lines.get().splitlines()))


def render_moment(moment: datetime | None) -> str:
    """A moment on the clock of this machine; a dash for none."""
    return "-" if moment is None else moment.astimezone().strftime("%Y-%m-%d %H:%M")


def render_took(begin: datetime, end: datetime | None) -> str:
    """How long something took, as minutes and seconds or longer units; a dash while it has not ended.

    >>> render_took(datetime(2026, 1, 1, 2, 0), datetime(2026, 1, 1, 3, 2, 5))
    '1:02:05'
    """
    if end is None:
        return "-"
    return str(timedelta(seconds=max(0, round((end - begin).total_seconds()))))


__all__ = [
    "FILE_WIDTH",
    "STYLES",
    "colored",
    "inert",
    "output",
    "print_table",
    "render_moment",
    "render_took",
]
