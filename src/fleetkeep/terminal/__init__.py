# SPDX-License-Identifier: GPL-3.0-or-later
"""The browser in the terminal: points, files, versions, contents and restores with the keyboard."""
