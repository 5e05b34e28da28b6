# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from fleetkeep.agent.live import LivePlace, compare_catalog, compare_live, entries_of, spot_check
from fleetkeep.borg.process import Cancellation
from fleetkeep.errors import ArchiveReplaced, Cancelled
from fleetkeep.model import FileEntry, Job
from fleetkeep.plan.live import LiveKind, LiveReport
from fleetkeep.plan.sample import SampleRule


@pytest.fixture
def place(local_access, make_archive, odd_tree) -> LivePlace:
    return LivePlace(access=local_access, point=make_archive("one", odd_tree))


@pytest.fixture
def entries(place) -> list[FileEntry]:
    return list(entries_of(place.items()))


@pytest.fixture
def job(odd_tree) -> Job:
    sources = {"paths": [str(odd_tree)], "exclude": ["*.tmp"]}
    return Job.model_validate(
        {"name": "system", "sources": sources, "repositories": ["local"], "retention": {"daily": 7}}
    )


def found(report: LiveReport, tree: Path) -> dict[str, tuple[str, tuple[str, ...]]]:
    prefix = str(tree).lstrip("/") + "/"
    return {item.path.removeprefix(prefix): (item.kind.value, item.aspects) for item in report.findings}


def overwrite_unseen(path: Path) -> None:
    """Other content under the same size and time of modification, as ``touch -r`` makes it."""
    before = path.stat()
    content = bytearray(path.read_bytes())
    content[0] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


# --- disk ---


def test_an_odd_tree_that_nobody_touched_is_unchanged(place, entries, job):
    report = compare_live(place, entries, job=job)
    assert report.findings == ()
    assert (report.compared, report.unreadable, report.counts) == (len(entries), 0, {})


def test_every_change_is_found_and_named_for_what_it_is(place, entries, job, odd_tree):
    (odd_tree / "sub/file1").write_text("other")
    (odd_tree / "sub/file2").unlink()
    (odd_tree / "new file").write_text("new")
    (odd_tree / "left out.tmp").write_text("x")
    os.mkdir(bytes(odd_tree) + b"/new\xff")
    (odd_tree / "sub/file4").chmod(0o4755)
    (odd_tree / "sub/file5").chmod(0o600)
    os.chown(odd_tree / "sub/file6", 12, 34)
    (odd_tree / "armed").write_text("#!/bin/sh\n")
    (odd_tree / "armed").chmod(0o4755)
    overwrite_unseen(odd_tree / "sub/file9")
    (odd_tree / "link").unlink()
    (odd_tree / "link").symlink_to("sub/file10")
    report = compare_live(place, entries, job=job)
    names = found(report, odd_tree)
    touched_link = names.pop("link")
    assert touched_link == ("changed", ("target",))
    assert names == {
        "sub/file4": ("suspicious", ("set-user-id", "mode")),
        "armed": ("suspicious", ("added", "set-user-id")),
        "sub/file9": ("suspicious", ("touched",)),
        "sub/file1": ("changed", ("size", "modified")),
        "sub/file5": ("changed", ("mode",)),
        "sub/file6": ("changed", ("owner",)),
        "sub/file2": ("removed", ()),
        "new file": ("added", ()),
        "new?": ("added", ()),
    }
    assert report.counts == {
        LiveKind.SUSPICIOUS: 3,
        LiveKind.CHANGED: 4,
        LiveKind.REMOVED: 1,
        LiveKind.ADDED: 2,
    }
    below = compare_live(place, entries, job=job, below=f"{odd_tree}/sub".lstrip("/"))
    assert set(found(below, odd_tree)) == {name for name in names if name.startswith("sub/")}


def test_what_was_touched_is_read_and_only_what_differs_stays_suspicious(place, entries, odd_tree):
    overwrite_unseen(odd_tree / "sub/file9")
    harmless = odd_tree / "sub/file10"
    harmless.chmod(0o600)
    harmless.chmod(0o644)
    os.utime(harmless, ns=(1, harmless.stat().st_mtime_ns))
    report = compare_live(place, entries, content=True)
    assert found(report, odd_tree) == {"sub/file9": ("suspicious", ("touched", "content"))}
    assert report.touched_same == 1
    without = compare_live(place, entries)
    assert {path for path, (kind, _) in found(without, odd_tree).items() if kind == "suspicious"} == {
        "sub/file9",
        "sub/file10",
    }


def test_it_stops_when_it_is_asked_to_and_refuses_another_archive_of_the_name(place, entries):
    cancellation = Cancellation()
    cancellation.cancel()
    with pytest.raises(Cancelled, match="The verification was cancelled"):
        compare_live(LivePlace(place.access, place.point, cancellation=cancellation), entries)
    other = place.point.model_copy(update={"archive": place.point.archive.model_copy(update={"id": "0" * 64})})
    with pytest.raises(ArchiveReplaced):
        list(LivePlace(place.access, other).items())


# --- catalog ---


def test_a_catalog_that_agrees_agrees(place, entries):
    difference = compare_catalog(place, entries)
    assert difference.counts == (0, 0, 0)
    assert difference.items == difference.entries == len(entries)


def test_what_is_missing_extra_or_different_is_named(place, entries):
    gone, changed, *rest = entries
    assert changed.status is not None
    other = changed.model_copy(update={"status": changed.status.model_copy(update={"uid": 4711})})
    extra = changed.model_copy(update={"path": "never/there"})
    difference = compare_catalog(place, [other, extra, *rest])
    assert difference.counts == (1, 1, 1)
    assert (difference.missing, difference.extra, difference.differing) == (
        (gone.path,),
        ("never/there",),
        (changed.path,),
    )


# --- spot ---


def test_unchanged_files_are_compared_by_content_and_silent_corruption_is_found(place, odd_tree):
    time.sleep(0.05)
    good = spot_check(place, "seed", SampleRule(files=100))
    assert good.differing == good.unreadable == ()
    assert good.compared == good.population > 20
    overwrite_unseen(odd_tree / "sub/file9")
    (odd_tree / "sub/file8").write_text("changed in good order")
    time.sleep(0.05)
    bad = spot_check(place, "seed", SampleRule(files=100))
    assert bad.differing == (f"{odd_tree}/sub/file9".lstrip("/"),)
    assert bad.population == good.population - 1
    few = spot_check(place, "seed", SampleRule(files=5))
    assert few.compared == 5
