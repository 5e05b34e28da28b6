# SPDX-License-Identifier: GPL-3.0-or-later
"""The verdict, as rows: facts in, sentence and findings out."""

from __future__ import annotations

import doctest
from dataclasses import replace

import pytest
from builders import (
    DAY,
    HOUR,
    MINUTE,
    NOW,
    make_archive,
    make_drill,
    make_job,
    make_kit_record,
    make_point,
    make_run,
    make_verification,
)

from fleetkeep.director.status import FindingKind, JobFacts, JobState, KeyChange, KitFacts, RepositoryFacts, judge
from fleetkeep.model import Outcome, VerificationKind
from fleetkeep.plan import words

POINT = make_point(received_at=NOW - 3 * HOUR, archive=make_archive(started_at=NOW - 3 * HOUR))
PROVEN = RepositoryFacts("offsite", newest=POINT, proven_at=NOW - 2 * HOUR)
GOOD_RUN = make_run(started_at=NOW - 3 * HOUR)
GOOD = JobFacts(
    client="web1",
    job=make_job(rpo="26h"),
    repositories=(PROVEN,),
    latest=GOOD_RUN,
    conclusive=GOOD_RUN,
    next_due_at=NOW + 14 * HOUR,
)
NEW = JobFacts(client="web1", job=make_job(), repositories=(RepositoryFacts("offsite"),))


def named(facts: JobFacts, name: str, client: str = "web1") -> JobFacts:
    return replace(facts, client=client, job=facts.job.model_copy(update={"name": name}))


def failed(reason: str = "offsite: it cannot be reached.") -> JobFacts:
    return replace(GOOD, conclusive=make_run("bad", outcome=Outcome.FAILED, reason=reason, started_at=NOW - HOUR))


def old_point(**age: object) -> RepositoryFacts:
    made = NOW - 3 * DAY
    values = {"received_at": made, "archive": make_archive(started_at=made)} | age
    return replace(PROVEN, newest=make_point(**values))


@pytest.mark.parametrize(
    ("facts", "verdict", "kinds"),
    [
        ([GOOD], "The only job on 1 client is protected; the newest proof is 2 hours old.", []),
        (
            [GOOD, named(GOOD, "database"), named(GOOD, "system", "web2")],
            "All 3 jobs on 2 clients are protected; the newest proof is 2 hours old.",
            [],
        ),
        (
            [],
            "Nothing is backed up: no job is declared; declare one in the fleet file, then run `fleetkeep apply`.",
            [],
        ),
        (
            [replace(GOOD, repositories=(replace(PROVEN, proven_at=None),)), named(GOOD, "database")],
            "All 2 jobs on 1 client are protected; 1 repository has not been proven by a restore yet.",
            [FindingKind.UNPROVEN],
        ),
        (
            [GOOD, named(replace(NEW, next_due_at=NOW + HOUR), "new")],
            "1 of 2 jobs on 1 client is protected; 1 waits for its first run.",
            [FindingKind.WAITING],
        ),
        (
            [GOOD, named(NEW, "new")],
            "1 of 2 jobs needs a person: web1/new: never ran to an end.",
            [FindingKind.NEVER_RAN],
        ),
        (
            [replace(NEW, next_due_at=NOW + HOUR)],
            "Nothing is protected yet: 1 job on 1 client waits for its first run.",
            [FindingKind.WAITING],
        ),
        (
            [replace(NEW, next_due_at=NOW + HOUR, unanswered=(NOW - HOUR,))],
            "1 of 1 job needs a person: web1/system: never ran to an end.",
            [FindingKind.NEVER_RAN],
        ),
        (
            [GOOD, named(failed(), "database")],
            "1 of 2 jobs needs a person: web1/database: the last run failed 60 minutes ago: offsite: it cannot be "
            "reached.",
            [FindingKind.RUN_FAILED],
        ),
        (
            [replace(NEW, conclusive=make_run(outcome=Outcome.FAILED, started_at=NOW - HOUR))],
            "1 of 1 job needs a person: web1/system: nothing can be restored from repository offsite: no good archive "
            "is there.",
            [FindingKind.NOTHING_TO_RESTORE, FindingKind.RUN_FAILED],
        ),
        (
            [replace(GOOD, repositories=(PROVEN, old_point()))],
            "1 of 1 job needs a person: web1/system: the newest archive in repository offsite is 3 days old, but 26h "
            "is allowed.",
            [FindingKind.TOO_OLD],
        ),
        (
            [replace(GOOD, unanswered=(NOW - 5 * HOUR, NOW - 3 * HOUR))],
            "1 of 1 job needs a person: web1/system: 2 expected runs did not begin, the last was due 3 hours ago.",
            [FindingKind.MISSED],
        ),
        (
            [replace(GOOD, conclusive=make_run(outcome=Outcome.WARNING, started_at=NOW - DAY))],
            "1 of 1 job needs a person: web1/system: the last run ended with a warning 24 hours ago.",
            [FindingKind.WARNING],
        ),
        (
            [
                replace(
                    GOOD,
                    repositories=(
                        replace(PROVEN, drill=make_drill(outcome=Outcome.FAILED, reason="1 of 9 files differs.")),
                    ),
                )
            ],
            "1 of 1 job needs a person: web1/system: the last drill of repository offsite failed less than a minute "
            "ago: 1 of 9 files differs.",
            [FindingKind.DRILL_FAILED],
        ),
    ],
)
def test_verdict(facts: list[JobFacts], verdict: str, kinds: list[FindingKind]) -> None:
    status = judge(facts, {}, NOW)
    assert status.verdict == verdict
    assert [finding.kind for finding in status.findings] == kinds
    assert status.needs_person is (not facts or any(kind.needs_person for kind in kinds))


