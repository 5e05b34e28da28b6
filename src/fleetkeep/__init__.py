# SPDX-License-Identifier: GPL-3.0-or-later
"""Fleetkeep: declarative backups on BorgBackup, proven by restores."""

__version__ = "0.1.0"

__all__ = ["__version__"]
