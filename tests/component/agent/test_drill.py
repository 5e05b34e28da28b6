# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import stat
import time
from dataclasses import replace
from pathlib import Path

import pytest

from fleetkeep.agent.drill import DrillPlace, drill_job
from fleetkeep.borg.process import Cancellation
from fleetkeep.clock import SystemClock
from fleetkeep.errors import Cancelled
from fleetkeep.model import Drill, DrillKind, Outcome, Point
from fleetkeep.plan.sample import SampleRule

CLOCK = SystemClock()


def stored(path: Path) -> str:
    return str(path).lstrip("/")


@pytest.fixture
def place(local_access, host) -> DrillPlace:
    return DrillPlace(access=local_access, scratch=host.scratch)


@pytest.fixture
def scratch_is_empty(host):
    """Whatever a test does, nothing that was restored stays."""
    yield
    assert not host.scratch.exists() or list(host.scratch.iterdir()) == []


pytestmark = pytest.mark.usefixtures("scratch_is_empty")


def test_a_true_archive_is_proven_against_the_live_source(place, make_archive, odd_tree):
    point = make_archive("one", odd_tree)
    drill = drill_job(point, place, CLOCK, seed="fixed")
    assert drill.reason == ""
    assert drill.outcome is Outcome.SUCCEEDED
    assert {file.compared_with for file in drill.files} == {DrillKind.LIVE}
    assert drill.population == point.archive.files
    assert drill.left_out == 0  # a name that is no UTF-8 is a name like any other
    assert drill.sample_size == drill.population == len(drill.files)
    assert drill.sample_bytes > 20_000_000
    assert drill.seed == "fixed"
    assert drill.started_at < drill.finished_at


def test_a_drill_of_names_that_are_no_utf8_can_be_told_and_recorded(place, make_archive, odd_tree):
    drill = drill_job(make_archive("one", odd_tree), place, CLOCK)
    assert Drill.model_validate_json(drill.model_dump_json()) == drill
    assert any("\\udc" in file.path for file in drill.files)


def test_names_that_a_printed_listing_cannot_carry_are_left_out_and_counted(place, make_archive, odd_tree, printed):
    point = make_archive("one", odd_tree)
    drill = drill_job(point, replace(place, access=printed), CLOCK)
    assert drill.outcome is Outcome.SUCCEEDED
    assert drill.left_out == 2  # of a name and of a folder that are no UTF-8
    assert drill.sample_size == drill.population - drill.left_out == len(drill.files)


def test_what_changed_since_is_compared_with_the_archive(place, make_archive, tree):
    point = make_archive("one", tree)
    (tree / "file0").write_text("new content")
    (tree / "file1").unlink()
    os.utime(tree / "file2", ns=(1, 1))
    (tree / "file3").unlink()
    (tree / "file3").mkdir()
    drill = drill_job(point, place, CLOCK)
    assert drill.outcome is Outcome.SUCCEEDED
    kinds = {Path(file.path).name: file.compared_with for file in drill.files}
    archived = {name for name, kind in kinds.items() if kind is DrillKind.ARCHIVE}
    assert archived == {"file0", "file1", "file2", "file3"}
    assert kinds["file4"] is DrillKind.LIVE


def test_a_live_file_that_differs_under_the_same_size_and_time_fails_the_drill(place, make_archive, tree):
    point = make_archive("one", tree)
    victim = tree / "file2"
    before = victim.stat()
    content = bytearray(victim.read_bytes())
    content[1000] ^= 1
    victim.write_bytes(content)
    os.utime(victim, ns=(before.st_atime_ns, before.st_mtime_ns))
    drill = drill_job(point, place, CLOCK)
    assert drill.outcome is Outcome.FAILED
    assert drill.files[0].path == stored(victim)
    assert not drill.files[0].matches
    assert f"1 ({stored(victim)}) differ from the live source" in drill.reason
    assert [file.matches for file in drill.files[1:]] == [True] * 5


def data_segment(location: str) -> Path:
    return max((Path(location) / "data").rglob("*"), key=lambda path: path.is_file() and path.stat().st_size)


def flip(path: Path, offset: int) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ 0x10]))


def test_a_flipped_bit_in_the_repository_fails_the_drill_and_the_other_files_are_still_compared(
    place, make_archive, tree
):
    point = make_archive("one", tree)
    segment = data_segment(place.access.location)
    flip(segment, 25_000)
    flip(segment, 125_000)
    drill = drill_job(point, place, CLOCK)
    assert drill.outcome is Outcome.FAILED
    wrong = [file for file in drill.files if not file.matches]
    assert len(wrong) == 2
    assert list(drill.files[:2]) == wrong
    assert "Of 6 files, 2 (" in drill.reason
    assert "could not be restored whole" in drill.reason
    assert drill.sample_size == 4


def test_an_archive_that_lost_files_since_it_was_recorded_is_not_proven(place, make_archive, tree):
    point = make_archive("one", tree)
    recorded = point.archive.model_copy(update={"files": point.archive.files + 1})
    drill = drill_job(point.model_copy(update={"archive": recorded}), place, CLOCK)
    assert drill.outcome is Outcome.FAILED
    assert drill.reason == "It holds 6 files, but 7 were recorded when it was made."


