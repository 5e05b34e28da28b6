# SPDX-License-Identifier: GPL-3.0-or-later
"""What retention keeps and deletes: named cases first, then laws that hold for every history."""

from __future__ import annotations

import doctest
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from fleetkeep.model import ArchiveFacts, DeletionPlan, DeletionRequest, ListedArchive, Outcome, Point, Retention
from fleetkeep.plan import retention
from fleetkeep.plan.retention import plan_deletion

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=timezone.utc)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def point(name: str, age: timedelta, **changes: object) -> Point:
    """An archive received ``age`` before now; its own clock says the same unless ``made`` differs."""
    made = changes.pop("made", NOW - age)
    facts = ArchiveFacts(
        id=str(changes.pop("id", f"{name}-id")),
        name=name,
        repository=str(changes.pop("repository", "offsite")),
        repository_id="r1",
        started_at=made,  # type: ignore[arg-type]
        finished_at=made,  # type: ignore[arg-type]
        files=1,
        original_bytes=1,
        compressed_bytes=1,
        deduplicated_bytes=1,
    )
    values = {"client": "web1", "job": "system", "run_id": "run", "outcome": Outcome.SUCCEEDED} | changes
    return Point(archive=facts, received_at=NOW - age, **values)  # type: ignore[arg-type]


def listed(points: Sequence[Point]) -> tuple[ListedArchive, ...]:
    return tuple(ListedArchive(id=point.archive.id, name=point.archive.name) for point in points)


def plan(points: Sequence[Point], rules: Retention, **changes: object) -> DeletionPlan:
    values = {"listed": listed(points), "client": "web1", "job": "system", "repository": "offsite"} | changes
    return plan_deletion(points, DeletionRequest(retention=rules, **values), NOW)  # type: ignore[arg-type]


def kept(answer: DeletionPlan) -> dict[str, tuple[str, ...]]:
    return {keeping.archive.name: keeping.reasons for keeping in answer.keep}


def deleted(answer: DeletionPlan) -> list[str]:
    return [deletion.archive.name for deletion in answer.delete]


# --- named cases ---


def test_daily_keeps_the_newest_of_each_day_and_says_which_place_it_takes() -> None:
    history = [point(f"d{day}-{hour}", day * DAY + hour * HOUR) for day in (3, 2, 1, 0) for hour in (6, 1)]
    answer = plan(history, Retention(daily=3))
    assert kept(answer) == {"d0-1": ("daily 1 of 3",), "d1-1": ("daily 2 of 3",), "d2-1": ("daily 3 of 3",)}
    assert deleted(answer) == ["d3-6", "d3-1", "d2-6", "d1-6", "d0-6"]


def test_a_deletion_says_when_it_was_received_and_which_rules_let_it_go() -> None:
    answer = plan([point("old", 5 * DAY), point("new", HOUR)], Retention(last=1), timezone="Europe/Berlin")
    assert answer.delete[0].reason == "received 2026-11-15 13:00, no longer kept by last 1"


def test_what_a_finer_rule_keeps_does_not_count_for_a_coarser_one() -> None:
    history = [point(f"d{day}", day * DAY) for day in range(20, -1, -1)]
    answer = plan(history, Retention(daily=2, weekly=2))
    assert kept(answer) == {
        "d0": ("daily 1 of 2",),
        "d1": ("daily 2 of 2",),
        "d5": ("weekly 1 of 2",),  # Sunday of the week before
        "d12": ("weekly 2 of 2",),
    }


def test_a_rule_that_is_not_used_up_keeps_the_oldest() -> None:
    history = [point("first", 9 * DAY), point("second", 9 * DAY - HOUR), point("third", 2 * DAY)]
    assert kept(plan(history, Retention(yearly=3))) == {
        "third": ("yearly 1 of 3",),
        "first": ("yearly 2 of 3, the oldest",),
    }


