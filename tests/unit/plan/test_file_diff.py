# SPDX-License-Identifier: GPL-3.0-or-later
"""What counts as a change, how changes add up, and how texts differ."""

from __future__ import annotations

import pytest
from listings import file_of, folder_of

from fleetkeep.model import FileChange, FileStatus
from fleetkeep.plan.file_diff import diff_status, roll_up
from fleetkeep.plan.text_diff import diff_text, is_binary

FILE = file_of(1, 100)


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (FILE, FILE, ()),
        (None, None, ()),
        (None, FILE, ("added",)),
        (FILE, None, ("removed",)),
        (FILE, file_of(2, 100), ("size",)),
        (FILE, file_of(1, 101, changed_us=105), ("modified",)),
        (FILE, file_of(1, 100, changed_us=106), ("inode",)),
        (FILE, file_of(1, 100, mode=0o100600), ("mode",)),
        (FILE, file_of(1, 100, mode=0o100600, changed_us=106), ("mode",)),
        (FILE, file_of(1, 100, mode=0o120644, target="x"), ("type", "target")),
        (FILE, file_of(1, 100, owner="me"), ("owner",)),
        (FILE, file_of(1, 100, gid=7), ("owner",)),
        (folder_of(), folder_of(modified_us=9, changed_us=9), ()),
        (folder_of(), folder_of(mode=0o040700, changed_us=9), ("mode",)),
        (folder_of(), file_of(0, 0), ("type", "mode")),
    ],
)
def test_what_counts(before: FileStatus | None, after: FileStatus | None, words: tuple[str, ...]) -> None:
    assert diff_status(before, after) == words


CHANGES = [
    FileChange(path="motd", after=file_of(1)),
    FileChange(path="etc/ssh/key", before=file_of(10)),
    FileChange(path="etc/ssh/deep/er/key", before=file_of(100), after=file_of(300)),
    FileChange(path="etc/hosts", before=file_of(1_000), after=file_of(900)),
]


@pytest.mark.parametrize(
    ("path", "depth", "folders"),
    [
        ("", 0, [("", 1, 1, 2, 91)]),
        ("", 1, [("", 1, 0, 0, 1), ("etc", 0, 1, 2, 90)]),
        ("", 2, [("", 1, 0, 0, 1), ("etc", 0, 0, 1, -100), ("etc/ssh", 0, 1, 1, 190)]),
        ("etc", 1, [("etc", 0, 0, 1, -100), ("etc/ssh", 0, 1, 1, 190)]),
        ("etc/ssh/key", 1, [("etc/ssh/key", 0, 1, 0, -10)]),
    ],
)
def test_changes_add_up_by_folder(path: str, depth: int, folders: list[tuple[str, int, int, int, int]]) -> None:
    diff = roll_up([change for change in CHANGES if change.path.startswith(path)], path, depth)
    found = [(each.path, each.added, each.removed, each.changed, each.grown_bytes) for each in diff.folders]
    assert found == folders
    assert diff.total.grown_bytes == sum(folder[-1] for folder in folders)


def test_texts_differ_by_line() -> None:
    assert diff_text(b"a\nb\n", b"a\nc", ("x", "y"))[3:] == [" a", "-b", "+c\n\\ No newline at end of file"]
    assert diff_text(b"same", b"same", ("x", "y")) == []
    assert diff_text(b"", b"new\n", ("x", "y"))[3:] == ["+new"]
    assert diff_text(b"caf\xe9\n", b"", ("x", "y"))[3:] == ["-caf\udce9"]
    assert is_binary(b"\x7fELF\0") and not is_binary(b"caf\xe9")
