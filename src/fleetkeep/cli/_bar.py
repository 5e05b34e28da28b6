# SPDX-License-Identifier: GPL-3.0-or-later
"""A progress bar of bytes, on a terminal only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ._common import console


@contextmanager
def byte_bar(label: str, *, silent: bool = False) -> Iterator[Callable[[int, int], None]]:
    """Shows how far something is for the length of a ``with`` block; gives what is told (done, total) bytes.

    Nothing is drawn where standard error is no terminal, or when it is to be silent.
    """
    terminal = console(stderr=True)
    if silent or not terminal.is_terminal:
        yield lambda done, total: None
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=terminal, transient=True) as progress:
        task = progress.add_task(label, total=None)
        yield lambda done, total: progress.update(task, completed=min(done, total), total=total)


@contextmanager
def step_bar(label: str, *, silent: bool = False) -> Iterator[Callable[[int, int], None]]:
    """The same for steps of any kind, told as (done, total)."""
    terminal = console(stderr=True)
    if silent or not terminal.is_terminal:
        yield lambda done, total: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), console=terminal, transient=True
    ) as progress:
        task = progress.add_task(label, total=None)
        yield lambda done, total: progress.update(task, completed=min(done, total), total=total)


__all__ = ["byte_bar", "step_bar"]
