# SPDX-License-Identifier: GPL-3.0-or-later
"""The promise ledger over the catalog: made ahead, answered, late, missed, withdrawn; never changed by archives."""

from __future__ import annotations

from datetime import datetime

import pytest
from builders import DAY, HOUR, MINUTE, NOW, Sender, applied, at, make_archive, make_job, make_run, received

from fleetkeep.catalog import promises
from fleetkeep.catalog.database import Catalog
from fleetkeep.clock import FixedClock
from fleetkeep.director import history
from fleetkeep.director.embedded import EmbeddedDirector
from fleetkeep.director.promises import settle_promises
from fleetkeep.link import ArchivesDeleted, RunFinished, RunStarted
from fleetkeep.model import Outcome, PromiseState, Schedule, Trigger

HOURLY = Schedule(cron="0 * * * *")
OPEN, KEPT, LATE, MISSED = PromiseState.OPEN, PromiseState.KEPT, PromiseState.LATE, PromiseState.MISSED


class Fleet:
    """One client, its Director and a clock that stands until it is moved."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog, self.say, self.clock = catalog, Sender(), FixedClock(NOW)
        self.director = EmbeddedDirector(catalog, self.clock)

    def apply(self, *jobs: object, moment: datetime = NOW) -> None:
        self.director.deliver([self.say(applied(*jobs, at=moment))])  # type: ignore[arg-type]

    def wait_until(self, moment: datetime) -> None:
        self.clock.advance((moment - self.clock.now()).total_seconds())

    def begin(
        self, identity: str, moment: datetime, due: datetime | None = None, by: Trigger = Trigger.SCHEDULE
    ) -> None:
        run = make_run(identity, trigger=by, started_at=moment, due_at=due, outcome=Outcome.RUNNING, finished_at=None)
        self.director.deliver([self.say(RunStarted(run=run))])

    def ledger(self) -> list[tuple[str, PromiseState, str | None]]:
        """What was due by now."""
        settle_promises(self.catalog, self.clock.now())
        with self.catalog.read() as connection:
            known = promises.list_promises(connection, until=self.clock.now())
        return [(f"{promise.due_at:%d %H:%M}", promise.state, promise.run_id) for promise in known]

    def coming(self) -> list[datetime]:
        settle_promises(self.catalog, self.clock.now())
        return [p.due_at for p in history.list_promises(self.catalog, after=self.clock.now())]


@pytest.fixture
def fleet(catalog: Catalog) -> Fleet:
    return Fleet(catalog)


def test_promises_stand_before_they_are_due(fleet: Fleet) -> None:
    fleet.apply(make_job(), make_job("by-hand", schedule=None))
    assert fleet.coming() == [at("2026-11-21T02:00"), at("2026-11-22T02:00")]
    fleet.apply(make_job(schedule=HOURLY))
    assert len(fleet.coming()) == 48


def test_runs_answer_in_time_late_or_never(fleet: Fleet) -> None:
    fleet.apply(make_job())
    fleet.begin("one", at("2026-11-21T02:59"), due=at("2026-11-21T02:00"))
    fleet.begin("two", at("2026-11-22T03:01"))
    fleet.wait_until(at("2026-11-25T01:00"))
    assert fleet.ledger() == [
        ("21 02:00", KEPT, "one"),
        ("22 02:00", LATE, "two"),
        ("23 02:00", MISSED, None),
        ("24 02:00", OPEN, None),  # overdue, and it can still be answered
    ]


def test_a_run_by_hand_answers_nothing(fleet: Fleet) -> None:
    fleet.apply(make_job())
    fleet.begin("hand", at("2026-11-21T02:01"), by=Trigger.HAND)
    fleet.wait_until(at("2026-11-21T02:30"))
    assert fleet.ledger() == [("21 02:00", OPEN, None)]


def test_a_clock_that_is_a_little_behind_answers_the_right_promise(fleet: Fleet) -> None:
    fleet.apply(make_job())
    fleet.begin("early", at("2026-11-21T01:59"))
    fleet.wait_until(at("2026-11-21T02:30"))
    assert fleet.ledger() == [("21 02:00", KEPT, "early")]


def test_the_first_answer_stands(fleet: Fleet) -> None:
    fleet.apply(make_job())
    for identity, minute in (("first", 0), ("second", 5)):
        fleet.begin(identity, at("2026-11-21T02:00") + minute * MINUTE)
    fleet.director.deliver([fleet.say(RunFinished(run=make_run("second", trigger=Trigger.SCHEDULE)))])
    fleet.wait_until(at("2026-11-21T04:00"))
    assert fleet.ledger() == [("21 02:00", KEPT, "first")]


def test_three_days_off_are_one_catch_up_and_the_rest_missed(fleet: Fleet) -> None:
    fleet.apply(make_job(schedule=HOURLY))
    fleet.wait_until(NOW + 3 * DAY + 5 * MINUTE)
    fleet.begin("back", fleet.clock.now(), due=NOW + 3 * DAY, by=Trigger.CATCH_UP)
    ledger = fleet.ledger()
    assert len(ledger) == 72 and ledger[-1] == ("23 12:00", KEPT, "back")
    assert {state for _, state, _ in ledger[:-1]} == {MISSED}


def test_a_record_that_arrives_late_makes_the_missed_kept(fleet: Fleet) -> None:
    """The agent ran while its Director was away; the backlog arrives ninety days later."""
    fleet.apply(make_job())
    fleet.wait_until(NOW + 3 * DAY)
    assert [state for _, state, _ in fleet.ledger()] == [MISSED, MISSED, OPEN]
    fleet.wait_until(NOW + 90 * DAY)
    for day in (21, 22, 23):
        moment = at(f"2026-11-{day}T02:00")
        run = make_run(f"r{day}", trigger=Trigger.SCHEDULE, started_at=moment, due_at=moment)
        fleet.director.deliver([fleet.say(RunFinished(run=run))])
    assert [(state, run) for _, state, run in fleet.ledger()[:3]] == [(KEPT, "r21"), (KEPT, "r22"), (KEPT, "r23")]


def test_a_changed_schedule_withdraws_what_was_still_to_come(fleet: Fleet) -> None:
    fleet.apply(make_job())
    fleet.begin("one", at("2026-11-21T02:00"))
    fleet.wait_until(at("2026-11-22T12:00"))
    fleet.apply(make_job(schedule=Schedule(cron="0 5 * * *")), moment=at("2026-11-22T11:00"))
    assert fleet.ledger() == [("21 02:00", KEPT, "one"), ("22 02:00", OPEN, None)]
    assert fleet.coming() == [at("2026-11-23T05:00"), at("2026-11-24T05:00")]
    fleet.wait_until(at("2026-11-23T12:00"))
    assert fleet.ledger()[1:] == [("22 02:00", MISSED, None), ("23 05:00", OPEN, None)]
    withdrawn = _states(fleet, PromiseState.WITHDRAWN)
    assert withdrawn == [at("2026-11-23T02:00"), at("2026-11-24T02:00")]


def test_a_schedule_that_comes_back_is_promised_again(fleet: Fleet) -> None:
    fleet.apply(make_job())
    before = fleet.coming()
    fleet.apply()
    assert fleet.coming() == []
    fleet.apply(make_job())
    assert fleet.coming() == before and _states(fleet, PromiseState.WITHDRAWN) == []


def test_a_change_that_is_told_late_is_taken_from_when_it_was(fleet: Fleet) -> None:
    """While the Director was away the schedule changed on the second day: no false miss after it."""
    fleet.apply(make_job())
    fleet.wait_until(at("2026-11-25T12:00"))
    assert [state for _, state, _ in fleet.ledger()] == [MISSED, MISSED, MISSED, MISSED, OPEN]
    fleet.apply(make_job(schedule=Schedule(cron="0 3 * * *")), moment=at("2026-11-22T00:00"))
    assert [due for due, _, _ in fleet.ledger()] == ["21 02:00", "22 03:00", "23 03:00", "24 03:00", "25 03:00"]


def test_other_changes_of_a_job_leave_its_promises(fleet: Fleet) -> None:
    fleet.apply(make_job())
    before = fleet.coming()
    fleet.apply(make_job(rpo=DAY))
    assert fleet.coming() == before and _states(fleet, PromiseState.WITHDRAWN) == []


def test_looking_often_or_seldom_makes_the_same_ledger(catalog: Catalog) -> None:
    fleet = Fleet(catalog)
    fleet.apply(make_job(schedule=HOURLY))
    for _ in range(20):
        fleet.wait_until(fleet.clock.now() + 7 * HOUR)
        settle_promises(catalog, fleet.clock.now())
    assert len(fleet.ledger()) == 140


def test_a_clock_that_was_years_ahead_promises_no_years_and_recovers(fleet: Fleet) -> None:
    fleet.apply(make_job())
    fleet.wait_until(NOW + 3650 * DAY)
    settle_promises(fleet.catalog, fleet.clock.now())
    fleet.wait_until(NOW)
    assert fleet.coming()[:2] == [at("2026-11-21T02:00"), at("2026-11-22T02:00")]
    with fleet.catalog.read() as connection:
        assert len(promises.list_promises(connection)) < 50


def test_archives_come_and_go_and_the_ledger_stays(fleet: Fleet) -> None:
    fleet.apply(make_job())
    fleet.begin("one", at("2026-11-21T02:00"))
    archive = make_archive()
    fleet.director.deliver([fleet.say(received(archive))])
    fleet.wait_until(NOW + 2 * DAY)
    before = fleet.ledger()
    gone = ArchivesDeleted(at=NOW, repository="offsite", repository_id=archive.repository_id, archive_ids=(archive.id,))
    fleet.director.deliver([fleet.say(gone)])
    assert fleet.ledger() == before and len(history.list_runs(fleet.catalog)) == 1


def _states(fleet: Fleet, state: PromiseState) -> list[datetime]:
    with fleet.catalog.read() as connection:
        return [promise.due_at for promise in promises.list_promises(connection, states=[state])]
