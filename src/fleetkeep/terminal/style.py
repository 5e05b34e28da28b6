# SPDX-License-Identifier: GPL-3.0-or-later
"""Where things stand in the browser; it must fit into 80 by 24 and say nothing by colour alone."""

from __future__ import annotations

STYLE = """
#place, #says, .hint, #view-title { height: 1; padding: 0 1; }
#place { background: $primary-background; }
#says { color: $text-muted; }
#says.error { color: $text-error; text-style: bold; }
#search { height: 1; border: none; padding: 0 1; background: $surface; }
#search:focus { border: none; background: $boost; }
#main { height: 1fr; }
#points { width: 30; height: 100%; border: round $foreground 40%; padding: 0; }
#right { width: 1fr; }
#files, #hits { height: 1fr; border: round $foreground 40%; }
#history { height: 8; border: round $foreground 40%; }
#points:focus, #files:focus, #hits:focus, #history:focus { border: heavy $primary; }
DataTable, Log { scrollbar-size-vertical: 1; scrollbar-size-horizontal: 1; }
OptionList { scrollbar-size-vertical: 1; }
ViewScreen { background: $background; }
#view { height: 1fr; border: round $foreground 40%; }
#view-title { text-style: bold; }
RestoreScreen { align: center middle; }
#dialog { width: 76; max-width: 100%; height: auto; max-height: 22; padding: 0 1; }
#dialog { border: heavy $primary; background: $surface; }
#dialog Static { margin-bottom: 1; }
#conflict { border: none; margin-bottom: 1; padding: 0; }
#plan { max-height: 8; overflow-y: auto; }
#buttons { height: 1; margin-top: 1; }
#buttons Button { margin-right: 2; }
"""

__all__ = ["STYLE"]