def test_every_period_has_its_own_borders() -> None:
    history = [point(f"{age}", timedelta(days=age)) for age in (800, 500, 325, 100, 60, 30, 14, 8, 3, 0)]
    answer = plan(history, Retention(quarterly=2, monthly=2))
    assert kept(answer) == {
        "0": ("monthly 1 of 2",),
        "30": ("monthly 2 of 2",),
        "60": ("quarterly 1 of 2",),  # 21 September; October's newest is kept by monthly already
        "325": ("quarterly 2 of 2",),  # 30 December
    }


def test_the_day_begins_in_the_time_zone_of_the_request() -> None:
    three = [point("start", 30 * DAY), point("evening", 12.5 * HOUR), point("morning", 12 * HOUR)]  # 23:30, 00:00 UTC
    assert deleted(plan(three, Retention(daily=2), timezone="UTC")) == ["start"]
    assert deleted(plan(three, Retention(daily=2), timezone="Europe/Berlin")) == ["evening"]


def test_the_hour_that_the_clock_shows_twice_is_two_hours() -> None:
    first = datetime(2026, 10, 25, 0, 30, tzinfo=timezone.utc)  # 02:30 CEST, an hour later 02:30 CET
    history = [point("old", 90 * DAY), point("summer", NOW - first), point("winter", NOW - first - HOUR)]
    assert deleted(plan(history, Retention(hourly=2), timezone="Europe/Berlin")) == ["old"]


def test_within_keeps_all_that_was_received_within_it() -> None:
    history = [point("out", 7 * DAY + HOUR), point("edge", 7 * DAY), point("in", 3 * DAY), point("also", 3 * DAY)]
    answer = plan(history, Retention(within=timedelta(days=7)))
    assert kept(answer) == {"edge": ("within 7d",), "in": ("within 7d",), "also": ("within 7d",)}


def test_forever_deletes_nothing() -> None:
    history = [point(str(age), age * DAY) for age in range(2000, 0, -50)]
    answer = plan(history, Retention(forever=True, daily=1))
    assert answer.delete == () and set(kept(answer).values()) == {("forever",)}


def test_future_dated_archives_displace_nothing() -> None:
    real = [point(f"real{day}", day * DAY) for day in range(7, 0, -1)]
    flood = [point(f"flood{n}", n * timedelta(seconds=1), made=NOW + n * DAY) for n in range(7, 0, -1)]
    assert deleted(plan(real + flood, Retention(daily=7))) == ["real7", *(f"flood{n}" for n in range(7, 1, -1))]


def test_an_archive_without_receipt_is_reported_and_neither_counted_nor_deleted() -> None:
    known = [point("known", HOUR)]
    strangers = tuple(ListedArchive(id=f"x{n}", name=f"stranger{n}") for n in range(9))
    answer = plan(known, Retention(last=1), listed=(*strangers, *listed(known)))
    assert answer.without_receipt == strangers and deleted(answer) == [] and list(kept(answer)) == ["known"]


def test_a_receipt_under_another_name_or_of_another_repository_is_none() -> None:
    history = [point("renamed", 2 * HOUR), point("elsewhere", HOUR, repository="other"), point("known", timedelta(0))]
    answer = plan(history, Retention(last=1), listed=(ListedArchive(id="renamed-id", name="new"), *listed(history[1:])))
    assert [archive.name for archive in answer.without_receipt] == ["new", "elsewhere"] and deleted(answer) == []


def test_what_the_repository_lists_no_more_has_no_weight() -> None:
    history = [point("old", 2 * DAY), point("gone", DAY), point("lost", HOUR)]
    answer = plan(history, Retention(last=1), listed=listed(history[:1]))
    assert kept(answer) == {"old": ("last 1 of 1",)} and deleted(answer) == []


def test_archives_of_other_jobs_and_clients_stay_and_take_no_place() -> None:
    history = [point("mine", DAY), point("db", HOUR, job="orders-db"), point("theirs", HOUR, client="web2")]
    assert kept(plan(history, Retention(last=1))) == {
        "mine": ("last 1 of 1",),
        "db": ("belongs to job orders-db of web1",),
        "theirs": ("belongs to job system of web2",),
    }


