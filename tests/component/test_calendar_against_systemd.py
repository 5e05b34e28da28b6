# SPDX-License-Identifier: GPL-3.0-or-later
"""systemd elapses the lines of ``to_on_calendar`` exactly when ``occurrences`` says that the schedule is due."""

from __future__ import annotations

import re
import shutil
import subprocess
from datetime import datetime, timedelta, timezone
from itertools import islice

import pytest

from fleetkeep.model import Schedule
from fleetkeep.plan.calendar import occurrences, to_on_calendar

UTC = timezone.utc
PROGRAM = shutil.which("systemd-analyze")
pytestmark = pytest.mark.skipif(PROGRAM is None, reason="systemd-analyze is not on this machine")

CRONS = [
    "0 2 * * *",
    "30 2 * * *",
    "*/15 * * * *",
    "0 */6 * * *",
    "7-59/13 1-5/2 * * *",
    "5,10,55 0,12 * * *",
    "0 0 1 1 *",
    "0 0 31 * *",
    "0 0 29 2 *",
    "0 4 * * 0",
    "0 4 * * 7",
    "0 4 * * SUN",
    "0 4 * * 5-7",
    "0 4 * * 0-2",
    "0 4 * * MON-FRI",
    "0 4 * JAN-MAR,DEC *",
    "0 4 13 * 5",
    "0 4 1,15 * 1-3",
    "0 4 */2 * 5",
    "0 4 1-7 * */2",
    "0 4 * */5 *",
    "0 4 L * *",
    "0 4 1,L * *",
    "0 4 LW * *",
    "0 4 * * 5L",
    "0 4 L * 5L",
    "0 4 * * 1#2",
    "0 4 * * 2#5,0#1",
    "30 2 L 3 *",
    "30 2 25-28 * *",
    "30 2 * * 0",
    "*/20 1-3 * 3,10 *",
    "59 23 * * *",
    "30 0 * * *",
]
ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/Santiago",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "Asia/Kathmandu",
    "Etc/GMT+5",
    "America/Argentina/Buenos_Aires",
]
STARTS = [datetime(2027, 3, 6, tzinfo=UTC), datetime(2028, 10, 25, tzinfo=UTC)]


def elapses(line: str, after: datetime, count: int) -> list[datetime] | None:
    """When systemd elapses one line, at most ``count`` times after a moment; ``None`` where its arithmetic fails."""
    base = after.strftime("%Y-%m-%d %H:%M:%S UTC")
    answer = subprocess.run(
        [PROGRAM or "", "calendar", f"--iterations={count}", f"--base-time={base}", line],
        capture_output=True,
        text=True,
        check=False,
        env={"TZ": "UTC", "LC_ALL": "C"},
    )
    if answer.returncode:
        assert "Resource deadlock avoided" in answer.stderr, answer.stderr
        return None
    found = re.findall(r"(?:Next elapse|Iter\. #\d+): \w+ (\S+ \S+) UTC", answer.stdout)
    return [datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC) for text in found]


def systemd_says(schedule: Schedule, after: datetime, count: int) -> list[datetime]:
    """When a timer with all lines elapses. Where systemd fails on a line, a timer goes on with its other lines and
    tries all of them again after each elapse."""
    lines, found = to_on_calendar(schedule), []
    while len(found) < count:
        answers = [elapses(line, after, count) for line in lines]
        if None not in answers:
            return (found + sorted({moment for answer in answers for moment in answer or ()}))[:count]
        after = min(moment for line in lines for moment in elapses(line, after, 1) or ())
        found.append(after)
    return found


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("cron", CRONS)
def test_systemd_elapses_when_the_schedule_is_due(cron: str, zone: str) -> None:
    schedule = Schedule(cron=cron, timezone=zone)
    for start in STARTS:
        ours = list(islice(occurrences(schedule, start), 25))
        assert systemd_says(schedule, start, 25) == ours, to_on_calendar(schedule)


@pytest.mark.parametrize("zone", ["America/Nuuk", "Asia/Gaza", "Pacific/Chatham", "Africa/Cairo", "America/Havana"])
@pytest.mark.parametrize("cron", ["30 23 * 3,4 *", "50 2 * * *", "30 0 * * *"])
def test_systemd_meets_every_gap_of_the_next_years(cron: str, zone: str) -> None:
    schedule = Schedule(cron=cron, timezone=zone)
    for year in (2026, 2030, 2031):
        for month in (3, 4, 9):
            start = datetime(year, month, 1, tzinfo=UTC) - timedelta(days=1)
            assert systemd_says(schedule, start, 32) == list(islice(occurrences(schedule, start), 32))
