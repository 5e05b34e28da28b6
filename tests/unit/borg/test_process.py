# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts without a process; see tests/component/borg for the rest."""

from __future__ import annotations

import pytest

from fleetkeep.borg.access import BorgAccess
from fleetkeep.borg.process import BorgResult, Cancellation, LineSplitter, run_borg


def test_lines_are_whole_however_the_blocks_fall() -> None:
    text = b"first\nsecond\n\nlast"
    for size in range(1, len(text) + 1):
        splitter = LineSplitter()
        blocks = [text[start : start + size] for start in range(0, len(text), size)]
        lines = [line for block in [*blocks, b""] for line in splitter.feed(block)]
        assert lines == [b"first", b"second", b"", b"last"]


def test_an_endless_line_takes_no_memory() -> None:
    splitter = LineSplitter(longest=10)
    for _ in range(100):
        assert splitter.feed(b"x" * 1000) == []
    assert splitter.feed(b"y\nnext\n") == [b"x" * 10, b"next"]


def test_a_stream_that_ends_with_a_line_break_has_no_last_line() -> None:
    splitter = LineSplitter()
    assert splitter.feed(b"a\n") == [b"a"]
    assert splitter.feed(b"") == []


@pytest.mark.parametrize(
    ("exit_code", "success"), [(0, True), (1, True), (2, False), (99, False), (100, True), (127, True), (143, False)]
)
def test_warnings_are_a_success(exit_code: int, success: bool) -> None:
    assert BorgResult(exit_code).is_success is success


def test_nothing_starts_after_a_cancellation() -> None:
    cancellation = Cancellation()
    assert not cancellation.wait(0)
    cancellation.cancel()
    cancellation.cancel()
    assert cancellation.wait(0)
    result = run_borg(BorgAccess("/does/not/exist", "/srv", None, {}), ["list"], cancellation=cancellation)
    assert result.cancelled
    assert not result.is_success
