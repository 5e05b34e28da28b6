# SPDX-License-Identifier: GPL-3.0-or-later
import hashlib
import os

import pytest

from fleetkeep.agent.disk import DiskView, hash_file, open_beneath, open_file
from fleetkeep.plan.restore import OnDisk


def test_what_is_at_a_path(tmp_path):
    (tmp_path / "d").mkdir(mode=0o750)
    (tmp_path / "d" / "f").write_text("four")
    (tmp_path / "d" / "f").chmod(0o640)
    os.utime(tmp_path / "d" / "f", ns=(0, 1_500_000_000_123_456_789))
    (tmp_path / "d" / "l").symlink_to("f")
    view = DiskView(tmp_path)
    assert view.look("d/f") == OnDisk("-", 0o640, 4, 1_500_000_000_123_456)
    assert view.look("d").kind == "d"
    assert view.look("d/l").link_target == "f"
    assert view.look("d/none") is None
    assert view.look("none/none") is None


def test_a_parent_that_is_no_folder_is_in_the_way(tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "link").symlink_to(".")
    view = DiskView(tmp_path)
    assert view.look("file/below/it") == OnDisk("-", blocked_by="file")
    assert view.look("link/file") == OnDisk("l", blocked_by="link")
    view.replaced("link")
    assert view.look("link/file") is None


def test_a_lossy_name_is_only_suspected_where_one_like_it_is_there(tmp_path):
    (tmp_path / "d").mkdir()
    with open(bytes(tmp_path) + b"/d/caf\xe9", "w"):
        pass
    view = DiskView(tmp_path)
    assert view.look("d/caf?") == OnDisk("?")
    assert view.look("d/caf?/menu") == OnDisk("?")
    assert view.look("d/tea?") is None
    assert view.look("none/caf?") is None
    assert view.look("caf?") is None


def test_only_regular_files_are_opened_and_no_link_is_followed(tmp_path):
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "f").write_bytes(b"content")
    (tmp_path / "d" / "l").symlink_to("f")
    (tmp_path / "way").symlink_to("d")
    os.mkfifo(tmp_path / "d" / "fifo")
    descriptor = open_beneath(tmp_path, "d/f")
    assert hash_file(descriptor) == hashlib.sha256(b"content").hexdigest() == hash_file(descriptor)
    os.close(descriptor)
    for path in ("d/l", "way/f", "d/fifo", "d", "none", "d/../d/f", "./d/f", "d//f", str(tmp_path / "d" / "f")):
        with pytest.raises(OSError, match=r".+"):
            open_beneath(tmp_path, path)
    with pytest.raises(OSError, match="no regular file"):
        open_file(tmp_path / "d" / "fifo")
