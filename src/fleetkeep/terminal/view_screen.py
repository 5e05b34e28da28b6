# SPDX-License-Identifier: GPL-3.0-or-later
"""A text over the whole screen: the content of a file, or how two versions differ."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual.app import ComposeResult
from textual.screen import ModalScreen
from textual.widgets import Log, Static


class ViewScreen(ModalScreen[None]):
    """Lines to scroll through; Esc goes back."""

    BINDINGS = [("escape,q,v,d,question_mark", "dismiss", "Back")]

    def __init__(self, title: Text, lines: Sequence[str] = ("Reading ...",)) -> None:
        super().__init__()
        self._title = title
        self._lines = lines

    def compose(self) -> ComposeResult:
        yield Static(self._title, id="view-title", markup=False)
        yield Log(id="view", highlight=False, auto_scroll=False)
        yield Static(Text("Esc back   arrows, PgUp, PgDn, Home, End scroll"), classes="hint", markup=False)

    def on_mount(self) -> None:
        self.show(self._lines)
        self.query_one(Log).focus()

    def show(self, lines: Sequence[str]) -> None:
        """Show these lines instead."""
        self._lines = lines
        if self.is_mounted:
            self.query_one(Log).clear().write_lines(lines, scroll_end=False)


__all__ = ["ViewScreen"]
