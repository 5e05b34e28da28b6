# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from fleetkeep.model import ListedArchive, Outcome
from fleetkeep.plan.outcome import Evidence, Size, Verdict, judge_size, reconcile_outcome

NAME = "web1-system-1"
THERE = [ListedArchive(id="aa", name=NAME), ListedArchive(id="bb", name="web1-system-0")]
ELSEWHERE = [ListedArchive(id="bb", name="web1-system-0")]


@pytest.mark.parametrize(
    ("evidence", "outcome", "archive_id", "holds", "words"),
    [
        ({"succeeded": True, "listed": THERE, "archive_id": "aa"}, Outcome.SUCCEEDED, "aa", False, ""),
        ({"succeeded": True, "listed": THERE}, Outcome.SUCCEEDED, "aa", False, ""),
        ({"succeeded": True, "listed": ELSEWHERE}, Outcome.FAILED, None, True, "borg reported success, but"),
        ({"succeeded": True, "listed": THERE, "archive_id": "cc"}, Outcome.FAILED, None, True, "but borg made cc"),
        (
            {"succeeded": True, "listed": None, "listing_failure": "It is locked."},
            Outcome.FAILED, None, True, "cannot be listed to confirm it: It is locked.",
        ),
        ({"succeeded": False, "failure": "No space.", "listed": ELSEWHERE}, Outcome.FAILED, None, True, "No space."),
        ({"succeeded": False, "failure": "No space.", "listed": None}, Outcome.FAILED, None, True, "No space."),
        (
            {"succeeded": False, "failure": "No space.", "listed": THERE},
            Outcome.WARNING, "aa", True, "borg reported an error, but the archive is there: No space.",
        ),
        (
            {"succeeded": True, "warned": True, "warning_count": 1, "listed": THERE},
            Outcome.WARNING, "aa", False, "Borg warned about 1 file;",
        ),
        (
            {"succeeded": True, "warned": True, "warning_count": 1200, "listed": THERE},
            Outcome.WARNING, "aa", False, "Borg warned about 1,200 files;",
        ),
        (
            {"succeeded": True, "warned": True, "last_warning": "odd.", "listed": THERE},
            Outcome.WARNING, "aa", False, "Borg warned: odd.",
        ),
        (
            {"succeeded": True, "warned": True, "listed": THERE},
            Outcome.WARNING, "aa", False, "Borg warned: it gave no reason",
        ),
        ({"succeeded": False, "cancelled": True, "listed": THERE}, Outcome.CANCELLED, None, True, "cancelled"),
    ],
)  # fmt: skip
def test_what_exit_code_and_listing_say_together(
    evidence: dict[str, Any], outcome: Outcome, archive_id: str | None, holds: bool, words: str
) -> None:
    verdict = reconcile_outcome(Evidence(archive_name=NAME, **evidence))
    assert (verdict.outcome, verdict.archive_id, verdict.holds_retention) == (outcome, archive_id, holds)
    assert words in verdict.reason
    assert bool(verdict.reason) is (outcome is not Outcome.SUCCEEDED)


@pytest.mark.parametrize(
    ("size", "before", "words"),
    [
        (Size(0, 0), None, "holds no file"),
        (Size(0, 0), Size(5, 5), "holds no file"),
        (Size(0, 0), Size(0, 0), ""),
        (Size(10, 100), None, ""),
        (Size(50, 100), Size(100, 100), ""),
        (Size(49, 100), Size(100, 100), "holds 49 files, the last good one 100"),
        (Size(100, 50), Size(100, 100), ""),
        (Size(100, 49), Size(100, 100), "holds 49 bytes, the last good one 100"),
        (Size(1000, 1000), Size(1, 1), ""),
    ],
)
def test_a_size_that_is_not_plausible_holds_retention(size: Size, before: Size | None, words: str) -> None:
    verdict = judge_size(Verdict(Outcome.SUCCEEDED, archive_id="aa"), size, before)
    assert words in verdict.reason
    assert verdict.holds_retention is bool(words)
    assert verdict.outcome is (Outcome.WARNING if words else Outcome.SUCCEEDED)
    assert verdict.archive_id == "aa"


def test_a_doubt_keeps_the_other_warning() -> None:
    verdict = judge_size(Verdict(Outcome.WARNING, "Borg warned."), Size(0, 0), None)
    assert verdict.reason.startswith("The archive holds no file. ")
    assert verdict.reason.endswith(" Borg warned.")


def test_a_failure_stays_what_it_is() -> None:
    failed = Verdict(Outcome.FAILED, "No space.", holds_retention=True)
    assert judge_size(failed, Size(0, 0), None) is failed
