# SPDX-License-Identifier: GPL-3.0-or-later
"""A recovery kit as PDF: the same lines as the text, and QR codes that are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from .kit import KitContent
from .kit_text import kit_sections, qr_texts

if TYPE_CHECKING:
    from fpdf import FPDF

_LINE_MM = 4.2
_QR_MM = 78.0
_MARGIN_MM = 15.0

#: A QR code of the whole key; 2953 bytes are the most that one takes.
_QR_BYTES = 2_000


def render_kit_pdf(kit: KitContent) -> bytes:
    """The kit as PDF. Raises ``ImportError`` where fpdf2 is not installed."""
    from fpdf import FPDF

    page = FPDF(format="A4")
    page.set_title(f"Recovery kit {kit.id}")
    page.set_creator("Fleetkeep")
    page.set_creation_date(kit.made_at)
    page.set_margin(_MARGIN_MM)
    page.set_auto_page_break(auto=True, margin=_MARGIN_MM)
    page.add_page()
    page.set_font("helvetica", style="B", size=18)
    page.cell(0, 10, "Fleetkeep recovery kit", new_x="LMARGIN", new_y="NEXT")
    for title, lines in kit_sections(kit, ascii_only=True):
        _section(page, title, lines)
    _codes(page, kit)
    return bytes(page.output())


def _section(page: FPDF, title: str, lines: Sequence[str]) -> None:
    _title(page, title)
    page.set_font("courier", size=9.5)
    for line in lines:
        page.multi_cell(0, _LINE_MM, _printable(line), new_x="LMARGIN", new_y="NEXT", align="L")


def _title(page: FPDF, title: str) -> None:
    page.ln(_LINE_MM)
    if page.will_page_break(4 * _LINE_MM):
        page.add_page()
    page.set_font("helvetica", style="B", size=12)
    page.cell(0, 7, title, new_x="LMARGIN", new_y="NEXT")


def _printable(line: str) -> str:
    """What the fonts of every PDF reader have; a value with other letters is written as JSON before it comes here."""
    return line.encode("latin-1", errors="replace").decode("latin-1") or " "


def _codes(page: FPDF, kit: KitContent) -> None:
    texts = qr_texts(kit, largest=_QR_BYTES)
    if not texts:
        return
    page.add_page()
    _title(page, "The same as QR codes")
    top = page.get_y() + _LINE_MM
    for number, (name, text) in enumerate(texts):
        left = _MARGIN_MM + number * (_QR_MM + _MARGIN_MM)
        page.set_font("helvetica", size=10)
        page.text(left, top, name)
        _draw_code(page, text, left, top + 2)


def _draw_code(page: FPDF, text: str, left: float, top: float) -> None:
    import segno

    code = segno.make_qr(text.encode(), error="m")
    rows = list(code.matrix_iter(border=0))
    module = _QR_MM / len(rows)
    page.set_fill_color(0)
    for y, row in enumerate(rows):
        x = 0
        for dark, run in groupby(row, key=bool):
            length = len(list(run))
            if dark:
                page.rect(left + x * module, top + y * module, length * module, module, style="F")
            x += length


__all__ = ["render_kit_pdf"]
