# SPDX-License-Identifier: GPL-3.0-or-later
"""What the keys of the browser do."""

from __future__ import annotations

HELP = """\
Panes
  Tab, Shift+Tab   the next pane, the one before
  1  2  3          points, files, history
  Enter            open a point, a folder or a file; go to what was found, or
                   to the newest point with a version
  Backspace        the folder above

Find
  /                search names in all points: a part of a name, or a pattern
                   such as *.conf or /etc/ssh/*
  Esc              leave the search

Look
  v                the beginning of the file under the cursor
  h                the history of the path under the cursor
  d                compare two versions: the two that are marked in the
                   history, or that under the cursor with the one before it

Restore
  Space            mark what is under the cursor, or take its mark away
  u                take all marks away
  r                restore what is marked, else what is under the cursor:
                   asks where, shows what it would do, then does it

  ?                this page
  q                quit

Names are shown with control and direction characters escaped, such as \\x1b
or \\n; a byte that is no UTF-8 looks like \\udce9. Nothing here changes an
archive. What is there already is overwritten only where you agree.
"""

__all__ = ["HELP"]
