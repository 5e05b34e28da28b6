# SPDX-License-Identifier: GPL-3.0-or-later
"""The messages are what Borg 1.4.5 printed."""

from __future__ import annotations

from fleetkeep.borg.events import FileStatus, LogMessage
from fleetkeep.model import FileWarning
from fleetkeep.plan.file_warnings import MOST_WARNINGS, FileWarnings


def warning(message: str, code: str = "BackupIOError") -> LogMessage:
    return LogMessage("WARNING", message, code, "borg.archiver")


def test_a_missing_path_is_named() -> None:
    found = FileWarnings()
    taken = found.take(
        warning("/root/x: stat: [Errno 2] No such file or directory: '/root/x'", "BackupFileNotFoundError")
    )
    assert taken == FileWarning(
        path="/root/x", message="stat: [Errno 2] No such file or directory: '/root/x'", code="BackupFileNotFoundError"
    )
    assert found.kept == (taken,)


def test_the_status_tells_where_a_path_with_a_colon_ends() -> None:
    found = FileWarnings()
    found.take(warning("/a: b/c: read: [Errno 5] Input/output error"))
    found.take(FileStatus("E", "/a: b/c"))
    assert found.kept == (
        FileWarning(path="/a: b/c", message="read: [Errno 5] Input/output error", code="BackupIOError"),
    )
    assert found.count == 1


def test_the_status_of_another_file_changes_nothing() -> None:
    found = FileWarnings()
    found.take(FileStatus("C", "/early"))
    found.take(warning("/a: read: bad"))
    found.take(FileStatus("C", "/b"))
    assert found.kept[0].path == "/a"


def test_other_messages_are_no_warnings_about_files() -> None:
    found = FileWarnings()
    for message in (
        LogMessage("WARNING", "Remote: banner", "", "root"),
        LogMessage("ERROR", "x: y", "BackupIOError", "borg.archiver"),
        LogMessage("INFO", "x", "", "stderr"),
    ):
        assert found.take(message) is None
    assert found.count == 0


def test_a_text_without_a_path_is_kept_whole() -> None:
    found = FileWarnings()
    found.take(warning("Include pattern 'x' never matched.", "IncludePatternNeverMatchedWarning"))
    assert found.kept[0].message == "Include pattern 'x' never matched."


def test_all_are_counted_and_the_first_are_kept() -> None:
    found = FileWarnings()
    for number in range(MOST_WARNINGS + 5):
        found.take(warning(f"/{number}: read: bad"))
        found.take(FileStatus("E", f"/{number}"))
    assert found.count == MOST_WARNINGS + 5
    assert len(found.kept) == MOST_WARNINGS
    assert found.kept[-1].path == f"/{MOST_WARNINGS - 1}"
