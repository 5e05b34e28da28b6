# SPDX-License-Identifier: GPL-3.0-or-later
"""The counting rules give the verdicts of the real ``borg prune`` for the same moments."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleetkeep.model import ArchiveFacts, DeletionRequest, ListedArchive, Outcome, Point, Retention
from fleetkeep.plan.retention import plan_deletion

prune_split = pytest.importorskip("borg.helpers", reason="borgbackup is not installed in this Python").prune_split

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=timezone.utc)
RULES = {  # ours: Borg's, in Borg's order
    "last": "secondly",
    "hourly": "hourly",
    "daily": "daily",
    "weekly": "weekly",
    "monthly": "monthly",
    "quarterly": "quarterly_3monthly",
    "yearly": "yearly",
}


@dataclass(frozen=True)
class BorgArchive:
    id: str
    ts: datetime


def point(age_hours: int) -> Point:
    moment = NOW - timedelta(hours=age_hours)
    facts = ArchiveFacts(
        id=f"{age_hours}",
        name=f"{age_hours}",
        repository="offsite",
        repository_id="r1",
        started_at=moment,
        finished_at=moment,
        files=1,
        original_bytes=1,
        compressed_bytes=1,
        deduplicated_bytes=1,
    )
    return Point(archive=facts, client="c", job="j", run_id="r", received_at=moment, outcome=Outcome.SUCCEEDED)


@settings(max_examples=500, deadline=None)
@given(
    ages=st.sets(st.integers(0, 24 * 1000), min_size=1, max_size=40),
    counts=st.lists(st.integers(0, 4), min_size=len(RULES), max_size=len(RULES)).filter(any),
)
def test_verdicts_equal_those_of_borg_prune(ages: set[int], counts: list[int], process_in_utc: None) -> None:
    points = [point(age) for age in sorted(ages, reverse=True)]
    expected: dict[str, object] = {}
    archives = [BorgArchive(p.archive.id, p.received_at) for p in points]
    for rule, count in zip(RULES.values(), counts, strict=True):
        prune_split(archives, rule, count, expected)
    request = DeletionRequest(
        client="c",
        job="j",
        repository="offsite",
        retention=Retention(**dict(zip(RULES, counts, strict=True))),
        listed=tuple(ListedArchive(id=p.archive.id, name=p.archive.name) for p in points),
    )
    assert {keeping.archive.id for keeping in plan_deletion(points, request, NOW).keep} == set(expected)


@pytest.fixture(scope="module")
def process_in_utc() -> Iterator[None]:
    """Borg counts days in the zone of the process."""
    import time

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()
