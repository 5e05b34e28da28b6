# SPDX-License-Identifier: GPL-3.0-or-later
import fcntl
import os
import stat

import pytest

from fleetkeep.agent.scratch import disarm, remove_tree, scratch_folder
from fleetkeep.errors import RestoreTargetUnusable


def test_a_scratch_folder_is_private_and_goes_at_the_end(tmp_path):
    with scratch_folder(tmp_path / "scratch", "one") as folder:
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert stat.S_IMODE(folder.parent.stat().st_mode) == 0o700
        (folder / "d").mkdir(mode=0o500)
        (folder / "closed").mkdir(mode=0)
        (folder / "link").symlink_to(tmp_path)
    assert list((tmp_path / "scratch").iterdir()) == []
    assert tmp_path.is_dir()


def test_it_goes_after_an_error_too(tmp_path):
    with pytest.raises(KeyError), scratch_folder(tmp_path, "one") as folder:
        (folder / "secret").write_text("secret")
        raise KeyError
    assert not folder.exists()


def test_what_a_killed_drill_left_is_swept_and_what_another_uses_stays(tmp_path):
    (tmp_path / "left").mkdir()
    (tmp_path / "left" / "secret").write_text("secret")
    (tmp_path / "used").mkdir()
    holder = os.open(tmp_path / "used", os.O_RDONLY)
    fcntl.flock(holder, fcntl.LOCK_EX)
    with scratch_folder(tmp_path, "one"):
        assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "used"]
    os.close(holder)


def test_a_place_that_cannot_be_used_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RestoreTargetUnusable), scratch_folder(tmp_path / "file", "one"):
        pass


def test_nothing_keeps_the_power_of_another_user(tmp_path):
    (tmp_path / "d").mkdir()
    armed = tmp_path / "d" / "armed"
    armed.write_text("")
    armed.chmod(0o6755)
    (tmp_path / "d").chmod(0o3777)
    plain = tmp_path / "plain"
    plain.write_text("")
    plain.chmod(0o4711)
    (tmp_path / "link").symlink_to("plain")
    disarm(tmp_path)
    assert stat.S_IMODE(armed.stat().st_mode) == 0o755
    assert stat.S_IMODE((tmp_path / "d").stat().st_mode) == 0o777
    assert stat.S_IMODE(plain.stat().st_mode) == 0o711


def test_removing_never_follows_a_link(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir(mode=0o750)
    (outside / "stays").write_text("")
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "link").symlink_to(outside)
    remove_tree(tmp_path / "tree")
    assert not (tmp_path / "tree").exists()
    assert (outside / "stays").exists()
    assert stat.S_IMODE(outside.stat().st_mode) == 0o750