def test_a_claim_of_another_client_does_not_hold_an_archive_for_ever() -> None:
    history = [point("old", DAY), point("new", HOUR), point("old", timedelta(0), client="web2")]
    answer = plan(history, Retention(last=1), listed=listed(history[:2]))
    assert deleted(answer) == ["old"] and list(kept(answer)) == ["new"]


def test_an_archive_with_warnings_counts_and_the_newest_that_succeeded_stays_too() -> None:
    history = [point("older", 3 * DAY), point("good", 2 * DAY)]
    history += [point("warned1", DAY, outcome=Outcome.WARNING), point("warned2", HOUR, outcome=Outcome.WARNING)]
    answer = plan(history, Retention(last=1))
    assert kept(answer) == {"warned2": ("last 1 of 1",), "good": ("newest that succeeded",)}


def test_the_newest_proven_stays() -> None:
    history = [point("p1", 4 * DAY, proven_at=NOW), point("p2", 3 * DAY, proven_at=NOW - DAY), point("new", HOUR)]
    assert kept(plan(history, Retention(last=1))) == {"new": ("last 1 of 1",), "p2": ("newest proven",)}


def test_the_minimum_stays_and_is_filled_from_the_newest() -> None:
    history = [point(f"a{day}", day * DAY) for day in range(5, 0, -1)]
    answer = plan(history, Retention(last=1, minimum=3))
    assert kept(answer) == {"a1": ("last 1 of 1",), "a2": ("minimum 3",), "a3": ("minimum 3",)}


def test_the_archive_of_a_failed_run_never_counts_and_goes_once_a_good_one_is_newer() -> None:
    before = point("before", 2 * DAY)
    failed = point("failed", DAY, outcome=Outcome.FAILED)
    answer = plan([before, failed], Retention(last=1))
    assert kept(answer) == {"before": ("last 1 of 1",), "failed": ("no good archive is newer",)}
    later = plan([before, failed, point("after", HOUR)], Retention(last=2))
    assert later.delete[0].reason == "its run failed (received 2026-11-19 12:00), and a good archive is newer"


def test_with_failed_runs_alone_nothing_goes() -> None:
    history = [point(str(age), age * DAY, outcome=Outcome.FAILED) for age in range(9, 0, -1)]
    assert deleted(plan(history, Retention(last=1))) == []


def test_a_receipt_from_a_clock_that_ran_ahead_is_kept_and_not_counted() -> None:
    history = [point("real", DAY), point("ahead", -300 * DAY), point("today", HOUR)]
    assert kept(plan(history, Retention(last=1, minimum=1))) == {
        "today": ("last 1 of 1",),
        "ahead": ("received in the future, not counted",),
    }


def test_a_clock_that_once_stood_in_1970_costs_neither_the_archive_of_that_day_nor_the_others() -> None:
    history = [point(f"d{day}", day * DAY) for day in (3, 2, 1)] + [
        point("reset", NOW - datetime.fromtimestamp(0, timezone.utc))
    ]
    assert deleted(plan(history, Retention(daily=3))) == ["d3"]
    assert kept(plan(history, Retention(within=2 * DAY)))["reset"] == ("newest", "newest that succeeded")


def test_examples_in_the_docstrings() -> None:
    assert doctest.testmod(retention).failed == 0


# --- laws ---

_OUTCOMES = st.sampled_from([Outcome.SUCCEEDED] * 4 + [Outcome.WARNING, Outcome.FAILED, Outcome.CANCELLED])


@st.composite
def rules(draw: st.DrawFn) -> Retention:
    counts = {rule: draw(st.integers(0, 3)) for rule in ("last", *retention.PERIODS)}
    within = draw(st.none() | st.integers(1, 400).map(lambda hours: hours * HOUR))
    if not any(counts.values()) and within is None:
        counts["daily"] = 1
    return Retention(**counts, within=within, minimum=draw(st.integers(1, 4)))  # type: ignore[arg-type]


@st.composite
def histories(draw: st.DrawFn, orderly: bool = False) -> list[Point]:
    ages = draw(st.lists(st.integers(0 if orderly else -48, 24 * 900), max_size=25))
    if orderly:
        ages = sorted(set(ages), reverse=True)
    return [
        point(
            f"a{place}",
            age * HOUR,
            outcome=Outcome.SUCCEEDED if orderly else draw(_OUTCOMES),
            proven_at=None if orderly else draw(st.none() | st.just(NOW)),
            made=NOW + draw(st.integers(-1000, 1000)) * DAY,
        )
        for place, age in enumerate(ages)
    ]


