# SPDX-License-Identifier: GPL-3.0-or-later
"""``fleetkeep run`` as a process, with the real catalog behind it."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from empty_catalog import put_empty_catalog

from fleetkeep.agent.files import write_file
from fleetkeep.agent.lock import hold
from fleetkeep.catalog.database import open_catalog
from fleetkeep.director.history import list_runs
from fleetkeep.model import Job, Outcome, Run

from .conftest import SECRET, Host  # type: ignore[import-not-found]

PROGRAM = [sys.executable, "-m", "fleetkeep"]


def declare(host: Host, job: Job) -> None:
    write_file(host.paths.job(job.name), job.model_dump_json(), 0o644)


def arguments(host: Host, *options: str) -> list[str]:
    return [*PROGRAM, "--prefix", str(host.paths.prefix), "run", "documents", *options]


def fleetkeep_run(host: Host, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(arguments(host, *options), capture_output=True, text=True, check=False)


def recorded(host: Host) -> list[Run]:
    return list(list_runs(open_catalog(host.paths.catalog)))


def test_a_good_run_ends_with_zero_and_is_in_the_catalog(host: Host, tree: Path) -> None:
    host.add_repository("local")
    declare(host, host.job(tree))
    done = fleetkeep_run(host)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "documents: succeeded." in done.stdout
    assert "Nothing was deleted" not in done.stdout
    assert SECRET not in done.stdout
    assert [run.outcome for run in recorded(host)] == [Outcome.SUCCEEDED]


def test_programs_read_lines_of_json(host: Host, tree: Path) -> None:
    host.add_repository("local")
    declare(host, host.job(tree))
    done = fleetkeep_run(host, "--json", "--trigger", "schedule", "--due", "2026-11-21T02:00:00Z")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    run = Run.model_validate(lines[-1]["summary"])
    assert [line["event"] for line in lines[:2]] == ["run_started", "stage_started"]
    assert run.due_at is not None
    assert run.due_at.isoformat() == "2026-11-21T02:00:00+00:00"
    assert recorded(host) == [run]


@pytest.mark.parametrize(("sources", "status"), [(["/proc/self/mem"], 3), (["/no/such/folder"], 1)])
def test_the_exit_status_tells_how_it_ended(host: Host, tree: Path, sources: list[str], status: int) -> None:
    host.add_repository("local")
    declare(host, host.job(tree, *map(Path, sources)))
    done = fleetkeep_run(host)
    assert done.returncode == status
    assert sources[0] in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_a_job_that_is_running_is_not_started_twice(host: Host, tree: Path) -> None:
    host.add_repository("local")
    declare(host, host.job(tree))
    with hold(host.paths.job_lock("documents")):
        by_hand = fleetkeep_run(host)
        scheduled = fleetkeep_run(host, "--trigger", "schedule")
    assert (by_hand.returncode, scheduled.returncode) == (75, 75)
    assert f"already running (process {os.getpid()})" in by_hand.stderr
    assert [run.outcome for run in recorded(host)] == [Outcome.SKIPPED]


def test_an_unknown_job_is_one_sentence(host: Host) -> None:
    host.add_repository("local")
    done = fleetkeep_run(host)
    assert done.returncode == 1
    assert done.stderr == "error: This host has no job documents; it has none. [FK400]\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_within_two_seconds(host: Host, tree: Path, number: signal.Signals) -> None:
    (tree / "large").write_bytes(os.urandom(400_000_000))
    host.add_repository("local")
    declare(host, host.job(tree))
    put_empty_catalog(host.paths.catalog)  # to make one is no part of these seconds
    with subprocess.Popen(arguments(host, "--json"), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if json.loads(line).get("original_bytes"):
                break
        process.send_signal(number)
        began = time.monotonic()
        rest = process.stdout.read()
    assert time.monotonic() - began < 2.5  # with the time that the interpreter takes to end
    assert process.returncode == 130
    assert json.loads(rest.splitlines()[-1])["summary"]["outcome"] == "cancelled"
    assert host.locks() == []
    assert [run.outcome for run in recorded(host)] == [Outcome.CANCELLED]


def test_a_reader_that_goes_away_does_not_end_the_backup(host: Host, tree: Path) -> None:
    host.add_repository("local")
    declare(host, host.job(tree))
    process = subprocess.Popen(arguments(host, "--json"), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.close()
    _, errors = process.communicate()
    assert [run.outcome for run in recorded(host)] == [Outcome.SUCCEEDED], errors


def test_a_broken_catalog_costs_no_backup(host: Host, tree: Path) -> None:
    host.add_repository("local")
    declare(host, host.job(tree))
    write_file(host.paths.catalog, "not a database" * 1000)
    done = fleetkeep_run(host)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(host.archives("local")) == 1
    assert "Traceback" not in done.stdout + done.stderr
    aside = host.paths.catalog.with_name("catalog.sqlite.broken-1")
    assert f"The catalog was broken. It is kept as {aside}; a new one is filled" in done.stderr
    assert [run.outcome for run in recorded(host)] == [Outcome.SUCCEEDED]


@pytest.mark.parametrize("environment", [{}, {"NO_COLOR": "1"}])
def test_a_terminal_shows_a_bar(host: Host, tree: Path, environment: dict[str, str]) -> None:
    host.add_repository("local")
    declare(host, host.job(tree))
    output = bytearray()

    def read(descriptor: int) -> bytes:
        block = os.read(descriptor, 65536)
        output.extend(block)
        return block

    inner = " ".join(arguments(host))
    setting = " ".join(f"{name}={value}" for name, value in {"TERM": "xterm", **environment}.items())
    status = pty.spawn(["sh", "-c", f"env {setting} {inner}"], read)
    shown = output.decode()
    assert os.waitstatus_to_exitcode(status) == 0
    assert "local" in shown
    assert "documents: succeeded." in shown
    assert bool(re.search(r"\x1b\[3\dm", shown)) is not bool(environment)
