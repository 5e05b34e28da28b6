# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from fleetkeep.agent.check import CheckPlace, check_archive, check_repository
from fleetkeep.agent.read import check_data
from fleetkeep.borg.command import delete_arguments
from fleetkeep.borg.process import Cancellation, run_borg
from fleetkeep.clock import SystemClock
from fleetkeep.errors import Cancelled, RepositoryWrongPassphrase
from fleetkeep.model import Outcome, Repository, VerificationKind


@pytest.fixture
def place(host, local_access, make_archive, tree) -> CheckPlace:
    repository_id = make_archive("first", tree).archive.repository_id
    return CheckPlace(
        client="web1",
        repository=Repository(name="local", location=local_access.location),
        repository_id=repository_id,
        access=local_access,
        lock=host.repository_lock("local"),
        scratch=host.scratch,
        clock=SystemClock(),
    )


@pytest.fixture(autouse=True)
def nothing_stays(host):
    """Whatever was checked, no lock and nothing in the scratch folder is left."""
    yield
    assert not host.scratch.exists() or list(host.scratch.iterdir()) == []


class Hurrying(SystemClock):
    """A clock on which each look at it takes a while, so that every budget is soon over."""

    def __init__(self, seconds: float = 1.0) -> None:
        super().__init__()
        self._seconds = seconds
        self._looks = 0.0

    def monotonic(self) -> float:
        self._looks += self._seconds
        return self._looks


def segments(place: CheckPlace) -> list[Path]:
    files = [path for path in (Path(place.access.location) / "data").rglob("*") if path.is_file()]
    return sorted(files, key=lambda path: int(path.name))


def largest_segment(place: CheckPlace) -> Path:
    return max(segments(place), key=lambda path: path.stat().st_size)


def flip(path: Path, offset: int) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ 0x10]))


# --- a sound repository ---


def test_a_sound_repository_is_sound_in_every_respect(place, make_archive, odd_tree):
    point = make_archive("odd", odd_tree)
    whole = check_repository(place, lambda: [point], [])
    assert (whole.outcome, whole.reason, whole.is_complete) == (Outcome.SUCCEEDED, "", True)
    assert (whole.kind, whole.archive_id) == (VerificationKind.REPOSITORY, "")
    assert whole.count("last_segment") == int(segments(place)[-1].name)
    assert whole.evidence["compared_index"] is True
    assert whole.count("archives_without_receipt") == 1
    assert whole.started_at < whole.finished_at
    metadata = check_archive(place, point)
    assert (metadata.outcome, metadata.reason) == (Outcome.SUCCEEDED, "")
    assert (metadata.archive_id, metadata.archive_name) == (point.archive.id, "odd")
    assert metadata.count("files") == point.archive.files
    data = check_data(place, point, [])
    assert (data.outcome, data.reason, data.is_complete) == (Outcome.SUCCEEDED, "", True)
    assert data.count("items") == data.count("items_read") == metadata.count("items")


# --- damage ---


def test_flipped_bits_are_found_in_segments_and_content_and_the_damaged_files_are_named(place, make_archive, tree):
    point = make_archive("two", tree)
    flip(largest_segment(place), 25_000)
    flip(largest_segment(place), 125_000)
    whole = check_repository(place, lambda: [point], [])
    assert whole.outcome is Outcome.FAILED
    assert "Segment entry checksum mismatch [segment " in whole.reason
    assert any("checksum mismatch" in text for text in whole.words("messages"))
    part = check_repository(place, lambda: [point], [], 600)
    assert (part.outcome, part.is_complete) == (Outcome.FAILED, True)
    data = check_data(place, point, [])
    assert data.outcome is Outcome.FAILED
    damaged = data.words("damaged")
    assert len(damaged) == 2
    assert all(Path("/" + path).parent == tree for path in damaged)
    assert data.reason == f"2 files ({', '.join(damaged)}) are damaged."
    assert (data.count("items_read"), data.is_complete) == (data.count("items"), True)


def test_a_missing_segment_is_found_in_all_three(place, make_archive, tree):
    point = make_archive("two", tree)
    largest_segment(place).unlink()
    whole = check_repository(place, lambda: [point], [])
    assert whole.outcome is Outcome.FAILED
    for result in (check_archive(place, point), check_data(place, point, [])):
        assert result.outcome is Outcome.FAILED
        assert result.reason
        assert result.archive_name == "two"


def test_an_archive_that_lost_files_or_was_replaced_is_not_sound(place, make_archive, tree):
    point = make_archive("two", tree)
    fuller = point.model_copy(update={"archive": point.archive.model_copy(update={"files": 7})})
    other = point.model_copy(update={"archive": point.archive.model_copy(update={"id": "0" * 64})})
    for check in (check_archive, lambda place, point: check_data(place, point, [])):
        assert check(place, fuller).reason == "It holds 6 files, but 7 were recorded."
        assert "It is not the archive that was recorded" in check(place, other).reason


