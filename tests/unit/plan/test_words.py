# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers, sizes and ages as people say them."""

from __future__ import annotations

import pytest

from fleetkeep.plan.words import render_bytes


@pytest.mark.parametrize(
    ("number", "words"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (999_999, "1.0 MB"), (10**12, "1.0 TB"), (10**18, "1000.0 PB")],
)
def test_bytes(number: int, words: str) -> None:
    assert render_bytes(number) == words
