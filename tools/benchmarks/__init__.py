# SPDX-License-Identifier: GPL-3.0-or-later
"""What Fleetkeep costs beside its rivals: one file for each comparison, and ``tools/bench`` is the door."""
