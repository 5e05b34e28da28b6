# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The version of this collection; the package `fleetkeep` on the controller and on each host has the same."""

from __future__ import annotations

VERSION = "0.1.0"

__all__ = ["VERSION"]
