# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import hashlib
import time
from dataclasses import replace
from pathlib import Path

import pytest

from fleetkeep.agent.items import content_hashes, stream_items
from fleetkeep.borg.process import Cancellation
from fleetkeep.errors import BorgFailed, Cancelled, RepositoryMissing


def stored(path: Path) -> str:
    return str(path).lstrip("/")


def fake_program(path: Path, script: str) -> str:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def test_items_of_a_real_archive(local_access, make_archive, odd_tree):
    make_archive("one", odd_tree)
    items = {item.path: item for item in stream_items(local_access, "local", "one")}
    status = (odd_tree / "sub" / "file3").stat()
    item = items[stored(odd_tree / "sub" / "file3")]
    assert (item.kind, item.size_bytes, item.mode) == ("-", 300, status.st_mode & 0o7777)
    assert abs(item.modified_us - status.st_mtime_ns // 1000) <= 1
    assert abs(item.changed_us - status.st_ctime_ns // 1000) <= 1
    assert items[stored(odd_tree / "set user id")].mode == 0o4755
    assert stored(odd_tree / "new\nline") in items
    assert sum(item.is_hard_link for item in items.values()) == 2
    lossy = [item for item in items.values() if not item.is_faithful]
    assert sorted(Path(item.path).name for item in lossy) == ["caf? latin", "dir?", "in it"]


def test_chosen_paths_only(local_access, make_archive, tree):
    make_archive("one", tree)
    items = list(stream_items(local_access, "local", "one", [stored(tree / "sub")]))
    assert [Path(item.path).name for item in items] == ["sub", "ümläut name"]


def test_hashes_are_those_of_the_content(local_access, make_archive, tree):
    make_archive("one", tree)
    wanted = [stored(tree / "file1"), stored(tree / "file4")]
    assert content_hashes(local_access, "local", "one", wanted) == {
        path: hashlib.sha256(Path("/" + path).read_bytes()).hexdigest() for path in wanted
    }
    assert content_hashes(local_access, "local", "one", []) == {}


def test_a_listing_can_be_left_early(local_access, make_archive, tree):
    make_archive("one", tree)
    items = stream_items(local_access, "local", "one")
    assert next(items).kind == "d"
    items.close()
    assert len(list(stream_items(local_access, "local", "one"))) == 9


def test_a_listing_that_hangs_ends_when_it_is_left_or_cancelled(local_access, tmp_path):
    line = '{"type": "d", "mode": "drwxr-xr-x", "path": "a"}'
    hanging = replace(local_access, program=fake_program(tmp_path / "borg", f"echo '{line}'\nsleep 60"))
    began = time.monotonic()
    items = stream_items(hanging, "local", "one")
    assert next(items).path == "a"
    items.close()
    cancellation = Cancellation()
    items = stream_items(hanging, "local", "one", cancellation=cancellation)
    next(items)
    cancellation.cancel()
    with pytest.raises(Cancelled):
        next(items)
    assert time.monotonic() - began < 4


@pytest.mark.parametrize("script", ["printf '{\"type\": '", "head -c 3000000 /dev/zero", "echo '{\"a\": 1}'; exit 2"])
def test_a_listing_that_is_no_listing_is_one_sentence(local_access, tmp_path, script):
    strange = replace(local_access, program=fake_program(tmp_path / "borg", script))
    with pytest.raises(BorgFailed, match="borg list on repository local"):
        list(stream_items(strange, "local", "one"))


def test_a_repository_that_is_away_is_said(local_access, tmp_path):
    away = replace(local_access, location=str(tmp_path / "nowhere"))
    with pytest.raises(RepositoryMissing):
        list(stream_items(away, "local", "one"))