def test_an_archive_that_was_received_and_is_listed_no_longer_is_a_finding(place, make_archive, tree):
    point = make_archive("two", tree)
    run_borg(place.access, delete_arguments(place.access.location, ["two"]))
    whole = check_repository(place, lambda: [point], [])
    assert whole.outcome is Outcome.FAILED
    assert whole.reason == "1 archive (two) that the catalog knows is not in the repository."
    assert whole.words("missing_archives") == ("two",)
    assert "two does not exist" in check_data(place, point, []).reason


def test_a_repository_that_is_gone_is_a_finding_and_a_wrong_passphrase_is_an_error(place, make_archive, tree, host):
    wrong = replace(place, access=replace(place.access, passphrase=type(place.access.passphrase)("wrong")))
    with pytest.raises(RepositoryWrongPassphrase):
        check_archive(wrong, make_archive("two", tree))
    Path(place.access.location).rename(place.access.location + ".away")
    gone = check_repository(place, list, [])
    assert gone.outcome is Outcome.FAILED
    assert "is not at" in gone.reason


# --- a part at a time ---


def test_segments_are_checked_over_several_calls_until_all_are(place, make_archive, tmp_path):
    """The borg of this test has a clock that runs fast, because no repository of a test takes seconds."""
    for number in range(2):
        folder = tmp_path / f"folder{number}"
        folder.mkdir()
        (folder / "file").write_bytes(os.urandom(1000))
        make_archive(f"archive{number}", folder)
    slow = replace(place, access=_slow(place, tmp_path))
    past, results = [], []
    for _ in range(60):
        result = check_repository(slow, list, past, 1)
        results.append(result)
        past.insert(0, result)
        assert result.outcome is Outcome.SUCCEEDED
        if result.is_complete:
            break
    assert len(results) > 2
    assert results[0].count("first_segment") == 0
    for before, after in pairwise(results):
        assert after.count("first_segment") == before.count("last_segment") + 1
    assert results[-1].count("last_segment") == int(segments(place)[-1].name)


def test_damage_that_an_early_part_found_makes_the_whole_round_a_failed_one(place, make_archive, tree, tmp_path):
    make_archive("two", tree)
    flip(largest_segment(place), 25_000)
    slow = replace(place, access=_slow(place, tmp_path))
    past, seen = [], []
    while not seen or not seen[-1].is_complete:
        result = check_repository(slow, list, past, 1)
        past.insert(0, result)
        seen.append(result)
    assert len(seen) > 1
    assert [one.outcome for one in seen].count(Outcome.FAILED) >= 2
    assert seen[-1].outcome is Outcome.FAILED
    assert "checksum mismatch" in seen[-1].reason


def _slow(place: CheckPlace, folder: Path):
    """The same borg with a clock on which a while passes with each look."""
    script = folder / "slow-borg"
    lines = [
        "import sys, time",
        "look = time.monotonic",
        "count = [0]",
        "def slow():",
        "    count[0] += 1",
        "    return look() + count[0] * 0.24",
        "time.monotonic = slow",
        "from borg.archiver import main",
        "main()",
    ]
    code = folder / "slow.py"
    code.write_text("\n".join(lines))
    python = Path(place.access.program).resolve().with_name("python")
    script.write_text(f'#!/bin/sh\nexec "{python}" "{code}" "$@"\n')
    script.chmod(0o755)
    return replace(place.access, program=str(script))


def test_content_is_read_over_several_calls_one_file_at_least_in_each(place, make_archive, odd_tree):
    point = make_archive("odd", odd_tree)
    hurry = replace(place, clock=Hurrying(0.1))
    past, results = [], []
    for _ in range(200):
        result = check_data(hurry, point, past, 1)
        past.insert(0, result)
        results.append(result)
        assert result.outcome is Outcome.SUCCEEDED
        if result.is_complete:
            break
    positions = [result.count("items_read") for result in results]
    assert positions == sorted(set(positions)), "every call brings it on"
    assert positions[-1] == results[-1].count("items")
    assert len(results) > 3


def test_damage_is_remembered_from_part_to_part_and_read_around(place, make_archive, tree):
    point = make_archive("two", tree)
    flip(largest_segment(place), 25_000)
    flip(largest_segment(place), 225_000)
    hurry = replace(place, clock=Hurrying(0.4))
    past = []
    while not past or not past[0].is_complete:
        past.insert(0, check_data(hurry, point, past, 1))
    assert past[0].outcome is Outcome.FAILED
    assert len(past[0].words("damaged")) == 2
    assert past[-1].outcome in (Outcome.SUCCEEDED, Outcome.FAILED)
    assert past[0].count("items_read") == past[0].count("items")


def test_a_check_waits_for_a_run_and_ends_when_it_is_cancelled(place, host):
    from fleetkeep.agent.lock import hold

    cancellation = Cancellation()
    said: list[str] = []

    def stop(holder: str) -> None:
        said.append(holder)
        cancellation.cancel()

    waiting = replace(place, cancellation=cancellation, on_wait=stop)
    with hold(host.repository_lock("local")), pytest.raises(Cancelled, match="The check was cancelled"):
        check_repository(waiting, list, [])
    assert said == [str(os.getpid())]
    assert not (Path(place.access.location) / "lock.exclusive").exists()
