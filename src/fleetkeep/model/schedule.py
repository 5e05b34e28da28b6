# SPDX-License-Identifier: GPL-3.0-or-later
"""When a job is due."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError
from pydantic import field_validator

from .base import Duration, Model

_ANY_MOMENT = datetime(2026, 1, 1, tzinfo=timezone.utc)


class Schedule(Model):
    """A reusable moment in time, as a cron expression in a time zone."""

    cron: str
    """Five cron fields: minute, hour, day of month, month, day of week; such as `0 2 * * *`."""

    timezone: str = "UTC"
    """The IANA time zone in which the cron fields are read, such as `Europe/Berlin`."""

    jitter: Duration = timedelta(0)
    """Each host starts up to this much later, always by the same amount, so that a fleet does not start at once."""

    catch_up: bool = True
    """Run once, late, when the host was off at the due moment."""

    @field_validator("cron")
    @classmethod
    def _cron_is_readable(cls, value: str) -> str:
        try:
            next(CronSim(value, _ANY_MOMENT))
        except CronSimError as error:
            raise ValueError(f"{error}; write five fields: minute hour day month weekday, such as 0 2 * * *") from None
        except StopIteration:
            raise ValueError("this cron expression never comes due; check day and month") from None
        if len(value.split()) != 5:
            raise ValueError("write five fields: minute hour day month weekday, such as 0 2 * * *")
        _, _, day, _, weekday = value.split()
        if "L" in weekday.upper() and day.startswith("*/"):
            # cron means both at once here, which a systemd timer cannot say.
            raise ValueError("a last weekday of the month goes with * as day of the month")
        return value

    @field_validator("timezone")
    @classmethod
    def _time_zone_is_known(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError("unknown time zone; use an IANA name such as UTC or Europe/Berlin") from None
        return value


__all__ = ["Schedule"]
