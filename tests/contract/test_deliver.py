# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Director does with messages, whatever its database."""

from __future__ import annotations

import pytest
from builders import (
    DAY,
    HOUR,
    NOW,
    Sender,
    applied,
    make_archive,
    make_drill,
    make_job,
    make_part,
    make_run,
    received,
)

from fleetkeep.catalog import archives, clients, messages
from fleetkeep.catalog.database import Catalog
from fleetkeep.clock import FixedClock
from fleetkeep.director import drills, history
from fleetkeep.director.embedded import EmbeddedDirector
from fleetkeep.link import ArchivesDeleted, DrillFinished, RunFinished, RunStarted
from fleetkeep.model import (
    DeletionRequest,
    FileWarning,
    ListedArchive,
    Outcome,
    Point,
    Retention,
    Stage,
    StageName,
)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOW)


@pytest.fixture
def director(catalog: Catalog, clock: FixedClock) -> EmbeddedDirector:
    return EmbeddedDirector(catalog, clock)


@pytest.fixture
def say() -> Sender:
    return Sender()


def points(catalog: Catalog) -> list[Point]:
    return history.list_archives(catalog, deleted=True)


def quarantined(catalog: Catalog) -> list[str]:
    with catalog.read() as connection:
        return [each.reason for each in messages.list_quarantined(connection)]


FULL_RUN = make_run(
    outcome=Outcome.WARNING,
    reason="offsite: 2 files could not be read.",
    stages=(Stage(name=StageName.GUARD, outcome=Outcome.SUCCEEDED, duration_seconds=0.25),),
    repositories=(
        make_part(
            outcome=Outcome.WARNING,
            reason="2 files could not be read.",
            archive=make_archive(),
            stages=(
                Stage(name=StageName.CREATE, outcome=Outcome.WARNING, reason="2 warnings", exit_code=107),
                Stage(name=StageName.DELETE, outcome=Outcome.SUCCEEDED, exit_code=0, duration_seconds=1.5),
            ),
            warnings=(
                FileWarning(path="/etc/shadow\n[red]x[/red]", message="denied", code="BackupPermissionError"),
                FileWarning(path="", message="something"),
            ),
            warning_count=1002,
            deleted=("system-0", "system--1"),
        ),
        make_part("second", outcome=Outcome.FAILED, reason="unreachable"),
    ),
)


def test_a_run_comes_back_as_it_was_told(catalog: Catalog, director: EmbeddedDirector, say: Sender) -> None:
    assert director.deliver([say(RunFinished(run=FULL_RUN))]) == 1
    assert history.find_run(catalog, "run-1") == FULL_RUN
    [listed] = history.list_runs(catalog)
    assert listed.repositories[0].warning_count == 1002 and listed.repositories[0].warnings == ()


def test_the_end_of_a_run_completes_its_begin(catalog: Catalog, director: EmbeddedDirector, say: Sender) -> None:
    begun = make_run(outcome=Outcome.RUNNING, finished_at=None)
    director.deliver([say(RunStarted(run=begun))])
    assert history.find_run(catalog, "run-1") == begun
    director.deliver([say(RunFinished(run=FULL_RUN))])
    assert history.list_runs(catalog)[0].outcome is Outcome.WARNING and history.find_run(catalog, "run-1") == FULL_RUN


def test_a_run_that_ended_never_changes(catalog: Catalog, director: EmbeddedDirector, say: Sender) -> None:
    late_begin = make_run(outcome=Outcome.RUNNING, finished_at=None)
    other_end = make_run(outcome=Outcome.FAILED, reason="killed")
    director.deliver([say(RunFinished(run=FULL_RUN)), say(RunStarted(run=late_begin)), say(RunFinished(run=other_end))])
    assert history.find_run(catalog, "run-1") == FULL_RUN


def test_an_archive_is_received_at_our_time(
    catalog: Catalog, director: EmbeddedDirector, clock: FixedClock, say: Sender
) -> None:
    forged = make_archive(started_at=NOW + 400 * DAY, finished_at=NOW + 400 * DAY)
    director.deliver([say(received(forged))])
    clock.advance(3600)
    director.deliver([say(received(forged))])
    [point] = points(catalog)
    assert (point.archive, point.received_at, point.client, point.job) == (forged, NOW, "web1", "system")


