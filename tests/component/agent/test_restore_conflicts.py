# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of things that are there already, and of owners, attributes and leading folders."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from fleetkeep.agent.restore import plan_restore, run_restore
from fleetkeep.clock import SystemClock
from fleetkeep.errors import (
    NothingMatches,
    PathsCollide,
    PatternRefused,
    ReportRefused,
    RestoreTargetHoldsFiles,
)
from fleetkeep.model import OnConflict, Outcome, OwnerRule, RestoreManner
from fleetkeep.plan.restore import RestoreAction

CLOCK = SystemClock()
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="owners need root")
SUFFIX = r"\.restored-\d{8}T\d{6}Z"

HOSTILE = (b"new\nline", b"caf\xe9 latin", b"-dash", b" spaces ", b"%s{now}", b"back\\slash", b"x" * 255, b"qu?stion")


def stored(path: Path) -> str:
    return str(path).lstrip("/")


@pytest.fixture
def named(tmp_path: Path) -> Path:
    """A folder of files with all kinds of names."""
    folder = tmp_path / "named"
    folder.mkdir()
    for name in (b"plain", *HOSTILE):
        with open(bytes(folder) + b"/" + name, "wb") as file:
            file.write(b"archived " + name[:20])
        os.utime(bytes(folder) + b"/" + name, ns=(10**18, 10**18))
    (folder / "sub").mkdir()
    (folder / "sub" / "below").write_text("archived below")
    return folder


def contents(folder: Path) -> dict[bytes, bytes]:
    found = {}
    for place, _, names in os.walk(bytes(folder)):
        for name in names:
            path = os.path.join(place, name)
            with open(path, "rb") as file:
                found[os.path.relpath(path, bytes(folder))] = file.read()
    return found


def test_skip_and_rename_lose_nothing_that_is_there(local_access, make_archive, named, portrait, tmp_path):
    point = make_archive("one", named)
    archived = contents(named)
    target = tmp_path / "target"
    place = target / stored(named)
    run_restore(local_access, plan_restore(local_access, point.archive, [], target), CLOCK)
    changed = [name for name in archived if name not in (b"plain", b"sub/below")]
    for name in changed:
        with open(bytes(place) + b"/" + name, "wb") as file:
            file.write(b"mine")
    (place / "sub" / "below").unlink()
    (place / "sub").rmdir()
    (place / "sub").write_text("mine, a file")
    before = portrait(target)

    skip = RestoreManner(on_conflict=OnConflict.SKIP)
    plan = plan_restore(local_access, point.archive, [], target, manner=skip, show=None)
    assert plan.counts[RestoreAction.KEEP] == len(changed) + 2
    assert plan.overwritten == 0
    result = run_restore(local_access, plan, CLOCK)
    assert (result.outcome, result.kept) == (Outcome.SUCCEEDED, len(changed) + 2)
    assert portrait(target) == before

    (place / "plain").unlink()
    rename = RestoreManner(on_conflict=OnConflict.RENAME)
    plan = plan_restore(local_access, point.archive, [], target, manner=rename)
    assert plan.counts[RestoreAction.RENAME] == len(changed) + 2
    result = run_restore(local_access, plan, CLOCK)
    assert (result.outcome, result.renamed, result.warnings) == (Outcome.SUCCEEDED, len(changed) + 2, ())
    after = contents(place)
    assert after[b"plain"] == archived[b"plain"]
    assert after[b"sub"] == b"mine, a file"
    assert all(after[name] == b"mine" for name in changed)
    beside = {name: content for name, content in after.items() if b".restored-" in name}
    assert sorted(beside.values()) == sorted([*(archived[name] for name in changed), archived[b"sub/below"]])
    assert any(name.startswith(b"sub.restored-") and name.endswith(b"/below") for name in beside)
    assert not [name for name in os.listdir(target) if name.startswith(".fleetkeep")]


