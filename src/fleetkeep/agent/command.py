# SPDX-License-Identifier: GPL-3.0-or-later
"""This program as something that a unit, a scheduler or a module can start."""

from __future__ import annotations

import sys
from pathlib import Path


def own_command() -> list[str]:
    """This program as an argument list that a unit or a scheduler can start: absolute, and the same installation."""
    beside = Path(sys.executable).with_name("fleetkeep")
    return [str(beside)] if beside.exists() else [sys.executable, "-m", "fleetkeep"]


__all__ = ["own_command"]
