# SPDX-License-Identifier: GPL-3.0-or-later
"""Contents and names as the browser shows them: whatever they hold, they are lines that drive nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from builders import NOW
from hypothesis import given
from hypothesis import strategies as st
from rich.text import Text

from fleetkeep.agent.beginning import FileContent
from fleetkeep.model import FileEntry, FileState, FileStatus
from fleetkeep.terminal.content import compare, content_lines, is_text, pick_pair
from fleetkeep.terminal.listing import ListedFiles
from fleetkeep.terminal.rows import entry_cells, inert


def status(size: int = 5, mode: int = 0o100644, modified: int = 0, target: str = "") -> FileStatus:
    return FileStatus(
        mode=mode, uid=0, gid=0, owner="root", size=size, modified_us=modified, changed_us=0, target=target
    )


def state(**changes: object) -> FileState:
    return FileState(
        client="web1",
        job="system",
        path="etc/motd",
        status=status(**changes),  # type: ignore[arg-type]
        repositories=("disk",),
        first_archive="one",
        last_archive="one",
        first_seen_at=NOW,
        last_seen_at=NOW + timedelta(days=1),
        archives=2,
        is_present=True,
    )


def whole(data: bytes) -> FileContent:
    return FileContent(data=data, is_whole=True)


@given(st.binary(max_size=3_000), st.booleans())
def test_any_content_becomes_lines_that_drive_nothing(data, is_whole):
    lines = content_lines(FileContent(data=data, is_whole=is_whole))
    assert lines
    assert all(line.isprintable() for line in lines)


@given(st.binary(min_size=1, max_size=200).filter(lambda name: b"/" not in name and b"\0" not in name))
def test_any_name_becomes_one_line_that_drives_nothing(name):
    path = f"etc/{name.decode('utf-8', 'surrogateescape')}"
    cells = entry_cells(FileEntry(path=path, status=status(mode=0o120777, target=path)), is_marked=True)
    assert all(isinstance(cell, Text) and cell.plain.isprintable() for cell in cells)


def test_a_long_name_keeps_both_ends():
    assert len(inert("a" * 5_000 + "end").plain) < 500
    assert inert("a" * 5_000 + "end").plain.endswith("end")


@pytest.mark.parametrize(
    ("data", "expected"),
    [(b"hello\n", True), ("gr\u00fc\u00df\n".encode() * 10, True), (b"caf\xe9\n", True), (b"\x7fELF\0", False)],
)
def test_what_is_text(data, expected):
    assert is_text(data) is expected


def test_text_is_cut_and_says_so():
    lines = content_lines(FileContent(data=b"a\tb\r\n" + b"x" * 5_000 + b"\n", is_whole=False))
    assert lines[0] == "a       b"
    assert lines[1].endswith("... (5,000 characters)")
    assert lines[-1].startswith("--- only the first 5.0 kB are shown")
    assert content_lines(whole(b"")) == ["(empty)"]


def test_two_versions_are_compared_by_what_they_are_and_by_their_lines():
    older, newer = state(size=4), state(size=8, modified=60_000_000, mode=0o100600)
    lines = compare(older, newer, (whole(b"one\nsame\n"), whole(b"two\nsame\n")))
    assert "size: 4 bytes became 8 bytes" in lines
    assert "mode: 100644 became 100600" in lines
    assert lines[-3:] == ["-one", "+two", " same"]
    same = compare(older, newer, (whole(b"x"), whole(b"x")))
    assert same[-1].startswith("The content is the same: SHA-256 2d711642b726b044")
    binary = compare(older, newer, (whole(b"\0a"), whole(b"\0b")))
    assert binary[-3] == "The content differs and is no text:"
    assert compare(older, older, None)[-1] == "Nothing that the catalog knows differs."


@pytest.mark.parametrize(
    ("marked", "cursor", "expected"),
    [([], 0, (1, 0)), ([], 2, None), ([2], 0, (2, 0)), ([0, 2], 1, (2, 0)), ([1], 1, (2, 1)), ([0], 2, (2, 0))],
)
def test_which_two_versions_are_meant(marked, cursor, expected):
    assert pick_pair([state()] * 3, marked, cursor) == expected


def test_a_listing_knows_the_folders_above_its_sources():
    from fleetkeep.borg.items import ArchiveItem
    from fleetkeep.errors import ListingTooLong, PathNotInArchive

    items = [ArchiveItem("srv/www", "d", 0o755), ArchiveItem("srv/www/index", "-", 0o644, size_bytes=7)]
    listed = ListedFiles("web1-one", items)
    assert [(entry.path, entry.status) for entry in listed.list_folder("")] == [("srv", None)]
    (file,) = listed.list_folder("srv/www")
    assert (file.name, file.status.size if file.status else None) == ("index", 7)
    with pytest.raises(PathNotInArchive):
        listed.list_folder("etc")
    with pytest.raises(ListingTooLong, match="more than 1 entries"):
        ListedFiles("web1-one", items, most=1)
