# SPDX-License-Identifier: GPL-3.0-or-later
"""The points that can be restored, the newest first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rich.text import Text
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from fleetkeep.model import Point

from .rows import point_text

#: So many are shown; `fleetkeep archives` and a start with --job and --at reach the others.
POINTS_SHOWN = 1_000


class PointsPane(OptionList):
    """A list of points; Enter opens one."""

    def __init__(self) -> None:
        super().__init__(id="points", markup=False)
        self.border_title = "Points"
        self._points: Sequence[Point] = ()

    def show(self, points: Sequence[Point], now: datetime) -> None:
        """Show points."""
        self._points = points[:POINTS_SHOWN]
        several = len({point.client for point in points}) > 1
        self.clear_options()
        self.add_options(Option(point_text(point, now, several_clients=several)) for point in self._points)
        if len(points) > POINTS_SHOWN:
            self.add_option(Option(Text(f"and {len(points) - POINTS_SHOWN:,} older ones"), disabled=True))

    def point_at(self, index: int) -> Point:
        """The point of a line."""
        return self._points[index]

    def point_to(self, point: Point) -> None:
        """Put the cursor on a point, if it is shown."""
        for index, shown in enumerate(self._points):
            if shown.archive.id == point.archive.id and shown.archive.repository == point.archive.repository:
                self.highlighted = index


__all__ = ["POINTS_SHOWN", "PointsPane"]