def test_newer_replaces_what_is_older_and_needs_a_yes(local_access, make_archive, named, tmp_path):
    point = make_archive("one", named)
    target = tmp_path / "target"
    place = target / stored(named)
    run_restore(local_access, plan_restore(local_access, point.archive, [], target), CLOCK)
    (place / "plain").write_text("older")
    os.utime(place / "plain", ns=(5**20, 5**20))
    (place / "-dash").write_text("newer")
    newer = RestoreManner(on_conflict=OnConflict.NEWER)
    plan = plan_restore(local_access, point.archive, [], target, manner=newer)
    assert (plan.counts[RestoreAction.OVERWRITE], plan.counts[RestoreAction.KEEP]) == (1, 1)
    with pytest.raises(RestoreTargetHoldsFiles, match="holds 1 of these paths"):
        run_restore(local_access, plan, CLOCK)
    result = run_restore(local_access, plan, CLOCK, consent=True)
    assert (result.items, result.overwritten, result.kept) == (1, 1, 1)
    assert (place / "plain").read_text() == "archived plain"
    assert (place / "-dash").read_text() == "newer"


def test_what_is_put_beside_never_follows_a_link(local_access, make_archive, named, tmp_path):
    point = make_archive("one", named)
    target = tmp_path / "target"
    place = target / stored(named)
    run_restore(local_access, plan_restore(local_access, point.archive, [], target), CLOCK)
    outside = tmp_path / "outside"
    (place / "sub").rename(outside)
    (place / "sub").symlink_to(outside)
    (outside / "below").write_text("mine")
    rename = RestoreManner(on_conflict=OnConflict.RENAME)
    wanted = [str(named / "sub" / "below")]
    result = run_restore(local_access, plan_restore(local_access, point.archive, wanted, target, manner=rename), CLOCK)
    assert result.renamed == 1
    assert contents(outside) == {b"below": b"mine"}
    (beside,) = place.glob("sub.restored-*")
    assert (beside / "below").read_text() == "archived below"


def test_patterns_choose_in_plan_and_restore_alike(local_access, make_archive, named, portrait, tmp_path):
    (named / "sub").chmod(0o751)
    (named / "sub" / "private.conf").write_text("x")
    (named / "sub" / "public.conf").write_text("y")
    point = make_archive("one", named)
    target = tmp_path / "target"
    plan = plan_restore(
        local_access,
        point.archive,
        [str(named / "plain")],
        target,
        patterns=["sh:**/*.conf"],
        excludes=["re:private"],
        show=None,
    )
    assert {change.path.rpartition("/")[2] for change in plan.changes} == {"plain", "public.conf"}
    result = run_restore(local_access, plan, CLOCK)
    assert (result.outcome, result.files) == (Outcome.SUCCEEDED, 2)
    assert set(contents(target / stored(named))) == {b"plain", b"sub/public.conf"}
    assert (target / stored(named) / "sub").stat().st_mode & 0o777 == 0o751

    for pattern, wanted in (("sh:**/*.nothing", []), ("sh:**/*.nothing", [str(named / "plain")])):
        with pytest.raises(NothingMatches, match=r"sh:\*\*/\*\.nothing"):
            plan_restore(local_access, point.archive, wanted, target, patterns=[pattern])
    for pattern in ("re:(", "xx:a", ""):
        with pytest.raises(PatternRefused):
            plan_restore(local_access, point.archive, [], target, patterns=[pattern])


def test_stripped_folders_and_their_collisions(local_access, make_archive, tmp_path):
    for name in ("a", "b"):
        (tmp_path / name / "sub").mkdir(parents=True)
        (tmp_path / name / "sub" / f"only {name}").write_text(name)
    point = make_archive("one", tmp_path / "a", tmp_path / "b")
    components = len(Path(stored(tmp_path / "a")).parts)
    target = tmp_path / "target"
    manner = RestoreManner(strip_components=components)
    plan = plan_restore(local_access, point.archive, [], target, manner=manner, show=None)
    assert plan.stripped == 2
    assert {change.path for change in plan.changes} == {"sub", "sub/only a", "sub/only b"}
    assert run_restore(local_access, plan, CLOCK).outcome is Outcome.SUCCEEDED
    assert contents(target) == {b"sub/only a": b"a", b"sub/only b": b"b"}

    (tmp_path / "b" / "sub" / "only a").write_text("another")
    point = make_archive("two", tmp_path / "a", tmp_path / "b")
    with pytest.raises(PathsCollide, match="b/sub/only a gets the same path"):
        plan_restore(local_access, point.archive, [], target, manner=manner)


