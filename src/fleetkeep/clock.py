# SPDX-License-Identifier: GPL-3.0-or-later
"""The only file that reads a clock; everything else takes the time as an argument or a ``Clock``."""

from __future__ import annotations

import time
from datetime import datetime, timezone
from typing import Protocol

UTC = timezone.utc


class Clock(Protocol):
    """A source of time, so that a test can hold it still."""

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back; for deadlines and durations."""
        ...


class SystemClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


class FixedClock:
    """A clock that stands at ``moment`` until ``advance`` is called; for tests and simulations."""

    def __init__(self, moment: datetime) -> None:
        self._moment = moment
        self._elapsed_seconds = 0.0

    def now(self) -> datetime:
        return self._moment

    def monotonic(self) -> float:
        return self._elapsed_seconds

    def advance(self, seconds: float) -> None:
        from datetime import timedelta

        self._moment += timedelta(seconds=seconds)
        self._elapsed_seconds += seconds


__all__ = ["UTC", "Clock", "FixedClock", "SystemClock"]