def test_a_run_that_names_an_archive_is_a_receipt_as_well(
    catalog: Catalog, director: EmbeddedDirector, say: Sender
) -> None:
    director.deliver([say(RunFinished(run=FULL_RUN))])
    assert [(point.archive.name, point.outcome) for point in points(catalog)] == [("system-1", Outcome.WARNING)]


def test_a_message_that_was_taken_is_acknowledged_again_and_changes_nothing(
    catalog: Catalog, director: EmbeddedDirector, clock: FixedClock, say: Sender
) -> None:
    batch = [say(received(make_archive("a"))), say(received(make_archive("b")))]
    assert director.deliver(batch) == 2
    before = points(catalog)
    clock.advance(60)
    assert director.deliver(batch) == 2 and director.deliver([]) == 0
    assert points(catalog) == before


def test_a_reset_spool_hides_nothing(catalog: Catalog, director: EmbeddedDirector) -> None:
    first, again = Sender(), Sender()
    director.deliver([first(received(make_archive("a")))])
    director.deliver([again(received(make_archive("b")), token="another")])
    assert {point.archive.name for point in points(catalog)} == {"a", "b"}


def test_two_clients_never_meet(catalog: Catalog, director: EmbeddedDirector) -> None:
    """The same tokens, run ids, archive ids, jobs and repository names, from two clients."""
    for client, outcome in (("web1", Outcome.SUCCEEDED), ("web2", Outcome.FAILED)):
        say, run = Sender(client), make_run(client=client, outcome=outcome)
        director.deliver([say(applied(make_job(), client=client)), say(RunFinished(run=run))])
        director.deliver([say(received(make_archive()))])
    assert {(run.client, run.outcome) for run in history.list_runs(catalog)} == {
        ("web1", Outcome.SUCCEEDED),
        ("web2", Outcome.FAILED),
    }
    assert [point.client for point in points(catalog)] == ["web2", "web1"]
    director.deliver([Sender("web2")(_deleted(make_archive()), token="gone")])
    assert [point.client for point in history.list_archives(catalog)] == ["web1"]


def test_a_message_that_speaks_for_another_client_goes_into_quarantine(
    catalog: Catalog, director: EmbeddedDirector
) -> None:
    say = Sender("web2")
    batch = [say(RunFinished(run=make_run())), say(DrillFinished(drill=make_drill())), say(applied(make_job()))]
    assert director.deliver([*batch, say(received(make_archive()))]) == 4
    assert quarantined(catalog) == ["NotTheirs: it speaks for client web1"] * 3
    assert history.list_runs(catalog) == [] and drills.list_drills(catalog) == []
    assert [point.client for point in points(catalog)] == ["web2"]
    assert director.deliver(batch) == 3 and len(quarantined(catalog)) == 3


def test_a_poisonous_message_holds_up_nothing_and_leaves_nothing_half_done(
    catalog: Catalog, director: EmbeddedDirector, say: Sender
) -> None:
    poison = [
        received(make_archive("too-large", files=2**70)),
        RunFinished(run=make_run(repositories=(make_part(warning_count=2**70),))),
        RunFinished(run=make_run("half", repositories=(make_part(archive=make_archive("x", files=2**70)),))),
    ]
    batch = [say(message) for message in poison]
    assert director.deliver([*batch, say(received(make_archive("fine")))]) == 4
    assert len(quarantined(catalog)) == 3
    assert [point.archive.name for point in points(catalog)] == ["fine"] and history.list_runs(catalog) == []


def test_archives_are_deleted_by_id_in_their_repository(
    catalog: Catalog, director: EmbeddedDirector, clock: FixedClock, say: Sender
) -> None:
    one, two = make_archive("one"), make_archive("two")
    elsewhere = make_archive("one", repository="second", id=one.id)
    director.deliver([say(received(archive)) for archive in (one, two, elsewhere)])
    director.deliver([say(_deleted(one, at=NOW + 9 * DAY))])
    clock.advance(60)
    director.deliver([say(_deleted(one)), say(_deleted(make_archive("never-heard-of")))])
    gone = {(point.archive.name, point.archive.repository): point.deleted_at for point in points(catalog)}
    assert gone == {("one", "offsite"): NOW, ("two", "offsite"): None, ("one", "second"): None}
    assert {point.archive.name for point in history.list_archives(catalog, repository="offsite")} == {"two"}


