# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import hashlib
import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from fleetkeep.agent.items import content_hashes, stream_items
from fleetkeep.borg import interpreter
from fleetkeep.borg.items import lossy_name
from fleetkeep.borg.process import Cancellation
from fleetkeep.errors import BorgFailed, Cancelled, RepositoryMissing


def stored(path: Path) -> str:
    return str(path).lstrip("/")


def walk(folder: bytes) -> list[bytes]:
    """A folder and all below it, as stored paths."""
    found = [folder]
    for parent, folders, files in os.walk(folder):
        found += [os.path.join(parent, name) for name in (*folders, *files)]
    return [path.lstrip(b"/") for path in found]


def fake_program(path: Path, script: str) -> str:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def test_items_of_a_real_archive(local_access, make_archive, odd_tree):
    make_archive("one", odd_tree)
    items = {item.path: item for item in stream_items(local_access, "local", "one")}
    on_disk = {os.fsdecode(path) for path in walk(os.fsencode(odd_tree))}
    assert {item.path for item in items.values()} == on_disk
    for path, item in items.items():
        status = os.lstat("/" + path)
        assert item.status_mode == status.st_mode
        assert (item.uid, item.gid, item.owner, item.group) == (0, 0, "root", "root")
        assert abs(item.modified_us - status.st_mtime_ns // 1000) <= 1
        assert abs(item.changed_us - status.st_ctime_ns // 1000) <= 1
        assert item.is_exact
        assert item.size_bytes == (status.st_size if item.is_file or item.kind == "l" else 0)
    assert sum(item.is_hard_link for item in items.values()) == 2


def test_a_printed_listing_says_the_same_as_far_as_it_can(local_access, printed, make_archive, odd_tree):
    make_archive("one", odd_tree)
    exact = list(stream_items(local_access, "local", "one"))
    listed = list(stream_items(printed, "local", "one"))
    assert listed == [
        replace(item, is_exact=False, path=lossy_name(item.path), link_target=lossy_name(item.link_target))
        for item in exact
    ]
    lossy = [item for item in listed if not item.is_faithful]
    assert sorted(Path(item.path).name for item in lossy) == ["caf? latin", "dir?", "in it"]


def test_hashes_have_exact_names(local_access, printed, make_archive, odd_tree):
    make_archive("one", odd_tree)
    name = os.fsdecode(bytes(odd_tree).lstrip(b"/") + b"/caf\xe9 latin")
    digest = hashlib.sha256(Path("/" + name).read_bytes()).hexdigest()
    assert content_hashes(local_access, "local", "one", [name]) == {name: digest}
    assert content_hashes(printed, "local", "one", [name]) == {lossy_name(name): digest}


def test_a_borg_of_unknown_internals_is_listened_to_instead(local_access, make_archive, tree, monkeypatch, tmp_path):
    """As a release that changes its internals would be: what runs inside refuses, and the printed listing counts."""
    make_archive("one", tree)
    ahead = tmp_path / "inside_borg.py"
    ahead.write_text(interpreter.INSIDE.read_text().replace("((1, 4, 0), (1, 5, 0))", "((9, 0, 0), (9, 1, 0))"))
    monkeypatch.setattr(interpreter, "INSIDE", ahead)
    items = list(stream_items(local_access, "local", "one"))
    assert len(items) == 9
    assert not any(item.is_exact for item in items)
    assert len(content_hashes(local_access, "local", "one", [stored(tree / "file1")])) == 1


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
