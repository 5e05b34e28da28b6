# SPDX-License-Identifier: GPL-3.0-or-later
"""What of Borg's words is a warning about what comes back."""

from __future__ import annotations

from fleetkeep.agent.extraction import Extraction
from fleetkeep.borg.events import LogMessage


def test_the_lock_of_a_dead_process_says_nothing_of_what_comes_back() -> None:
    extraction = Extraction()
    extraction.take(LogMessage(level="WARNING", message="Found stale lock, removed it.", logger="borg.locking"))
    assert extraction.warning_count == 0
    extraction.take(LogMessage(level="WARNING", message="srv/file: chown failed", logger="borg.archive"))
    assert (extraction.warning_count, extraction.warnings[0].path) == (1, "srv/file")
