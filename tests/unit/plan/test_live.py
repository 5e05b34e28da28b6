# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetkeep.model import FileStatus
from fleetkeep.plan.live import (
    LiveFinding,
    LiveKind,
    LiveReport,
    diff_live,
    is_unchanged,
    judge_added,
    render_live,
    sort_findings,
)

FILE = FileStatus(mode=0o100644, uid=1, gid=1, size=7, modified_us=1000, changed_us=2000)
PROGRAM = FILE.model_copy(update={"mode": 0o100755})
FOLDER = FILE.model_copy(update={"mode": 0o040755, "size": 0})
LINK = FILE.model_copy(update={"mode": 0o120777, "size": 0, "target": "a"})
HARD = FILE.model_copy(update={"size": 0, "target": "first/name"})
SUSPICIOUS, CHANGED = LiveKind.SUSPICIOUS, LiveKind.CHANGED


@pytest.mark.parametrize(
    ("recorded", "changes", "found"),
    [
        (FILE, {}, None),
        (FILE, {"modified_us": 1001, "changed_us": 2001}, None),
        (FILE, {"modified_us": 1002}, (CHANGED, ("modified",))),
        (FILE, {"size": 8, "modified_us": 5000, "changed_us": 6000}, (CHANGED, ("size", "modified"))),
        (FILE, {"changed_us": 2002}, (SUSPICIOUS, ("touched",))),
        (FILE, {"changed_us": 1000}, None),
        (FILE.model_copy(update={"changed_us": 0}), {"changed_us": 9}, None),
        (FILE, {"mode": 0o100600, "changed_us": 9000}, (CHANGED, ("mode",))),
        (FILE, {"uid": 0, "changed_us": 9000}, (CHANGED, ("owner",))),
        (FILE.model_copy(update={"uid": -1, "gid": -1}), {"uid": 0, "gid": 0}, None),
        (PROGRAM, {"mode": 0o104755, "changed_us": 9000}, (SUSPICIOUS, ("set-user-id", "mode"))),
        (PROGRAM, {"mode": 0o102755, "uid": 0}, (SUSPICIOUS, ("set-user-id", "owner", "mode"))),
        (PROGRAM.model_copy(update={"mode": 0o104755}), {"mode": 0o100755}, (CHANGED, ("mode",))),
        (FOLDER, {"size": 4096, "modified_us": 9000, "changed_us": 9000}, None),
        (FOLDER, {"mode": 0o040777}, (CHANGED, ("mode",))),
        (LINK, {"target": "b"}, (CHANGED, ("target",))),
        (LINK, {"changed_us": 9000}, None),
        (LINK, {"mode": 0o100644, "target": ""}, (CHANGED, ("type", "link became file"))),
        (LINK, {"mode": 0o104755, "target": ""}, (SUSPICIOUS, ("type", "link became file"))),
        (HARD, {"size": 7, "target": ""}, None),
        (HARD, {"size": 7, "target": "", "changed_us": 9000}, (SUSPICIOUS, ("touched",))),
    ],
)
def test_what_became_of_a_path(recorded, changes, found):
    assert diff_live(recorded, recorded.model_copy(update=changes)) == found


def test_what_is_gone_and_what_is_new():
    assert diff_live(FILE, None) == (LiveKind.REMOVED, ())
    assert judge_added(FILE) == (LiveKind.ADDED, ())
    assert judge_added(FOLDER.model_copy(update={"mode": 0o042775})) == (LiveKind.ADDED, ())
    assert judge_added(PROGRAM.model_copy(update={"mode": 0o104755})) == (SUSPICIOUS, ("added", "set-user-id"))


@given(st.integers(0, 0o7777), st.integers(0, 0o7777))
def test_rights_that_are_gained_are_always_suspicious_and_none_else_are_missed(before, after):
    recorded = FILE.model_copy(update={"mode": stat.S_IFREG | before})
    found = diff_live(recorded, FILE.model_copy(update={"mode": stat.S_IFREG | after}))
    gained = after & ~before & (stat.S_ISUID | stat.S_ISGID)
    assert (found is None) == (before == after)
    assert (found is not None and found[0] is SUSPICIOUS) == bool(gained)


def test_only_a_regular_file_of_the_same_size_and_time_is_unchanged():
    assert is_unchanged(FILE, FILE.model_copy(update={"changed_us": 9, "modified_us": 999}))
    assert not any(
        is_unchanged(FILE, live)
        for live in (None, FOLDER, FILE.model_copy(update={"size": 8}), FILE.model_copy(update={"modified_us": 5}))
    )


def test_a_report_begins_with_rights_and_hides_no_name():
    found = [
        LiveFinding(path="z", kind=LiveKind.ADDED),
        LiveFinding(path="a", kind=CHANGED, aspects=("size",)),
        LiveFinding(path="b", kind=CHANGED, aspects=("owner",)),
        LiveFinding(path="t", kind=SUSPICIOUS, aspects=("touched",)),
        LiveFinding(path="s\x1b", kind=SUSPICIOUS, aspects=("set-user-id",)),
    ]
    counts = {SUSPICIOUS: 2, CHANGED: 2, LiveKind.ADDED: 1}
    report = LiveReport(archive="one", compared=9, counts=counts, findings=tuple(sort_findings(found)))
    assert [finding.path for finding in report.findings] == ["s\x1b", "t", "b", "a", "z"]
    lines = render_live(report, repr, most=4).splitlines()
    assert lines[0] == "9 paths compared with 'one': 2 suspicious, 2 changed, 1 added"
    assert lines[1] == "  suspicious /'s\\x1b' (set-user-id)"
    assert lines[-1] == "  and 1 more; --json lists up to 10,000"
    assert render_live(LiveReport(archive="one", compared=1)) == "1 path compared with one: nothing changed"
