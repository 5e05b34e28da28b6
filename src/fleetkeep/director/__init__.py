# SPDX-License-Identifier: GPL-3.0-or-later
"""Use cases over the catalog."""
