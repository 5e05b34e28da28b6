# SPDX-License-Identifier: GPL-3.0-or-later
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetkeep.borg.items import ArchiveItem
from fleetkeep.plan.restore import (
    OnDisk,
    RestoreAction,
    RestoreChange,
    RestorePlan,
    Tally,
    diff_item,
    is_below,
    normalize_paths,
    parse_moment,
    render_restore_plan,
)

NOW = datetime(2026, 11, 21, 12, tzinfo=timezone.utc)
FILE = ArchiveItem(path="etc/hosts", kind="-", mode=0o644, size_bytes=10, modified_us=5_000_000)
FOLDER = ArchiveItem(path="etc", kind="d", mode=0o755, modified_us=1)
LINK = ArchiveItem(path="etc/link", kind="l", mode=0o777, link_target="hosts", modified_us=1)
FURTHER = ArchiveItem(path="etc/same", kind="-", mode=0o644, link_target="etc/hosts", modified_us=5_000_000)
LOSSY = ArchiveItem(path="etc/caf?", kind="-", mode=0o644)

ROWS = [
    (FILE, None, RestoreAction.CREATE, ""),
    (FILE, OnDisk("-", 0o644, 10, 5_000_000), RestoreAction.SAME, ""),
    (FILE, OnDisk("-", 0o644, 10, 5_000_001), RestoreAction.SAME, ""),
    (FILE, OnDisk("-", 0o644, 10, 6_000_000), RestoreAction.OVERWRITE, "newer is there"),
    (FILE, OnDisk("-", 0o644, 10, 4_000_000), RestoreAction.OVERWRITE, "older is there"),
    (FILE, OnDisk("-", 0o644, 2000, 5_000_000), RestoreAction.OVERWRITE, "2,000 bytes become 10"),
    (FILE, OnDisk("-", 0o600, 10, 5_000_000), RestoreAction.OVERWRITE, "mode 0600 becomes 0644"),
    (FILE, OnDisk("d", 0o755), RestoreAction.CONFLICT, "a folder is there, the archive has a file"),
    (FILE, OnDisk("l", blocked_by="etc"), RestoreAction.CONFLICT, "etc is a symbolic link, not a folder"),
    (FOLDER, OnDisk("d", 0o700), RestoreAction.SAME, ""),
    (FOLDER, OnDisk("l"), RestoreAction.CONFLICT, "a symbolic link is there, the archive has a folder"),
    (LINK, OnDisk("l", 0o777, link_target="hosts"), RestoreAction.SAME, ""),
    (LINK, OnDisk("l", 0o777, link_target="other"), RestoreAction.OVERWRITE, "target"),
    (FURTHER, OnDisk("-", 0o644, 77, 5_000_000), RestoreAction.SAME, ""),
    (LOSSY, None, RestoreAction.CREATE, ""),
    (LOSSY, OnDisk("?"), RestoreAction.UNCLEAR, "its name cannot be listed exactly, and one like it is there"),
]


@pytest.mark.parametrize(("item", "now", "action", "reason"), ROWS)
def test_what_happens_to_a_path(item, now, action, reason):
    assert diff_item(item, now) == RestoreChange(path=item.path, action=action, reason=reason)


def test_a_tally_counts_all_and_shows_few():
    tally = Tally(show=2)
    for number in range(5):
        item = ArchiveItem(path=f"d/{number}", kind="-", mode=0o644, size_bytes=3, archive_id="a1")
        tally.add(item, diff_item(item, None))
    tally.add(FOLDER, diff_item(FOLDER, OnDisk("d")))
    assert (tally.items, tally.files, tally.size_bytes, tally.archive_id) == (6, 5, 15, "a1")
    assert tally.counts == {RestoreAction.CREATE: 5, RestoreAction.SAME: 1}
    assert [change.path for change in tally.changes] == ["d/0", "d/1"]


