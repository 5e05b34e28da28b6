# SPDX-License-Identifier: GPL-3.0-or-later
"""One file for each step, ``NNNN_words.py``; its revision is the number. A step that was released never changes."""