@root_only
def test_owners_attributes_and_holes(local_access, make_archive, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    theirs = folder / "theirs"
    theirs.write_text("x")
    with (folder / "sparse").open("wb") as file:
        file.truncate(20_000_000)
    os.setxattr(theirs, "user.colour", b"blue")
    subprocess.run(["setfacl", "-m", "u:12345:rw", str(theirs)], check=True)
    os.chown(theirs, 4711, 4712)
    point = make_archive("one", folder)
    seen = {}
    for name, manner in (
        ("kept", RestoreManner()),
        ("bare", RestoreManner(acls=False, xattrs=False, flags=False, sparse=False, owner=OwnerRule.NUMERIC)),
        ("none", RestoreManner(owner=OwnerRule.NONE)),
    ):
        target = tmp_path / name
        plan = plan_restore(local_access, point.archive, [], target, manner=manner)
        assert run_restore(local_access, plan, CLOCK).outcome is Outcome.SUCCEEDED
        path = target / stored(theirs)
        sparse = (target / stored(folder) / "sparse").stat()
        seen[name] = (path.stat().st_uid, sorted(os.listxattr(path)), sparse.st_blocks * 512 < sparse.st_size)
    both = ["system.posix_acl_access", "user.colour"]
    assert seen == {"kept": (4711, both, True), "bare": (4711, [], False), "none": (0, both, True)}


def test_the_report_has_a_line_with_a_hash_for_each_file(local_access, make_archive, named, tmp_path):
    point = make_archive("one", named)
    target, report = tmp_path / "target", tmp_path / "report"
    (target / stored(named)).mkdir(parents=True)
    (target / stored(named) / "plain").write_text("mine")
    manner = RestoreManner(on_conflict=OnConflict.RENAME)
    plan = plan_restore(local_access, point.archive, [], target, manner=manner)
    result = run_restore(local_access, plan, CLOCK, report=report, verify=True)
    assert (result.outcome, result.hashed, result.compared, result.differing) == (Outcome.SUCCEEDED, 10, 10, 0)
    assert report.stat().st_mode & 0o777 == 0o600
    head, *lines, last = map(json.loads, report.read_text().splitlines())
    assert head["archive_id"] == point.archive.id
    assert last["result"]["files"] == 10
    by_path = {os.fsencode(line["path"]): line for line in lines}
    assert len(by_path) == 12
    plain = by_path[os.fsencode(stored(named / "plain"))]
    assert (plain["action"], plain["as_archived"]) == ("renamed", True)
    assert ".restored-" in plain["place"]
    assert by_path[os.fsencode(stored(named)) + b"/caf\xe9 latin"]["action"] == "created"
    assert all(len(line["sha256"]) == 64 for line in lines if line["kind"] == "-")

    report.unlink()
    report.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ReportRefused):
        run_restore(local_access, plan, CLOCK, report=report)
    assert not (tmp_path / "elsewhere").exists()


def test_verify_finds_what_is_not_as_archived(local_access, make_archive, named, tmp_path):
    point = make_archive("one", named)
    target = tmp_path / "target"
    run_restore(local_access, plan_restore(local_access, point.archive, [], target), CLOCK)
    victim = target / stored(named) / "plain"
    when = victim.stat().st_mtime_ns
    victim.write_text("archived plaIn")
    os.utime(victim, ns=(when, when))
    manner = RestoreManner(on_conflict=OnConflict.SKIP)
    plan = plan_restore(local_access, point.archive, [], target, manner=manner)
    result = run_restore(local_access, plan, CLOCK, verify=True)
    assert (result.outcome, result.compared, result.differing) == (Outcome.FAILED, 10, 1)
