# SPDX-License-Identifier: GPL-3.0-or-later
from datetime import datetime, timezone

import pytest

from fleetkeep.model import ArchiveFacts, Drill, DrillFile, DrillKind, Outcome, Point, SizeRatio
from fleetkeep.plan.drill import judge_drill, judge_size, order_files, render_drill
from fleetkeep.plan.sample import Sample, SampledFile

WHEN = datetime(2026, 11, 21, 2, tzinfo=timezone.utc)
ARCHIVE_ID = "a" * 64


def point(files=10, outcome=Outcome.SUCCEEDED):
    archive = ArchiveFacts(
        id=ARCHIVE_ID,
        name="web1-system",
        repository="local",
        repository_id="b" * 64,
        started_at=WHEN,
        finished_at=WHEN,
        files=files,
        original_bytes=1,
        compressed_bytes=1,
        deduplicated_bytes=1,
    )
    return Point(archive=archive, client="web1", job="system", run_id="r1", received_at=WHEN, outcome=outcome)


def sample(**changes):
    chosen = tuple(SampledFile(f"d/{n}", 1, 0, n) for n in range(4))
    return Sample(**{"seed": "s", "files": chosen, "population": 10, "archive_id": ARCHIVE_ID} | changes)


def compared(path="d/0", kind=DrillKind.LIVE, matches=True, sha256="f0"):
    return DrillFile(path=path, compared_with=kind, matches=matches, sha256=sha256)


GOOD = [compared("d/0"), compared("d/1", DrillKind.ARCHIVE)]


def test_what_was_restored_and_found_equal_is_proven():
    assert judge_drill(point(), sample(), GOOD) == (Outcome.SUCCEEDED, "")


DOUBTS = [
    (point(), sample(archive_id="c" * 64), GOOD, "is not the one that was recorded: its id is ccc"),
    (point(files=11), sample(), GOOD, "It holds 10 files, but 11 were recorded when it was made."),
    (point(files=21, outcome=Outcome.WARNING), sample(), GOOD, "It holds 10 files, but 21 were recorded"),
    (point(), sample(broken=("x",), broken_count=1), GOOD, "replaced lost content with zeros in 1 (x)."),
    (point(), sample(files=()), [], "nothing is proven"),
    (point(files=200), Sample(seed="s"), [], "It holds 0 files, but 200 were recorded"),
    (
        point(),
        sample(),
        [*GOOD, compared("bad", matches=False)],
        "Of 3 restored files, 1 (bad) differ from the live source, whose size and time are the same.",
    ),
    (
        point(),
        sample(),
        [compared(f"bad{n}", DrillKind.ARCHIVE, matches=False) for n in range(5)],
        "Of 5 restored files, 5 (bad0, bad1, bad2 and more) differ from the archive's own hash.",
    ),
    (
        point(),
        sample(),
        [*GOOD, compared("lost", DrillKind.ARCHIVE, matches=False, sha256="")],
        "Of 3 files, 1 (lost) could not be restored whole.",
    ),
]


@pytest.mark.parametrize(("recorded", "listed", "files", "reason"), DOUBTS)
def test_any_doubt_fails_the_drill(recorded, listed, files, reason):
    outcome, words = judge_drill(recorded, listed, files)
    assert outcome is Outcome.FAILED
    assert reason in words


def test_an_archive_with_warnings_may_lack_files_that_borg_counted():
    assert judge_drill(point(files=12, outcome=Outcome.WARNING), sample(), GOOD)[0] is Outcome.SUCCEEDED


def test_trouble_is_the_whole_reason():
    assert judge_drill(point(), Sample(seed="s"), [], "It is locked.") == (Outcome.FAILED, "It is locked.")


def test_a_record_keeps_what_did_not_match():
    files = [compared(f"d/{n}") for n in range(2000)] + [compared("bad", matches=False)]
    kept = order_files(files)
    assert len(kept) == 1000
    assert kept[0].path == "bad"
    assert [file.path for file in kept[1:3]] == ["d/0", "d/1"]


