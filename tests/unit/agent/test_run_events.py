# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from datetime import datetime, timezone
from pathlib import Path

from fleetkeep.agent.run_events import Emitter, RunEvent, RunLog, ignore
from fleetkeep.clock import FixedClock

MOMENT = datetime(2026, 11, 21, 2, tzinfo=timezone.utc)


def test_an_event_is_one_line_of_ascii() -> None:
    event = RunEvent("file_warning", MOMENT, "0123456789ab", "local", {"path": "a\nb\u00fc\x1b"})
    line = event.as_json()
    assert line.isascii()
    assert "\n" not in line
    assert json.loads(line) == {
        "event": "file_warning",
        "at": "2026-11-21T02:00:00+00:00",
        "run": "0123456789ab",
        "repository": "local",
        "path": "a\nb\u00fc\x1b",
    }
    assert "repository" not in json.loads(RunEvent("run_started", MOMENT, "0").as_json())


def test_a_listener_that_went_away_does_not_stop_the_others() -> None:
    heard: list[str] = []

    def gone(event: RunEvent) -> None:
        heard.append("gone")
        raise BrokenPipeError

    emitter = Emitter("0", FixedClock(MOMENT), [gone, lambda event: heard.append(event.event), ignore])
    emitter.emit("run_started")
    emitter.emit("run_finished", outcome="succeeded")
    assert heard == ["gone", "run_started", "run_finished"]


def test_a_log_leaves_out_how_far_borg_is(tmp_path: Path) -> None:
    log = RunLog(tmp_path / "runs" / "0.jsonl")
    for name in ("run_started", "progress", "percent", "run_finished"):
        log(RunEvent(name, MOMENT, "0"))
    log.close()
    lines = (tmp_path / "runs" / "0.jsonl").read_text().splitlines()
    assert [json.loads(line)["event"] for line in lines] == ["run_started", "run_finished"]


def test_a_log_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    log = RunLog(tmp_path / "file" / "0.jsonl")
    log(RunEvent("run_started", MOMENT, "0"))
    log.close()
    assert "Not a directory" in log.problem