def test_a_drill_proves_its_archive_and_one_that_failed_does_not(
    catalog: Catalog, director: EmbeddedDirector, say: Sender
) -> None:
    director.deliver([say(received(make_archive())), say(DrillFinished(drill=make_drill()))])
    failed = make_drill("drill-2", outcome=Outcome.FAILED, finished_at=NOW + HOUR)
    director.deliver([say(DrillFinished(drill=failed)), say(DrillFinished(drill=make_drill(reason="told again")))])
    assert [point.proven_at for point in points(catalog)] == [NOW]
    assert drills.list_drills(catalog) == [failed, make_drill()]
    assert drills.latest_drill(catalog, "system") == failed and drills.latest_drill(catalog, "other") is None


def test_the_newest_proof_stands_and_none_lies_in_the_future(
    catalog: Catalog, director: EmbeddedDirector, say: Sender
) -> None:
    old, ahead = make_drill("old", finished_at=NOW - DAY), make_drill("ahead", finished_at=NOW + 900 * DAY)
    director.deliver([say(received(make_archive())), say(DrillFinished(drill=ahead)), say(DrillFinished(drill=old))])
    assert [point.proven_at for point in points(catalog)] == [NOW]


def test_the_state_in_force_is_what_was_applied_last(catalog: Catalog, director: EmbeddedDirector, say: Sender) -> None:
    director.deliver([say(applied(make_job(), make_job("database")))])
    director.deliver([say(applied(make_job(rpo=DAY), at=NOW - HOUR))])
    with catalog.read() as connection:
        known = {job.name: job.declared for job in clients.list_jobs(connection)}
    assert known == {"database": None, "system": make_job(rpo=DAY)}


def test_a_deletion_plan_follows_the_receipts(
    catalog: Catalog, director: EmbeddedDirector, clock: FixedClock, say: Sender
) -> None:
    made = [make_archive(f"a{day}", started_at=NOW + (9 - day) * DAY) for day in range(4)]  # their clock runs backwards
    for archive in made:
        director.deliver([say(received(archive))])
        clock.advance(86_400)
    request = _request(*made, make_archive("stranger"))
    answer = director.deletion_plan(request)
    assert [deletion.archive.name for deletion in answer.delete] == ["a0", "a1"]
    assert [keeping.reasons for keeping in answer.keep] == [("daily 2 of 2",), ("daily 1 of 2",)]
    assert [archive.name for archive in answer.without_receipt] == ["stranger"]


def test_in_a_shared_repository_the_archives_of_other_clients_stay(
    catalog: Catalog, director: EmbeddedDirector, clock: FixedClock
) -> None:
    mine = [make_archive(f"m{n}") for n in range(3)]
    theirs = make_archive("theirs", repository="central", repository_id=mine[0].repository_id)
    web1, web2 = Sender("web1"), Sender("web2")
    for archive in mine:
        director.deliver([web1(received(archive))])
        clock.advance(86_400)
    director.deliver([web2(received(theirs))])
    answer = director.deletion_plan(_request(*mine, theirs, daily=1))
    assert [deletion.archive.name for deletion in answer.delete] == ["m0", "m1"]
    assert {keeping.archive.name: keeping.reasons[0] for keeping in answer.keep} == {
        "m2": "daily 1 of 1",
        "theirs": "belongs to job system of web2",
    }


def test_a_long_listing_is_answered_whole(catalog: Catalog, director: EmbeddedDirector, say: Sender) -> None:
    made = [make_archive(f"a{n:04}") for n in range(600)]
    director.deliver([say(received(archive)) for archive in made])
    answer = director.deletion_plan(_request(*made, daily=1))
    assert len(answer.delete) == 599 and [keeping.archive.name for keeping in answer.keep] == ["a0599"]
    director.deliver([say(_deleted(*made[:599]))])
    with catalog.read() as connection:
        assert archives.count_points(connection) == (1, 600)


def _request(*listed: object, daily: int = 2) -> DeletionRequest:
    return DeletionRequest(
        client="web1",
        job="system",
        repository="offsite",
        retention=Retention(daily=daily),
        listed=tuple(ListedArchive(id=archive.id, name=archive.name) for archive in listed),  # type: ignore[attr-defined]
    )


def _deleted(*gone: object, at: object = NOW) -> ArchivesDeleted:
    first = gone[0]
    return ArchivesDeleted(
        at=at,  # type: ignore[arg-type]
        repository=first.repository,  # type: ignore[attr-defined]
        repository_id=first.repository_id,  # type: ignore[attr-defined]
        archive_ids=tuple(archive.id for archive in gone),  # type: ignore[attr-defined]
    )
