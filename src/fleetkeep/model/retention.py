# SPDX-License-Identifier: GPL-3.0-or-later
"""How long archives are kept."""

from __future__ import annotations

from pydantic import model_validator
from typing_extensions import Self

from .base import Count, Duration, Model, Positive

#: The counting rules, from the finest period to the coarsest.
PERIODS = ("hourly", "daily", "weekly", "monthly", "quarterly", "yearly")


class Retention(Model):
    """Which archives of a job stay; the others are deleted after a good run, by exact name and id."""

    last: Count = 0
    """Keep this many of the newest archives."""

    within: Duration | None = None
    """Keep every archive that was received within this time, such as `7d`."""

    hourly: Count = 0
    """Keep the newest archive of each of this many hours."""

    daily: Count = 0
    """Keep the newest archive of each of this many days."""

    weekly: Count = 0
    """Keep the newest archive of each of this many ISO weeks."""

    monthly: Count = 0
    """Keep the newest archive of each of this many months."""

    quarterly: Count = 0
    """Keep the newest archive of each of this many quarters of a year."""

    yearly: Count = 0
    """Keep the newest archive of each of this many years."""

    forever: bool = False
    """Delete nothing, ever."""

    minimum: Positive = 1
    """Never go below this many archives, whatever the other rules say."""

    @model_validator(mode="after")
    def _keeps_something(self) -> Self:
        if not (self.forever or self.within or self.last or any(getattr(self, period) for period in PERIODS)):
            raise ValueError("retention keeps nothing; give at least one rule such as daily: 7, or forever: true")
        return self


__all__ = ["PERIODS", "Retention"]
