# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent: observes and changes this host, runs jobs, restores, proves, and spools what happened."""
