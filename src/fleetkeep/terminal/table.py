# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tables of the browser share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.text import Text
from textual.widgets import DataTable

#: More rows than a person reads; a search finds the others.
ROWS_SHOWN = 5_000


class Rows(DataTable[Text]):
    """A table of whole rows whose cells are always text and never markup."""

    HEAD: tuple[str, ...] = ()

    def __init__(self, identity: str, title: str) -> None:
        super().__init__(id=identity, cursor_type="row", zebra_stripes=False, cell_padding=1, header_height=1)
        self.border_title = Text(title)
        self.add_columns(*(Text(name) for name in self.HEAD))

    def fill(self, rows: Iterable[Sequence[Text]], cursor: int = 0) -> None:
        """Show these rows instead of those before, with the cursor on one of them."""
        self.clear()
        self.add_rows(rows)
        if self.row_count:
            self.move_cursor(row=min(cursor, self.row_count - 1), animate=False, scroll=True)

    def change(self, index: int, cells: Sequence[Text]) -> None:
        """Show other cells in a row."""
        for column, cell in enumerate(cells):
            self.update_cell_at((index, column), cell)  # type: ignore[arg-type]  # a pair is a coordinate


__all__ = ["ROWS_SHOWN", "Rows"]
