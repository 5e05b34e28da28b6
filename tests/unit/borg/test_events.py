# SPDX-License-Identifier: GPL-3.0-or-later
"""The lines are what Borg 1.4.5 printed."""

from __future__ import annotations

import pytest

from fleetkeep.borg.events import (
    ArchiveProgress,
    Event,
    FileStatus,
    LogMessage,
    ProgressMessage,
    ProgressPercent,
    clean_text,
    parse_event,
)

CAPTURED: list[tuple[bytes, Event]] = [
    (
        b'{"original_size": 17022917, "compressed_size": 17023089, "deduplicated_size": 17023089, "nfiles": 3, '
        b'"path": "big/x", "time": 1795298600.111475, "type": "archive_progress", "finished": false}\n',
        ArchiveProgress(3, 17022917, 17023089, 17023089, "big/x"),
    ),
    (
        b'{"time": 1795298427.984688, "type": "archive_progress", "finished": true}',
        ArchiveProgress(finished=True),
    ),
    (
        b'{"type": "file_status", "status": "A", "path": "src/sub/\\u00fc n.txt"}',
        FileStatus("A", "src/sub/\u00fc n.txt"),
    ),
    (
        b'{"type": "log_message", "time": 1795298428.5697012, "message": "Archive a1 already exists", '
        b'"levelname": "ERROR", "name": "borg.archiver", "msgid": "Archive.AlreadyExists"}',
        LogMessage("ERROR", "Archive a1 already exists", "Archive.AlreadyExists", "borg.archiver"),
    ),
    (
        b'{"type": "log_message", "time": 1795298433.310814, "message": '
        b'"Remote: ssh: connect to host 127.0.0.1 port 1: Connection refused", "levelname": "WARNING", "name": "root"}',
        LogMessage("WARNING", "Remote: ssh: connect to host 127.0.0.1 port 1: Connection refused", "", "root"),
    ),
    (
        b'{"message": "Compacting segments   7%", "current": 2, "total": 15, "info": null, "operation": 1, "msgid": '
        b'"repository.compact_segments", "type": "progress_percent", "finished": false, "time": 1795298430.65}',
        ProgressPercent("repository.compact_segments", 2, 15, "Compacting segments   7%"),
    ),
    (
        b'{"operation": 2, "msgid": "cache.commit", "type": "progress_message", "finished": true, "time": 1.5}',
        ProgressMessage("cache.commit", finished=True),
    ),
    (
        b'{"type": "question_accepted_false", "msgid": "BORG_RELOCATED_REPO_ACCESS_IS_OK", "message": "Aborting."}',
        LogMessage("WARNING", "Aborting.", "BORG_RELOCATED_REPO_ACCESS_IS_OK", "question"),
    ),
    (b"ssh: banner\n", LogMessage("INFO", "ssh: banner", "", "stderr")),
    (b"[1, 2]", LogMessage("INFO", "[1, 2]", "", "stderr")),
]


@pytest.mark.parametrize(("line", "event"), CAPTURED)
def test_captured_lines(line: bytes, event: Event) -> None:
    assert parse_event(line) == event


@pytest.mark.parametrize("line", [b"", b"   \n", b'{"type": "from_a_later_release"}', b'{"no": "type"}'])
def test_nothing_to_say(line: bytes) -> None:
    assert parse_event(line) is None


@pytest.mark.parametrize(
    "line",
    [
        b"\xff\xfe broken",
        b"[" * 100_000,
        b'{"type": "archive_progress", "nfiles": "many", "path": 7}',
        b'{"type": "file_status", "status": null, "path": ["x"]}',
        b'{"type": "log_message", "message": "\\ud800 lone"}',
    ],
)
def test_hostile_lines_do_no_harm(line: bytes) -> None:
    event = parse_event(line)
    assert event is not None
    repr(event).encode("utf-8")


def test_terminal_escapes_are_shown_and_not_obeyed() -> None:
    event = parse_event(b'{"type": "file_status", "status": "E", "path": "a\\u001b[2Jb\\rc"}')
    assert event == FileStatus("E", "a\\x1b[2Jb\\rc")


def test_a_long_message_keeps_its_beginning_and_its_end() -> None:
    short = clean_text("begin" + "x" * 100_000 + "end", longest=100)
    assert short.startswith("begin")
    assert short.endswith("end")
    assert len(short) < 120


def test_line_breaks_of_a_traceback_stay() -> None:
    assert clean_text("a\n\tb") == "a\n\tb"
