# SPDX-License-Identifier: GPL-3.0-or-later
"""Questions about what happened and what can be restored."""

from __future__ import annotations

import pytest
from builders import DAY, HOUR, MINUTE, NOW, Sender, applied, at, make_archive, make_drill, make_job, make_run, received

from fleetkeep.catalog.database import Catalog
from fleetkeep.clock import FixedClock
from fleetkeep.director import history
from fleetkeep.director.embedded import EmbeddedDirector
from fleetkeep.director.status import FindingKind, JobState, fleet_status
from fleetkeep.errors import AmbiguousId, NoArchiveAt, UnknownArchive, UnknownRun
from fleetkeep.link import ArchivesDeleted, DrillFinished, RunFinished
from fleetkeep.model import Outcome, Trigger


@pytest.fixture
def past(catalog: Catalog) -> Catalog:
    """Three daily runs into two repositories, of which the last failed in one; a run of another job; another client."""
    clock = FixedClock(NOW)
    director, say = EmbeddedDirector(catalog, clock), Sender()
    director.deliver(
        [say(applied(make_job(repositories=("offsite", "local")), make_job("database"), at=NOW - 9 * DAY))]
    )
    for day, identity in ((3, "aaaa1111"), (2, "aaaa2222"), (1, "bbbb3333")):
        made = NOW - day * DAY
        for repository in ("offsite", "local"):
            if (day, repository) != (1, "local"):
                archive = make_archive(f"system-{identity}", repository=repository, started_at=made)
                director.deliver([say(received(archive, run_id=identity))])
        outcome = Outcome.FAILED if day == 1 else Outcome.SUCCEEDED
        run = make_run(identity, started_at=made, outcome=outcome, trigger=Trigger.SCHEDULE)
        director.deliver([say(RunFinished(run=run))])
    director.deliver([say(RunFinished(run=make_run("cccc4444", job="database", started_at=NOW - HOUR)))])
    other = Sender("web2")
    director.deliver([other(received(make_archive("system-x"), run_id="x"))])
    return catalog


def test_runs_come_newest_first_and_filtered(past: Catalog) -> None:
    def ids(**wanted: object) -> list[str]:
        return [run.id for run in history.list_runs(past, **wanted)]  # type: ignore[arg-type]

    assert ids() == ["cccc4444", "bbbb3333", "aaaa2222", "aaaa1111"]
    assert ids(job="system", limit=2) == ["bbbb3333", "aaaa2222"]
    assert ids(outcomes=[Outcome.FAILED]) == ["bbbb3333"]
    assert ids(client="web2") == ids(job="none") == []


def test_a_run_is_found_by_the_beginning_of_its_id(past: Catalog) -> None:
    assert history.find_run(past, "bbbb").id == "bbbb3333"
    with pytest.raises(AmbiguousId, match="aaaa is the beginning of 2 runs"):
        history.find_run(past, "aaaa")
    for text in ("bbb", "zzzzz", "", "%", "bbbb____"):
        with pytest.raises(UnknownRun):
            history.find_run(past, text)


def test_archives_come_newest_first_and_filtered(past: Catalog) -> None:
    def names(**wanted: object) -> list[str]:
        found = history.list_archives(past, **wanted)  # type: ignore[arg-type]
        return [f"{point.archive.name}@{point.archive.repository}" for point in found]

    assert names(limit=2) == ["system-x@offsite", "system-bbbb3333@offsite"]
    assert names(client="web1", repository="local") == ["system-aaaa2222@local", "system-aaaa1111@local"]
    assert names(job="database") == []


def test_an_archive_is_found_by_name_or_id(past: Catalog) -> None:
    archive = make_archive("system-bbbb3333")
    assert history.find_point(past, "system-bbbb3333").archive.id == archive.id
    assert history.find_point(past, archive.id[:40]).archive.id == archive.id
    assert history.find_point(past, "system-aaaa1111", repository="local").archive.repository == "local"
    for text in ("system-bbbb", "", "%", archive.id[:3]):
        with pytest.raises(UnknownArchive):
            history.find_point(past, text)
    with pytest.raises(AmbiguousId, match="3 archives"):
        history.find_point(past, archive.id[:14], client="web1", repository="offsite")


def test_of_the_archives_of_one_run_the_proven_one_is_taken(past: Catalog) -> None:
    assert history.find_point(past, "system-aaaa2222").archive.repository == "offsite"
    local = make_archive("system-aaaa2222", repository="local")
    drill = make_drill(archive_id=local.id, archive_name=local.name, repository="local")
    EmbeddedDirector(past, FixedClock(NOW)).deliver([Sender()(DrillFinished(drill=drill), token="drill")])
    assert history.find_point(past, "system-aaaa2222").archive.repository == "local"


def test_a_moment_finds_the_newest_archive_that_had_begun(past: Catalog) -> None:
    def found(moment: object, **wanted: object) -> str:
        return history.find_point_at(past, "system", moment, client="web1", **wanted).archive.name  # type: ignore[arg-type]

    assert found(NOW) == "system-bbbb3333"
    assert found(NOW, repository="local") == "system-aaaa2222"
    assert found(NOW - 2 * DAY) == "system-aaaa2222"
    assert found(NOW - 2 * DAY - MINUTE) == "system-aaaa1111"
    with pytest.raises(NoArchiveAt, match=r"its oldest is 2026-11-17 12:00:00\+00:00"):
        found(NOW - 4 * DAY)
    with pytest.raises(UnknownArchive):
        history.find_point_at(past, "database", NOW)


def test_what_was_deleted_or_failed_is_not_found(past: Catalog) -> None:
    gone = make_archive("system-bbbb3333")
    message = ArchivesDeleted(at=NOW, repository="offsite", repository_id=gone.repository_id, archive_ids=(gone.id,))
    bad = received(make_archive("bad", started_at=NOW), run_id="bad", outcome=Outcome.FAILED)
    say = Sender()
    EmbeddedDirector(past, FixedClock(NOW)).deliver([say(message, token="gone"), say(bad, token="bad")])
    assert history.find_point_at(past, "system", NOW, client="web1").archive.name == "system-aaaa2222"
    with pytest.raises(UnknownArchive):
        history.find_point(past, "system-bbbb3333")
    assert history.find_point(past, "bad").outcome is Outcome.FAILED


def test_status_gathers_what_it_judges(past: Catalog) -> None:
    status = fleet_status(past, NOW)
    assert status.verdict == (
        "2 of 2 jobs need a person: web1/database: nothing can be restored from repository offsite: no good archive is "
        "there."
    )
    system = [finding.kind for finding in status.findings if finding.job == "system"]
    assert system == [FindingKind.RUN_FAILED, FindingKind.MISSED, FindingKind.UNPROVEN, FindingKind.UNPROVEN]
    job = next(job for job in status.jobs if job.job == "system")
    assert (job.state, job.last_run, job.newest_archive_at) == (JobState.NEEDS_PERSON, "bbbb3333", NOW - 2 * DAY)
    assert job.next_due_at == at("2026-11-21T02:00")


def test_status_of_an_empty_catalog_says_what_to_do(catalog: Catalog) -> None:
    status = fleet_status(catalog, NOW)
    assert status.verdict.startswith("Nothing is backed up") and status.needs_person