@given(histories(), rules(), st.lists(st.integers(0, 40)), st.sampled_from(["UTC", "Europe/Berlin", "Pacific/Apia"]))
def test_each_listed_archive_is_in_exactly_one_part(
    history: list[Point], rules: Retention, strange: list[int], zone: str
) -> None:
    archives = (*listed(history), *(ListedArchive(id=f"s{n}", name=f"s{n}") for n in sorted(set(strange))))
    answer = plan(history, rules, listed=archives, timezone=zone)
    parts = [d.archive for d in answer.delete] + [k.archive for k in answer.keep] + list(answer.without_receipt)
    assert sorted(parts, key=lambda archive: archive.id) == sorted(archives, key=lambda archive: archive.id)
    assert all(keeping.reasons for keeping in answer.keep)
    assert {archive.id for archive in answer.without_receipt} == {f"s{n}" for n in strange}


@given(histories(), rules())
def test_what_must_stay_stays(history: list[Point], rules: Retention) -> None:
    answer = plan(history, rules)
    names = set(kept(answer))
    present = [p for p in history if p.received_at <= NOW]
    good = [p for p in present if p.outcome.is_good]
    for guarded in (
        good[-1:],
        [p for p in good if p.outcome is Outcome.SUCCEEDED][-1:],
        [p for p in present if p.proven_at][-1:],
    ):
        assert {p.archive.name for p in guarded} <= names
    assert len([p for p in good if p.archive.name in names]) >= min(rules.minimum, len(good))


@given(histories(), rules())
def test_once_carried_out_a_plan_has_nothing_more_to_delete(history: list[Point], rules: Retention) -> None:
    gone = set(deleted(plan(history, rules)))
    rest = [p for p in history if p.archive.name not in gone]
    assert deleted(plan(history, rules, listed=listed(rest))) == []


@given(histories(), rules(), st.randoms())
def test_neither_the_order_of_the_listing_nor_archive_times_decide(
    history: list[Point], rules: Retention, random: object
) -> None:
    shuffled = list(listed(history))
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    answer, other = plan(history, rules), plan(history, rules, listed=tuple(shuffled))
    assert kept(answer) == kept(other) and set(deleted(answer)) == set(deleted(other))
    forged = [
        p.model_copy(update={"archive": p.archive.model_copy(update={"started_at": NOW + n * DAY, "finished_at": NOW})})
        for n, p in enumerate(history)
    ]
    assert plan(forged, rules) == answer


@given(histories(), rules(), st.integers(1, 30))
def test_archives_without_receipt_change_nothing_for_the_others(
    history: list[Point], rules: Retention, count: int
) -> None:
    strangers = tuple(ListedArchive(id=f"s{n}", name=f"s{n}") for n in range(count))
    answer, flooded = plan(history, rules), plan(history, rules, listed=(*strangers, *listed(history)))
    assert (answer.delete, answer.keep) == (flooded.delete, flooded.keep)


@given(histories(orderly=True), rules())
def test_a_newer_archive_lets_go_at_most_one_archive_per_rule(history: list[Point], rules: Retention) -> None:
    """From a state that retention has settled, one more archive moves each rule by at most one place."""
    settled = [p for p in history if p.archive.name in kept(plan(history, rules))]
    answer = plan([*settled, point("new", timedelta(0))], rules)
    assert "new" in kept(answer)
    active = sum(getattr(rules, rule) > 0 for rule in ("last", *retention.PERIODS))
    assert len(answer.delete) <= max(active, 1)


@given(histories(), rules())
def test_a_larger_minimum_never_deletes_more(history: list[Point], rules: Retention) -> None:
    more = rules.model_copy(update={"minimum": rules.minimum + 2})
    assert set(deleted(plan(history, more))) <= set(deleted(plan(history, rules)))
