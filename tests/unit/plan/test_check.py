# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from builders import DAY, HOUR, NOW, make_archive, make_point, make_verification

from fleetkeep.model import ListedArchive, Outcome, VerificationKind
from fleetkeep.plan.check import (
    Round,
    Segments,
    missing_archives,
    open_round,
    order_archives,
    parse_segments,
    render_check,
)

DATA, REPOSITORY, ARCHIVE = VerificationKind.DATA, VerificationKind.REPOSITORY, VerificationKind.ARCHIVE


def data_of(point, **changes):
    return make_verification(kind=DATA, archive_id=point.archive.id, archive_name=point.archive.name, **changes)


def test_archives_come_in_the_order_in_which_they_are_proven_least():
    points = [make_point(name, received_at=NOW - age * DAY) for name, age in zip("abcde", range(5), strict=True)]
    a, b, _, d, _ = points
    past = [
        data_of(d, is_complete=False, evidence={"items_read": 3}),
        data_of(a, finished_at=NOW - HOUR),
        data_of(b, finished_at=NOW - DAY),
    ]
    order = order_archives(points, past, DATA)
    assert [point.archive.name for point in order] == ["d", "c", "e", "b", "a"]


def test_what_another_kind_of_check_proved_does_not_count():
    point = make_point("a")
    past = [data_of(point).model_copy(update={"kind": ARCHIVE})]
    assert open_round(past, DATA, point.archive.id) == Round()


def test_a_round_holds_what_its_parts_found_and_forgets_what_was_before_the_last_complete_one():
    point = make_point("a")
    later = {"items_read": 9, "damaged": ["q"]}
    past = [
        data_of(point, is_complete=False, outcome=Outcome.FAILED, reason="x", evidence=later),
        data_of(point, is_complete=False, evidence={"items_read": 4, "damaged": ["p"]}),
        data_of(point, finished_at=NOW - DAY),
    ]
    expected = Round(position=9, reasons=("x",), damaged=("p", "q"), last_complete_at=NOW - DAY)
    assert open_round(past, DATA, point.archive.id) == expected


def test_borg_says_how_far_it_came():
    assert parse_segments(["Starting repository check", "finished segment check at segment 9"]) == Segments(0, 9, True)
    partly = ["skipping to segments >= 4", "finished partial segment check, last segment checked is 7"]
    assert parse_segments(partly) == Segments(4, 7, False)
    assert parse_segments([]) == Segments(0, -1, True)


def test_archives_that_the_repository_lists_no_longer_are_named_by_id_not_by_name():
    here, gone = make_point("here"), make_point("gone")
    listed = [ListedArchive(id=here.archive.id, name="here"), ListedArchive(id="f" * 64, name="gone")]
    assert missing_archives([here, gone], listed) == ("gone",)


def test_each_result_has_its_line():
    point = make_point("a", archive=make_archive("a"))
    whole = make_verification(kind=REPOSITORY, evidence={"first_segment": 0, "last_segment": 9})
    part = make_verification(kind=REPOSITORY, is_complete=False, evidence={"first_segment": 3, "last_segment": 9})
    assert render_check(whole) == "offsite: segments sound to segment 9, in 1 min 0 s"
    assert render_check(part) == "offsite: segments sound from 3 to 9; the next call goes on there, in 1 min 0 s"
    assert render_check(data_of(point, evidence={"items": 7, "items_read": 7})) == (
        "offsite: content of a sound, 7 of 7 items, in 1 min 0 s"
    )
    assert render_check(data_of(point, is_complete=False, evidence={"items": 7, "items_read": 2})) == (
        "offsite: content of a sound, 2 of 7 items, in 1 min 0 s; the next call goes on there"
    )
    assert render_check(data_of(point, outcome=Outcome.FAILED, reason="1 file (x) is damaged.")) == (
        "offsite: content of a NOT sound: 1 file (x) is damaged."
    )