def test_the_worst_is_found_first_and_names_the_verdict() -> None:
    warned = replace(GOOD, conclusive=make_run(outcome=Outcome.WARNING, started_at=NOW - HOUR))
    unproven = replace(GOOD, repositories=(replace(PROVEN, proven_at=None),))
    status = judge(
        [named(warned, "a"), named(unproven, "b"), named(failed(), "c"), named(NEW, "d"), named(failed(), "b", "web0")],
        {"web9": 2},
        NOW,
    )
    assert [(finding.subject, finding.kind.value) for finding in status.findings] == [
        ("web1/d", "never_ran"),
        ("web0/b", "run_failed"),
        ("web1/c", "run_failed"),
        ("web1/a", "warning"),
        ("web9", "unrecorded"),
        ("web1/b", "unproven"),
    ]
    assert status.verdict == "4 of 5 jobs need a person: web1/d: never ran to an end."
    assert [job.state for job in status.jobs] == [
        JobState.NEEDS_PERSON,
        JobState.PROTECTED,
        JobState.NEEDS_PERSON,
        JobState.NEEDS_PERSON,
        JobState.NEEDS_PERSON,
    ]


def test_messages_that_could_not_be_recorded_need_a_person_even_where_all_jobs_are_well() -> None:
    status = judge([GOOD], {"web1": 1, "web2": 0}, NOW)
    assert status.needs_person
    assert status.verdict == (
        "The jobs are well, but a person is needed: web1: 1 message could not be recorded, so something may be missing "
        "here."
    )


def test_a_job_without_an_rpo_is_never_too_old() -> None:
    facts = replace(GOOD, job=make_job(), repositories=(old_point(),))
    assert judge([facts], {}, NOW).findings == ()


@pytest.mark.parametrize(
    "times",
    [
        {"received_at": NOW - MINUTE},  # a backlog that arrived late does not make data young
        {"archive": make_archive(started_at=NOW + 900 * DAY)},  # nor does a clock that is ahead
    ],
)
def test_data_is_as_old_as_the_older_of_two_clocks_says(times: dict[str, object]) -> None:
    assert judge([replace(GOOD, repositories=(old_point(**times),))], {}, NOW).needs_person


def test_a_cancelled_or_running_run_changes_no_verdict_but_is_shown() -> None:
    for outcome in (Outcome.CANCELLED, Outcome.SKIPPED, Outcome.RUNNING):
        latest = make_run("latest", outcome=outcome, started_at=NOW - MINUTE)
        status = judge([replace(GOOD, latest=latest)], {}, NOW)
        assert status.findings == () and status.jobs[0].last_outcome is outcome


def test_a_job_is_as_far_behind_and_as_unproven_as_its_worst_repository() -> None:
    second = replace(PROVEN, name="second", newest=old_point().newest, proven_at=NOW - 9 * DAY)
    [job] = judge([replace(GOOD, job=make_job(), repositories=(PROVEN, second))], {}, NOW).jobs
    assert (job.newest_archive_at, job.proven_at) == (NOW - 3 * DAY, NOW - 9 * DAY)
    [job] = judge([replace(GOOD, repositories=(PROVEN, RepositoryFacts("second")))], {}, NOW).jobs
    assert (job.newest_archive_at, job.proven_at) == (None, None)


def test_every_finding_says_what_to_do() -> None:
    found = judge([GOOD, NEW, failed(), replace(GOOD, unanswered=(NOW,))], {"web1": 1}, NOW).findings
    assert all(finding.next_step.endswith(".") and not finding.sentence.endswith(".") for finding in found[:1])
    assert all(finding.next_step for finding in found)


def test_examples_in_the_docstrings() -> None:
    assert doctest.testmod(words).failed == 0


STALE_KIT = make_kit_record("old", retired_at=NOW - DAY)
GOOD_KIT = make_kit_record("new")


