# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from fleetkeep.agent.restore import look_up_archive, plan_restore, run_restore
from fleetkeep.borg.process import Cancellation
from fleetkeep.clock import SystemClock
from fleetkeep.errors import (
    ArchiveReplaced,
    Cancelled,
    PathNotInArchive,
    PathRefused,
    RestoreNeedsConsent,
    RestoreStopped,
    RestoreTargetHoldsFiles,
    RestoreTargetUnusable,
    SpaceTooSmall,
    StorageFull,
    UnknownArchive,
)
from fleetkeep.model import Outcome
from fleetkeep.plan.restore import RestoreAction

CLOCK = SystemClock()
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="owners and unreadable files need root")


def stored(path: Path) -> str:
    return str(path).lstrip("/")


@root_only
def test_an_odd_tree_comes_back_as_it_was(local_access, make_archive, odd_tree, portrait, tmp_path):
    before = portrait(odd_tree)
    point = make_archive("one", odd_tree)
    target = tmp_path / "new" / "target"
    plan = plan_restore(local_access, point.archive, [], target)
    assert plan.overwritten == 0
    assert plan.items == len(before) + 1
    result = run_restore(local_access, plan, CLOCK)
    assert result.outcome is Outcome.SUCCEEDED
    assert portrait(target / stored(odd_tree)) == before
    assert target.stat().st_mode & 0o777 == 0o700
    sparse = (target / stored(odd_tree) / "sparse").stat()
    assert sparse.st_blocks * 512 < sparse.st_size // 2


def test_chosen_paths_come_alone_and_with_the_modes_of_their_folders(local_access, make_archive, odd_tree, tmp_path):
    (odd_tree / "sub").chmod(0o751)
    point = make_archive("one", odd_tree)
    target = tmp_path / "target"
    wanted = [str(odd_tree / "sub" / "deeper"), stored(odd_tree / "-dash")]
    plan = plan_restore(local_access, point.archive, wanted, target)
    result = run_restore(local_access, plan, CLOCK)
    assert (result.items, result.files) == (3, 2)
    place = target / stored(odd_tree)
    assert sorted(path.name for path in place.iterdir()) == ["-dash", "sub"]
    assert (place / "sub").stat().st_mode & 0o777 == 0o751
    assert (place / "sub/deeper/another name").read_bytes() == (odd_tree / "sub/file7").read_bytes()


def test_a_name_that_is_no_utf8_can_be_asked_for(local_access, make_archive, odd_tree, tmp_path):
    point = make_archive("one", odd_tree)
    wanted = os.fsdecode(bytes(odd_tree) + b"/caf\xe9 latin")
    plan = plan_restore(local_access, point.archive, [wanted], tmp_path / "target")
    assert plan.counts == {RestoreAction.CREATE: 1}
    assert run_restore(local_access, plan, CLOCK).outcome is Outcome.SUCCEEDED
    assert os.listdir(bytes(tmp_path / "target" / stored(odd_tree))) == [b"caf\xe9 latin"]
    again = plan_restore(local_access, point.archive, [wanted], tmp_path / "target")
    assert (again.counts, again.overwritten) == ({RestoreAction.SAME: 1}, 0)


def test_a_name_that_a_printed_listing_cannot_carry_may_be_overwritten(printed, make_archive, odd_tree, tmp_path):
    point = make_archive("one", odd_tree)
    wanted = os.fsdecode(bytes(odd_tree) + b"/caf\xe9 latin")
    plan = plan_restore(printed, point.archive, [wanted], tmp_path / "target")
    assert run_restore(printed, plan, CLOCK).outcome is Outcome.SUCCEEDED
    again = plan_restore(printed, point.archive, [wanted], tmp_path / "target")
    assert (again.counts, again.overwritten) == ({RestoreAction.UNCLEAR: 1}, 1)


def test_a_path_that_is_not_there_is_said_before_anything_is_written(local_access, make_archive, tree, tmp_path):
    point = make_archive("one", tree)
    with pytest.raises(PathNotInArchive, match="does not hold etc/nothing"):
        plan_restore(local_access, point.archive, [str(tree), "/etc/nothing"], tmp_path / "target")
    with pytest.raises(PathRefused):
        plan_restore(local_access, point.archive, ["/etc/../root"], tmp_path / "target")
    assert not (tmp_path / "target").exists()


def test_a_pattern_is_only_a_name(local_access, make_archive, tree, tmp_path):
    point = make_archive("one", tree)
    with pytest.raises(PathNotInArchive):
        plan_restore(local_access, point.archive, ["sh:**"], tmp_path / "target")


def test_a_target_that_is_no_directory_is_refused(local_access, make_archive, tree, tmp_path):
    point = make_archive("one", tree)
    (tmp_path / "file").write_text("")
    for target in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(RestoreTargetUnusable, match="not a directory"):
            plan_restore(local_access, point.archive, [], target)


