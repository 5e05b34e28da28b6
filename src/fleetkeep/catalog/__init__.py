# SPDX-License-Identifier: GPL-3.0-or-later
"""The memory: SQL and migrations; takes and gives models."""