def test_another_archive_of_the_same_name_is_not_proven(place, make_archive, tree):
    point = make_archive("one", tree)
    recorded = point.archive.model_copy(update={"id": "0" * 64})
    drill = drill_job(point.model_copy(update={"archive": recorded}), place, CLOCK)
    assert drill.outcome is Outcome.FAILED
    assert "is not the one that was recorded" in drill.reason
    assert drill.sample_size == 0


def test_an_archive_without_files_proves_nothing(place, make_archive, tmp_path):
    (tmp_path / "empty").mkdir()
    drill = drill_job(make_archive("one", tmp_path / "empty"), place, CLOCK)
    assert drill.outcome is Outcome.FAILED
    assert "nothing is proven" in drill.reason


def test_an_archive_that_is_gone_or_a_repository_that_is_away_is_a_failed_drill(place, make_archive, tree):
    point = make_archive("one", tree)
    gone = point.model_copy(update={"archive": point.archive.model_copy(update={"name": "never"})})
    assert drill_job(gone, place, CLOCK).outcome is Outcome.FAILED
    Path(place.access.location).rename(place.access.location + ".away")
    drill = drill_job(point, place, CLOCK)
    assert drill.outcome is Outcome.FAILED
    assert "is not at" in drill.reason


def test_the_sample_is_bounded_and_the_seed_repeats_it(place, make_archive, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    for number in range(200):
        (folder / str(number)).write_bytes(os.urandom(1000))
    point = make_archive("one", folder)
    rule = SampleRule(files=30, size_bytes=25_000)
    first, again = (drill_job(point, place, CLOCK, seed="s", rule=rule) for _ in range(2))
    assert (first.sample_size, first.sample_bytes) == (25, 25_000)
    assert [file.path for file in first.files] == [file.path for file in again.files]
    assert drill_job(point, place, CLOCK, rule=rule).seed not in ("", "s")


def test_cancelling_stops_within_two_seconds(place, make_archive, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    for number in range(60):
        (folder / str(number)).write_bytes(os.urandom(1_000_000))
    point = make_archive("one", folder)
    cancellation = Cancellation()
    asked: list[float] = []

    def cancel(done: int, total: int) -> None:
        asked.append(time.monotonic())
        cancellation.cancel()

    with pytest.raises(Cancelled, match="The drill was cancelled"):
        drill_job(point, place, CLOCK, on_progress=cancel, cancellation=cancellation)
    assert time.monotonic() - asked[0] < 2
    assert not (Path(place.access.location) / "lock.exclusive").exists()


def hostile_point(archive) -> Point:
    return Point(
        archive=archive,
        client="web1",
        job="system",
        run_id="r1",
        received_at=archive.started_at,
        outcome=Outcome.SUCCEEDED,
    )


def test_a_hostile_archive_stays_in_its_folder_and_is_not_proven(place, make_hostile_archive, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (tmp_path / "secret").write_text("secret")
    archive = make_hostile_archive(
        [
            {"path": "twice", "content": "x" * 6},
            {"path": "twice", "mode": 0o120777, "source": str(tmp_path / "secret")},
            {"path": "evil", "content": "a file first"},
            {"path": "evil", "mode": 0o120777, "source": str(outside)},
            {"path": "evil/owned", "content": "owned"},
            {"path": "sub/../../../../escaped", "content": "dots"},
            {"path": "fine", "content": "fine"},
        ]
    )
    drill = drill_job(hostile_point(archive), place, CLOCK)
    assert drill.outcome is Outcome.FAILED
    assert {file.path for file in drill.files if file.matches} == {"fine"}
    assert list(outside.iterdir()) == []
    assert not list(tmp_path.rglob("escaped"))


def test_an_archive_that_holds_more_than_it_lists_cannot_fill_the_disk(place, make_hostile_archive, host):
    bomb = [{"path": f"bomb{n}", "content": f"{n}" * 8_000_000, "size": 10} for n in range(6)]
    drill = drill_job(hostile_point(make_hostile_archive(bomb)), place, CLOCK)
    assert drill.outcome is Outcome.FAILED
    assert "holds more than it lists" in drill.reason


def test_nothing_armed_is_ever_there_for_others(place, make_hostile_archive, monkeypatch):
    import fleetkeep.agent.drill as module

    archive = make_hostile_archive([{"path": "bin/su", "content": "#!/bin/sh\n", "mode": 0o104755}])
    seen: list[int] = []
    plain = module._Drill._compare

    def look(self, files, folder, first_names):
        seen.append(stat.S_IMODE((folder / "bin/su").stat().st_mode))
        seen.append(stat.S_IMODE(folder.stat().st_mode))
        return plain(self, files, folder, first_names)

    monkeypatch.setattr(module._Drill, "_compare", look)
    assert drill_job(hostile_point(archive), place, CLOCK).outcome is Outcome.SUCCEEDED
    assert seen == [0o755, 0o700]