def test_a_replaced_archive_is_not_restored(local_access, make_archive, tree, tmp_path):
    point = make_archive("one", tree)
    recorded = point.archive.model_copy(update={"id": "0" * 64})
    with pytest.raises(ArchiveReplaced, match="is not the one that was recorded"):
        plan_restore(local_access, recorded, [], tmp_path / "target")


def test_a_plan_says_exactly_what_the_restore_then_changes(local_access, make_archive, tree, portrait, tmp_path):
    point = make_archive("one", tree)
    (tree / "file0").unlink()
    (tree / "file1").write_text("other content")
    (tree / "file2").chmod(0o600)
    (tree / "file3").unlink()
    (tree / "file3").mkdir()
    (tree / "link").unlink()
    (tree / "link").symlink_to("file4")
    (tree / "added later").write_text("stays")
    before = portrait(tree)

    plan = plan_restore(local_access, point.archive, [str(tree)], Path("/"), show=None)
    assert portrait(tree) == before
    planned = {
        action: {Path("/" + c.path).name for c in plan.changes if c.action is action} for action in RestoreAction
    }
    assert planned[RestoreAction.CREATE] == {"file0"}
    assert planned[RestoreAction.OVERWRITE] == {"file1", "file2", "link"}
    assert planned[RestoreAction.CONFLICT] == {"file3"}
    assert plan.overwritten == 4

    with pytest.raises(RestoreNeedsConsent, match="4 of its paths hold something else now"):
        run_restore(local_access, plan, CLOCK)
    assert portrait(tree) == before

    result = run_restore(local_access, plan, CLOCK, consent=True)
    assert (result.target, result.overwritten) == ("/", 4)
    after = portrait(tree)
    changed = {os.fsdecode(path) for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    assert changed == set().union(*planned.values())
    assert (tree / "added later").read_text() == "stays"
    again = plan_restore(local_access, point.archive, [str(tree)], Path("/"), show=None)
    assert set(again.counts) == {RestoreAction.SAME}


def test_the_original_place_always_needs_consent(local_access, make_archive, tree):
    point = make_archive("one", tree)
    plan = plan_restore(local_access, point.archive, [str(tree)], Path("/"))
    with pytest.raises(RestoreNeedsConsent):
        run_restore(local_access, plan, CLOCK)


def test_a_directory_that_holds_some_of_the_paths_needs_consent(local_access, make_archive, tree, tmp_path):
    point = make_archive("one", tree)
    target = tmp_path / "target"
    other = target / "something else"
    other.mkdir(parents=True)
    run_restore(local_access, plan_restore(local_access, point.archive, [], target), CLOCK)
    victim = target / stored(tree) / "file1"
    victim.write_text("mine")
    plan = plan_restore(local_access, point.archive, [], target)
    with pytest.raises(RestoreTargetHoldsFiles, match="holds 1 of these paths"):
        run_restore(local_access, plan, CLOCK)
    assert victim.read_text() == "mine"
    run_restore(local_access, plan, CLOCK, consent=True)
    assert victim.read_bytes() == (tree / "file1").read_bytes()
    assert other.is_dir()


def test_a_parent_that_is_a_link_is_never_followed(local_access, make_archive, tree, tmp_path):
    point = make_archive("one", tree)
    outside = tmp_path / "outside"
    outside.mkdir()
    (tree / "sub").rename(tree / "moved")
    (tree / "sub").symlink_to(outside)
    wanted = str(tree / "sub" / "ümläut name")
    plan = plan_restore(local_access, point.archive, [wanted], Path("/"))
    (change,) = plan.changes
    assert change.action is RestoreAction.CONFLICT
    assert change.reason == f"{stored(tree)}/sub is a symbolic link, not a folder"
    result = run_restore(local_access, plan, CLOCK, consent=True)
    assert result.outcome is Outcome.WARNING
    assert "symlink" in result.warnings[0].message
    assert list(outside.iterdir()) == []


def test_a_link_in_the_place_of_a_folder_is_replaced_by_the_folder(local_access, make_archive, tree, tmp_path):
    point = make_archive("one", tree)
    outside = tmp_path / "outside"
    outside.mkdir()
    (tree / "sub").rename(tree / "moved")
    (tree / "sub").symlink_to(outside)
    plan = plan_restore(local_access, point.archive, [str(tree / "sub")], Path("/"))
    assert plan.counts == {RestoreAction.CONFLICT: 1, RestoreAction.CREATE: 1}
    assert run_restore(local_access, plan, CLOCK, consent=True).outcome is Outcome.SUCCEEDED
    assert list(outside.iterdir()) == []
    assert (tree / "sub" / "ümläut name").read_text() == "hello"


def test_progress_rises_to_the_size_of_the_content(local_access, make_archive, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    for number in range(40):
        (folder / str(number)).write_bytes(os.urandom(100_000))
    point = make_archive("one", folder)
    seen: list[tuple[int, int]] = []
    plan = plan_restore(local_access, point.archive, [], tmp_path / "target")
    run_restore(local_access, plan, CLOCK, on_progress=lambda done, total: seen.append((done, total)))
    assert {total for _, total in seen} == {4_000_000}
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert len(seen) > 10


def test_cancelling_stops_within_two_seconds_and_leaves_no_lock(local_access, make_archive, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    for number in range(60):
        (folder / str(number)).write_bytes(os.urandom(1_000_000))
    point = make_archive("one", folder)
    plan = plan_restore(local_access, point.archive, [], tmp_path / "target")
    cancellation = Cancellation()
    asked: list[float] = []

    def cancel(done: int, total: int) -> None:
        if not asked:
            asked.append(time.monotonic())
            cancellation.cancel()

    with pytest.raises(RestoreStopped, match=r"stopped after about .* of 60.0 MB: It was cancelled"):
        run_restore(local_access, plan, CLOCK, on_progress=cancel, cancellation=cancellation)
    assert time.monotonic() - asked[0] < 2
    assert not (Path(local_access.location) / "lock.exclusive").exists()
    assert plan_restore(local_access, point.archive, [], tmp_path / "other").files == 60


def test_cancelling_while_it_plans_writes_nothing(local_access, make_archive, tree, tmp_path):
    point = make_archive("one", tree)
    cancellation = Cancellation()
    threading.Timer(0.1, cancellation.cancel).start()
    with pytest.raises(Cancelled):
        while True:
            plan_restore(local_access, point.archive, [], tmp_path / "target", cancellation=cancellation)
    assert not (tmp_path / "target").exists()


def test_a_full_disk_is_one_sentence_that_says_how_far_it_came(local_access, make_archive, small_disk, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    for number in range(12):
        (folder / f"{number:02}").write_bytes(os.urandom(1_500_000))
    point = make_archive("one", folder)
    plan = plan_restore(local_access, point.archive, [], small_disk / "target")
    assert plan.free_bytes is not None
    assert plan.free_bytes < plan.size_bytes == 18_000_000
    with pytest.raises(SpaceTooSmall, match=r"has 8\.4 MB free, but the restore needs 18\.0 MB"):
        run_restore(local_access, plan, CLOCK)
    assert not (small_disk / "target").exists()
    with pytest.raises(StorageFull) as caught:
        run_restore(local_access, plan, CLOCK, ignore_space=True)
    assert "no space left for the restore (5 of 12 files are there) at " in str(caught.value)
    first = small_disk / "target" / stored(folder) / "00"
    assert first.read_bytes() == (folder / "00").read_bytes()


def test_a_hostile_archive_writes_nothing_outside(local_access, make_hostile_archive, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (tmp_path / "secret").write_text("secret")
    archive = make_hostile_archive(
        [
            {"path": "evil", "mode": 0o120777, "source": str(outside)},
            {"path": "evil/owned", "content": "owned"},
            {"path": "sub/../../../escaped", "content": "dots"},
            {"path": "hard", "mode": 0o100644, "source": "../secret"},
            {"path": "fine", "content": "fine"},
            {"path": "esc\x1b[2Jape", "content": "x"},
        ]
    )
    target = tmp_path / "a" / "b" / "target"
    result = run_restore(local_access, plan_restore(local_access, archive, [], target), CLOCK)
    assert result.outcome is Outcome.WARNING
    assert result.warning_count == 3
    assert sorted(os.listdir(target)) == ["esc\x1b[2Jape", "evil", "fine"]
    assert list(outside.iterdir()) == []
    assert not list(tmp_path.rglob("escaped"))
    assert (tmp_path / "secret").stat().st_nlink == 1


def test_an_archive_that_the_catalog_lost_is_found_in_its_repository(local_access, make_archive, tree, tmp_path):
    point = make_archive("one", tree)
    make_archive("two", tree)
    for wanted in ("one", point.archive.id, point.archive.id[:8]):
        found = look_up_archive(local_access, "local", wanted)
        assert (found.id, found.repository_id) == (point.archive.id, point.archive.repository_id)
    assert found.started_at.tzinfo is not None
    plan = plan_restore(local_access, found, [], tmp_path / "target")
    assert run_restore(local_access, plan, CLOCK).files == 6
    for unknown in ("on", "three", point.archive.id[:3], ""):
        with pytest.raises(UnknownArchive):
            look_up_archive(local_access, "local", unknown)


def test_no_secret_is_in_what_people_see(local_access, make_archive, tree, tmp_path, capfd):
    point = make_archive("one", tree)
    plan = plan_restore(local_access, point.archive, [], tmp_path / "target", show=None)
    result = run_restore(local_access, plan, CLOCK)
    shown = plan.model_dump_json() + result.model_dump_json() + repr(local_access) + "".join(capfd.readouterr())
    assert "battery-staple" not in shown
