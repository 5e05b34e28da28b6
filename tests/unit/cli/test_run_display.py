# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from datetime import datetime, timezone
from pathlib import Path

import click
import pytest

from fleetkeep.agent.run_events import RunEvent
from fleetkeep.cli._run_display import JsonLines, PlainLines, display, render_event, render_summary
from fleetkeep.cli.run import EXIT_STATUS, parse_moment
from fleetkeep.model import ArchiveFacts, FileWarning, Outcome, RepositoryRun, Run, Stage, StageName, Trigger

MOMENT = datetime(2026, 11, 21, 2, tzinfo=timezone.utc)
LOG = Path("/var/log/fleetkeep/runs/0.jsonl")


def archive(name: str) -> ArchiveFacts:
    return ArchiveFacts(
        id="aa",
        name=f"web1-{name}",
        repository=name,
        repository_id="bb",
        started_at=MOMENT,
        finished_at=MOMENT,
        files=12345,
        original_bytes=1_500_000_000,
        compressed_bytes=800_000,
        deduplicated_bytes=999,
    )


def run(outcome: Outcome = Outcome.SUCCEEDED, reason: str = "", *results: RepositoryRun) -> Run:
    return Run(
        id="0",
        client="web1",
        job="system",
        trigger=Trigger.HAND,
        outcome=outcome,
        reason=reason,
        started_at=MOMENT,
        finished_at=MOMENT,
        repositories=results,
    )


def text(finished: Run) -> str:
    return "\n".join(line for line, _ in render_summary(finished, LOG))


def test_a_summary_has_the_sizes_of_every_repository() -> None:
    results = [
        RepositoryRun(repository=name, outcome=Outcome.SUCCEEDED, archive=archive(name)) for name in ("a", "offsite")
    ]
    lines = text(run(Outcome.SUCCEEDED, "", *results)).splitlines()
    assert lines[0] == "system: succeeded."
    assert lines[1].split() == ["repository", "files", "original", "compressed", "deduplicated", "archive"]
    assert lines[3].split() == ["offsite", "12,345", "1.5", "GB", "800.0", "kB", "999", "B", "web1-offsite"]
    assert lines[-1] == f"  Log: {LOG}"
    assert len({line.index("web1-") for line in lines[2:4]}) == 1


def test_a_failure_without_an_archive_has_no_table() -> None:
    failed = RepositoryRun(repository="a", outcome=Outcome.FAILED, reason="No space.")
    assert text(run(Outcome.FAILED, "No space.", failed)).splitlines() == ["system: failed. No space.", f"  Log: {LOG}"]


def test_the_first_warnings_are_named_and_the_others_counted() -> None:
    warnings = tuple(FileWarning(path=f"/{number}", message="bad") for number in range(30))
    result = RepositoryRun(
        repository="a", outcome=Outcome.WARNING, archive=archive("a"), warnings=warnings, warning_count=1200
    )
    shown = text(run(Outcome.WARNING, "Borg warned.", result))
    assert "a: /19: bad" in shown
    assert "/20" not in shown
    assert "a: and 1,180 more" in shown


def test_what_was_skipped_is_told_with_its_reason() -> None:
    stage = Stage(name=StageName.DELETE, outcome=Outcome.SKIPPED, reason="Nobody could say what may go.")
    result = RepositoryRun(repository="a", outcome=Outcome.SUCCEEDED, archive=archive("a"), stages=(stage,))
    assert "Nobody could say what may go." in text(run(Outcome.SUCCEEDED, "", result))


@pytest.mark.parametrize(
    ("event", "data", "words"),
    [
        ("run_started", {"job": "system", "client": "web1"}, "run 0 of job system on web1 begins"),
        ("stage_finished", {"stage": "create", "outcome": "failed", "reason": "No."}, "create failed: No."),
        ("stage_finished", {"stage": "create", "outcome": "succeeded", "reason": ""}, ""),
        ("stage_finished", {"stage": "create", "outcome": "warning", "reason": ""}, ""),
        ("source_left_out", {"path": "/a"}, "/a is missing, as it may be; it is left out"),
        ("waiting", {"holder": "7"}, "waiting for another run to end (process 7)"),
        ("file_warning", {"path": "/a", "message": "bad"}, "warning: /a: bad"),
        ("archive", {"name": "n", "files": 1000, "original_bytes": 2000}, "archive n is there, 1,000 files, 2.0 kB"),
        ("archives_deleted", {"archives": ["a", "b"]}, "deleted 2 archives by retention"),
        ("repository_finished", {"outcome": "succeeded"}, "succeeded"),
        ("progress", {"files": 1}, ""),
        ("message", {"message": "x", "message_id": ""}, ""),
        ("message", {"message": "No record.", "message_id": "Ledger"}, "No record."),
    ],
)
def test_words_for_events(event: str, data: dict[str, object], words: str) -> None:
    assert render_event(RunEvent(event, MOMENT, "0", None, data)) == words


def test_plain_lines_have_time_and_place_and_no_control_character(capsys: pytest.CaptureFixture[str]) -> None:
    plain = PlainLines()
    plain.take(RunEvent("file_warning", MOMENT, "0", "local", {"path": "/a\x1b[2J", "message": "bad"}))
    plain.take(RunEvent("progress", MOMENT, "0", "local", {}))
    plain.summarize(run(), LOG)
    assert capsys.readouterr().out.splitlines()[:2] == [
        "02:00:00 local: warning: /a\\x1b[2J: bad",
        "system: succeeded.",
    ]


def test_json_lines_end_with_the_whole_run(capsys: pytest.CaptureFixture[str]) -> None:
    lines = JsonLines()
    lines.take(RunEvent("run_started", MOMENT, "0"))
    lines.summarize(run(Outcome.WARNING, "x"), LOG)
    first, last = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert first["event"] == "run_started"
    assert last["event"] == "summary"
    assert Run.model_validate(last["summary"]) == run(Outcome.WARNING, "x")


def test_without_a_terminal_there_are_no_bars() -> None:
    with display(as_json=False) as shown:
        assert isinstance(shown, PlainLines)
    with display(as_json=True) as shown:
        assert isinstance(shown, JsonLines)


def test_every_end_of_a_run_has_its_own_exit_status() -> None:
    ends = {Outcome.SUCCEEDED, Outcome.WARNING, Outcome.SKIPPED, Outcome.CANCELLED, Outcome.FAILED}
    assert set(EXIT_STATUS) == ends
    assert len(set(EXIT_STATUS.values())) == len(ends)


@pytest.mark.parametrize("words", ["2026-11-21T02:00:00+00:00", "2026-11-21T02:00:00Z", "2026-11-21T02:00:00"])
def test_a_moment(words: str) -> None:
    context, parameter = click.Context(click.Command("run")), click.Option(["--due"])
    assert parse_moment(context, parameter, words) == MOMENT
    assert parse_moment(context, parameter, None) is None


def test_no_moment() -> None:
    with pytest.raises(click.BadParameter, match="tomorrow is no moment"):
        parse_moment(click.Context(click.Command("run")), click.Option(["--due"]), "tomorrow")
