# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetkeep.borg.items import ArchiveItem
from fleetkeep.model import OnConflict
from fleetkeep.plan.restore import OnDisk, RestoreAction
from fleetkeep.plan.restore_choice import (
    NAME_BYTES,
    Choice,
    CollisionWatch,
    beside_name,
    choose,
    is_restored,
    strip_path,
)

FILE = ArchiveItem(path="srv/etc/hosts", kind="-", mode=0o644, size_bytes=10, modified_us=5_000_000, is_exact=True)
FOLDER = ArchiveItem(path="srv/etc/hosts", kind="d", mode=0o755, is_exact=True)
LOSSY = ArchiveItem(path="srv/caf?", kind="-", mode=0o644)
PLACE = "etc/hosts"

SAME = OnDisk("-", 0o644, 10, 5_000_000)
OLDER = OnDisk("-", 0o644, 10, 4_000_000)
NEWER = OnDisk("-", 0o644, 10, 6_000_000)
OTHER_MODE = OnDisk("-", 0o600, 10, 5_000_000)
LINK = OnDisk("l")
BLOCKED = OnDisk("l", blocked_by="etc")

W, S, N, R = OnConflict.OVERWRITE, OnConflict.SKIP, OnConflict.NEWER, OnConflict.RENAME
A = RestoreAction

# item, what is there, policy -> action, written, unit
ROWS = [
    *((FILE, None, policy, A.CREATE, True, "") for policy in OnConflict),
    (FILE, SAME, W, A.SAME, True, ""),
    *((FILE, SAME, policy, A.SAME, False, "") for policy in (S, N, R)),
    (FILE, OLDER, W, A.OVERWRITE, True, ""),
    (FILE, OLDER, S, A.KEEP, False, ""),
    (FILE, OLDER, N, A.OVERWRITE, True, ""),
    (FILE, OLDER, R, A.RENAME, True, PLACE),
    (FILE, NEWER, W, A.OVERWRITE, True, ""),
    (FILE, NEWER, N, A.KEEP, False, ""),
    (FILE, OTHER_MODE, N, A.KEEP, False, ""),
    (FILE, LINK, W, A.CONFLICT, True, ""),
    (FILE, LINK, N, A.KEEP, False, ""),
    (FILE, LINK, R, A.RENAME, True, PLACE),
    (FILE, BLOCKED, W, A.CONFLICT, True, ""),
    (FILE, BLOCKED, S, A.KEEP, False, ""),
    (FILE, BLOCKED, R, A.RENAME, True, "etc"),
    (FOLDER, OnDisk("d"), S, A.SAME, False, ""),
    (FOLDER, LINK, R, A.RENAME, True, PLACE),
    (LOSSY, OnDisk("?"), W, A.UNCLEAR, True, ""),
    *((LOSSY, OnDisk("?"), policy, A.KEEP, False, "") for policy in (S, N, R)),
]


@pytest.mark.parametrize(("item", "now", "policy", "action", "written", "unit"), ROWS)
def test_what_becomes_of_an_item(item, now, policy, action, written, unit):
    choice = choose(item, PLACE if item is not LOSSY else item.path, now, policy)
    assert (choice.action, choice.is_written, choice.unit) == (action, written, unit)
    assert bool(choice.reason) is (action not in (A.CREATE, A.SAME))


@pytest.mark.parametrize("policy", [S, R])
@pytest.mark.parametrize("now", [None, SAME, OLDER, NEWER, OTHER_MODE, LINK, BLOCKED])
def test_skip_and_rename_never_write_over_anything(policy, now):
    choice = choose(FILE, PLACE, now, policy)
    assert not choice.is_written or choice.unit or now is None


@pytest.mark.parametrize(("now", "expected"), [(SAME, True), (OLDER, False), (OTHER_MODE, False), (None, False)])
def test_a_file_is_restored_when_size_time_and_mode_are_right(now, expected):
    assert is_restored(choose(FILE, PLACE, None, W), now) is expected


def test_what_is_kept_and_folders_are_never_taken_as_restored():
    assert not is_restored(choose(FILE, PLACE, SAME, S), SAME)
    assert not is_restored(choose(FOLDER, PLACE, None, S), OnDisk("d", 0o755))


@given(st.text(min_size=1), st.sampled_from(list(OnConflict)))
def test_a_choice_survives_being_written_down(path, policy):
    item = ArchiveItem(path=path + "\udcff\n", kind="-", mode=0o644, size_bytes=3, is_exact=True)
    choice = choose(item, item.path, NEWER, policy)
    assert Choice.from_record(json.loads(json.dumps(choice.to_record()))) == choice


@pytest.mark.parametrize(
    ("path", "components", "left"), [("a", 0, "a"), ("a/b/c", 1, "b/c"), ("a/b", 2, ""), ("a", 5, "")]
)
def test_leading_folders_come_off(path, components, left):
    assert strip_path(path, components) == left


@given(st.binary(min_size=1, max_size=NAME_BYTES).filter(lambda name: not {0, 47} & set(name)))
def test_a_name_beside_fits_and_keeps_its_beginning(raw):
    name, suffix = os.fsdecode(raw), ".restored-20261125T041500Z"
    beside = beside_name(name, suffix)
    assert len(os.fsencode(beside)) <= NAME_BYTES
    assert beside.endswith(suffix)
    kept = beside.removesuffix(suffix)
    assert kept == name or name.startswith(kept.rpartition("~")[0])


def test_long_names_that_differ_at_the_end_stay_apart():
    assert beside_name("x" * 254 + "a", ".new") != beside_name("x" * 254 + "b", ".new")


COLLISIONS = [
    ([("a", False), ("b", False)], False),
    ([("a", False), ("a", False)], True),
    ([("a", True), ("a", True)], False),
    ([("a", True), ("a", False)], True),
    ([("a", False), ("a", True)], True),
    ([("a/b", False), ("a", False)], True),
    ([("a", False), ("a/b", False)], True),
    ([("a/b", False), ("a", True)], False),
]


@pytest.mark.parametrize(("places", "collides"), COLLISIONS)
def test_only_folders_may_meet(places, collides):
    watch = CollisionWatch()
    *before, last = places
    assert not any(watch.collides(place, is_folder=is_folder) for place, is_folder in before)
    assert watch.collides(last[0], is_folder=last[1]) is collides