def drill(**changes):
    facts = {
        "id": "d1",
        "client": "web1",
        "job": "system",
        "repository": "local",
        "archive_id": ARCHIVE_ID,
        "archive_name": "web1-system",
        "started_at": WHEN,
        "finished_at": WHEN,
        "outcome": Outcome.SUCCEEDED,
        "sample_size": 300,
        "population": 52_113,
        "sample_bytes": 5_000_000,
        "seed": "0f",
        "files": tuple(
            [compared(f"d/{n}") for n in range(298)] + [compared(f"e/{n}", DrillKind.ARCHIVE) for n in range(2)]
        ),
    }
    return Drill(**facts | changes)


def test_a_proof_reads_well():
    assert render_drill(drill()).splitlines() == [
        "proven: 300 of 52,113 files restored and compared, 298 with the live source, 2 with the archive; 0 differ",
        "  archive web1-system in local, 5.0 MB restored, seed 0f",
    ]


def test_a_failure_names_the_files_first_and_hides_control_characters():
    wrong = (compared("d/\x1b", matches=False), compared("lost", matches=False, sha256=""), compared("good"))
    failed = drill(outcome=Outcome.FAILED, files=wrong, reason="Two differ.", sample_size=2, left_out=1)
    assert render_drill(failed, show=lambda text: text.replace("\x1b", "<ESC>")).splitlines() == [
        "NOT proven: 2 of 52,113 files restored and compared, 1 with the live source, 0 with the archive; 2 differ",
        "  Two differ.",
        "  differs d/<ESC>",
        "  missing lost",
        "  1 file could not be chosen: no listing can carry the name",
        "  archive web1-system in local, 5.0 MB restored, seed 0f",
    ]


# --- sizes ---


def sized(size, *, proven=False, name="web1-system"):
    found = point()
    archive = found.archive.model_copy(update={"original_bytes": size, "name": name})
    return found.model_copy(update={"archive": archive, "proven_at": WHEN if proven else None})


def judged(size, *earlier, **rule):
    return judge_size(SizeRatio.model_validate({"min": 0.8, "max": 2} | rule), sized(size), earlier)


PROVEN_SIZES = [sized(size, proven=True) for size in (1000, 900, 5000, 1100, 1000)]


@pytest.mark.parametrize(("size", "holds"), [(799, False), (800, True), (1000, True), (2000, True), (2001, False)])
def test_a_size_is_compared_with_the_median_of_what_was_proven(size, holds):
    found = judged(size, sized(1), *PROVEN_SIZES, sized(10**6, proven=True))
    words = "the usual size, 1.0 kB in 5 proven archives before it"
    assert found == (holds, f"It is {size / 1000:.2f} times {words}.")


def test_what_is_lost_bit_by_bit_or_stays_lost_is_noticed_as_often_as_it_is_looked_at():
    shrinking = [sized(size) for size in (410, 512, 640, 800)]
    assert judged(329, *shrinking, *PROVEN_SIZES)[0] is False
    assert judged(329, *shrinking, compared_with="previous")[0] is True
    emptied = [sized(10), sized(10)]
    assert judged(10, *emptied, *PROVEN_SIZES)[0] is False
    assert judged(10, *emptied, *PROVEN_SIZES, compared_with="previous")[0] is True


def test_where_nothing_was_proven_the_archive_before_is_the_measure():
    assert judged(500) == (True, "There is no archive before it to compare with.")
    assert judged(500, sized(0, proven=True)) == (True, "There is no archive before it to compare with.")
    assert judged(500, sized(1000, name="a"), sized(1)) == (
        False,
        "It is 0.50 times the size of a, as none before it was proven.",
    )
    assert judged(500, sized(1000, name="a"), compared_with="previous")[1] == "It is 0.50 times the size of a."
