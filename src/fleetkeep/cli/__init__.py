# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line: one file per verb, imported only when it is called."""

from __future__ import annotations

from .main import main

__all__ = ["main"]