@pytest.mark.parametrize(
    ("kits", "found"),
    [
        ((), [FindingKind.NO_KIT]),
        ((STALE_KIT,), [FindingKind.STALE_KIT]),
        ((GOOD_KIT,), []),
        ((STALE_KIT, GOOD_KIT), []),
        ((GOOD_KIT, STALE_KIT), []),
    ],
)
def test_a_repository_needs_one_kit_that_is_not_stale(kits: tuple[object, ...], found: list[FindingKind]) -> None:
    status = judge([GOOD], {}, NOW, [KitFacts("web1", "offsite", kits)])  # type: ignore[arg-type]
    assert [finding.kind for finding in status.findings] == found
    assert not status.needs_person and status.jobs[0].state is JobState.PROTECTED
    assert all(finding.repository == "offsite" and finding.subject == "web1" for finding in status.findings)


# --- checks ---


def checked(*checks) -> JobFacts:
    return replace(GOOD, repositories=(replace(PROVEN, checks=checks),))


def test_a_check_that_failed_needs_a_person_and_says_what_was_found():
    said = {"outcome": Outcome.FAILED, "reason": "1 file (x) is damaged.", "finished_at": NOW - HOUR}
    bad = make_verification("bad", kind=VerificationKind.DATA, **said)
    status = judge([checked(bad, make_verification("good"))], {}, NOW)
    assert status.needs_person
    assert [finding.kind for finding in status.findings] == [FindingKind.CHECK_FAILED]
    assert status.verdict == (
        "1 of 1 job needs a person: web1/system: the last check of the content of an archive in repository offsite "
        "failed 60 minutes ago: 1 file (x) is damaged."
    )
    assert "Never repair it in place" in status.findings[0].next_step


def test_damage_is_said_where_no_archive_is_left():
    bad = make_verification("bad", outcome=Outcome.FAILED, reason="It is gone.")
    facts = replace(GOOD, repositories=(RepositoryFacts("offsite", checks=(bad,)),))
    kinds = {finding.kind for finding in judge([facts], {}, NOW).findings}
    assert kinds == {FindingKind.NOTHING_TO_RESTORE, FindingKind.CHECK_FAILED}


def test_of_comparisons_with_live_files_only_the_newest_counts():
    bad = make_verification("bad", kind=VerificationKind.SPOT, outcome=Outcome.FAILED, reason="x", archive_name="old")
    good = make_verification("good", kind=VerificationKind.SPOT, archive_name="new")
    assert judge([checked(good, bad)], {}, NOW).findings == ()
    assert len(judge([checked(bad, good)], {}, NOW).findings) == 1


def test_several_failed_checks_of_a_repository_are_one_finding():
    bad = [make_verification(outcome=Outcome.FAILED, reason=f"{age}.", finished_at=NOW - age * DAY) for age in (1, 2)]
    (finding,) = judge([checked(*bad)], {}, NOW).findings
    assert finding.sentence.endswith("failed 24 hours ago: 1 (1 more)")


def test_the_age_of_the_last_sound_check_is_that_of_the_repository_where_it_is_longest_ago():
    old, new = (make_verification(str(age), finished_at=NOW - age * DAY) for age in (3, 1))
    both = replace(GOOD, repositories=(replace(PROVEN, checks=(new,)), replace(PROVEN, name="copy", checks=(old,))))
    assert judge([both], {}, NOW).jobs[0].checked_at == NOW - 3 * DAY
    one = replace(both, repositories=(both.repositories[0], replace(PROVEN, name="copy")))
    assert judge([one], {}, NOW).jobs[0].checked_at is None
    bad = make_verification("bad", outcome=Outcome.FAILED, reason="x")
    assert judge([checked(bad)], {}, NOW).jobs[0].checked_at is None


def test_a_catalog_that_does_not_agree_with_an_archive_needs_a_person_and_is_no_damage():
    said = {"outcome": Outcome.FAILED, "finished_at": NOW - HOUR, "kind": VerificationKind.CATALOG}
    bad = make_verification("bad", archive_name="a-1", reason="The catalog differs from the archive: 1 extra.", **said)
    (finding,) = judge([checked(bad, make_verification("good"))], {}, NOW).findings
    assert (finding.kind, finding.kind.needs_person) == (FindingKind.CATALOG_DIFFERS, True)
    assert finding.sentence == (
        "the catalog did not agree with archive a-1 in repository offsite 60 minutes ago: The catalog differs from the "
        "archive: 1 extra"
    )
    good = make_verification("good", kind=VerificationKind.CATALOG)
    assert judge([checked(good)], {}, NOW).findings == ()


def test_a_change_of_passphrase_that_is_not_finished_needs_a_person() -> None:
    status = judge([GOOD], {}, NOW, (), [KeyChange("web1", "offsite")])
    (finding,) = status.findings
    assert (finding.kind, finding.repository) == (FindingKind.KEY_CHANGE_UNFINISHED, "offsite")
    assert status.needs_person and status.jobs[0].state is JobState.PROTECTED
    assert status.verdict.startswith("The jobs are well, but a person is needed: web1: a change of the passphrase of ")
    assert finding.next_step == "On web1: `fleetkeep key change-passphrase offsite` finishes it."