def test_a_tally_shows_what_endangers_data_first():
    tally = Tally(show=None)
    for item, now, _, _ in ROWS:
        tally.add(item, diff_item(item, now))
    actions = [change.action for change in tally.changes]
    assert actions == sorted(actions, key=list(RestoreAction).index)
    assert RestoreAction.SAME not in actions
    assert len(actions) == sum(row[2] is not RestoreAction.SAME for row in ROWS)


@pytest.mark.parametrize("path", ["", "..", "../etc", "/etc/../shadow", "a/..", "a\0b"])
def test_a_path_that_leads_upwards_is_refused(path):
    with pytest.raises(ValueError, match=r".*"):
        normalize_paths(["etc", path])


def test_names_that_only_look_like_dots_are_fine():
    assert normalize_paths(["/a/..b/...", "a\nb", "caf\udce9"]) == ("a/..b/...", "a\nb", "caf\udce9")


@given(st.lists(st.text(alphabet="ab/.", min_size=1)))
def test_stored_paths_never_leave_the_target(paths):
    try:
        stored = normalize_paths(paths)
    except ValueError:
        return
    for path in stored:
        assert not path.startswith("/")
        assert ".." not in path.split("/")
        assert normalize_paths([path]) == (path,)


def test_a_path_is_below_itself_and_its_folders_only():
    assert is_below("etc", "etc")
    assert is_below("etc/a/b", "etc/a")
    assert not is_below("etc", "etc/a")
    assert not is_below("etc-old/a", "etc")


BERLIN = ZoneInfo("Europe/Berlin")
MOMENTS = [
    ("2026-11-20", BERLIN, datetime(2026, 11, 20, 22, 59, 59, 999999, tzinfo=timezone.utc)),
    ("2026-11-20T14:30", BERLIN, datetime(2026, 11, 20, 13, 30, tzinfo=timezone.utc)),
    ("2026-11-20 14:30:05", BERLIN, datetime(2026, 11, 20, 13, 30, 5, tzinfo=timezone.utc)),
    ("2026-07-20T14:30", BERLIN, datetime(2026, 7, 20, 12, 30, tzinfo=timezone.utc)),
    ("2026-11-20T14:30Z", BERLIN, datetime(2026, 11, 20, 14, 30, tzinfo=timezone.utc)),
    ("2026-11-20T14:30-05:00", None, datetime(2026, 11, 20, 19, 30, tzinfo=timezone.utc)),
    (" 1d2h ", None, NOW - timedelta(hours=26)),
]


@pytest.mark.parametrize(("text", "zone", "moment"), MOMENTS)
def test_a_moment_as_a_person_writes_it(text, zone, moment):
    assert parse_moment(text, NOW, zone) == moment


@pytest.mark.parametrize("text", ["", "noon", "2026-13-01", "26", "20/11/2026"])
def test_anything_else_is_no_moment(text):
    with pytest.raises(ValueError, match="is no moment"):
        parse_moment(text, NOW)


def test_a_plan_reads_well():
    plan = RestorePlan(
        archive="web1-system",
        repository="local",
        target="/",
        items=26,
        files=25,
        size_bytes=2_500_000,
        free_bytes=1_000,
        counts={RestoreAction.OVERWRITE: 23, RestoreAction.SAME: 2, RestoreAction.CONFLICT: 1},
        changes=(
            RestoreChange(path="etc/a\x1b", action=RestoreAction.CONFLICT, reason="a folder is there"),
            RestoreChange(path="etc/b", action=RestoreAction.OVERWRITE, reason="newer is there"),
        ),
    )
    assert plan.overwritten == 24
    assert render_restore_plan(plan, show=lambda text: text.replace("\x1b", "<ESC>")).splitlines() == [
        "26 items, 2.5 MB, from web1-system to /",
        "  of another type than what is there: 1",
        "    etc/a<ESC>  (a folder is there)",
        "  would be overwritten: 23",
        "    etc/b  (newer is there)",
        "    and 22 more; --json lists all",
        "  there already, with the same size, time and mode: 2",
        "  The content is 2.5 MB, but only 1.0 kB are free there.",
    ]
