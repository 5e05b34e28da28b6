# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes wrong around a run: it is killed, its disks are full or cannot be written, its catalog is held or broken.

Nothing that was backed up may be lost, what is said must be true, and the next run needs no hand.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hosts import Host, Mounts, no_traceback
from sites import Done

LIBRARY = "var/lib/fleetkeep"

#: Moments of a run, as its own events tell them, and how many seconds later it is killed.
MOMENTS = [
    ("run_started", 0.0),
    ("stage_started guard", 0.05),
    ("stage_started create", 0.0),
    ("stage_started create", 0.3),
    ("progress", 0.0),
    ("progress", 0.2),
    ("stage_finished create", 0.0),
    ("archive", 0.0),
]


def kill_at(host: Host, moment: str, delay: float) -> str:
    """Kill a run, and nothing else, some time after one of its events; gives the run's id."""
    run = ""
    with subprocess.Popen(host.command("run", "docs", "--json"), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            event = json.loads(line)
            run = event["run"]
            if moment in (event["event"], f"{event['event']} {event.get('stage')}"):
                break
        else:
            pytest.fail(f"the run never came to {moment}")
        time.sleep(delay)
        process.kill()
    return run


def test_a_run_that_is_killed_anywhere_is_told_truly_and_costs_nothing(host: Host, is_whole: bool) -> None:
    killed = set()
    moments = MOMENTS if is_whole else MOMENTS[1::2]
    for number, (moment, delay) in enumerate(moments):
        (host.source / f"large{number % 2}").write_bytes(os.urandom(25_000_000))
        before = host.in_storage() if number % 4 == 3 else set()
        killed.add(kill_at(host, moment, delay))
        began = time.monotonic()
        done = host.fleetkeep("run", "docs")
        assert done.exit_code == 0, (moment, delay, done.said)
        assert time.monotonic() - began < 60, (moment, delay)
        assert before <= host.in_storage() if before else True
    outcomes = {run["id"]: (run["outcome"], run["reason"]) for run in host.runs()}
    assert len(outcomes) == 2 * len(moments)
    for run, (outcome, reason) in outcomes.items():
        assert outcome == ("failed" if run in killed else "succeeded"), (run, reason)
        assert (run in killed) is ("was killed before it could end" in reason)
    assert host.archives() == host.in_storage()
    assert len(host.archives()) >= 2 * len(moments)
    locks = [*host.folder.glob("storage/*/lock.*"), *host.prefix.glob("var/cache/fleetkeep/borg/*/lock.*")]
    assert locks == []


def test_two_runs_of_one_job_at_once_are_one(host: Host) -> None:
    (host.source / "large").write_bytes(os.urandom(20_000_000))
    both = [host.start("run", "docs") for _ in range(2)]
    said = [process.communicate()[0] for process in both]
    assert sorted(process.returncode for process in both) == [0, 75], said
    assert any("Job docs is already running (process " in text for text in said)
    assert [run["outcome"] for run in host.runs()] == ["succeeded"]
    assert host.archives() == host.in_storage()


def test_one_repository_of_two_is_gone(host: Host) -> None:
    two = Path(host.repositories["two"])
    two.rename(host.folder / "elsewhere")
    done = host.fleetkeep("run", "docs")
    assert done.exit_code == 1
    assert f"two: Repository two is not at {two} any more; restore it or mount its storage" in done.stdout
    assert not two.exists()
    (host.folder / "elsewhere").rename(two)
    assert {repository for repository, _ in host.archives()} == {"one"}
    assert host.fleetkeep("run", "docs").exit_code == 0
    assert len(host.archives()) == 3


# --- disks ---


def move_to(host: Host, mounts: Mounts, size: str) -> Path:
    """Let what the host keeps lie on a small file system of its own; gives its folder."""
    library = host.prefix / LIBRARY
    subprocess.run(["cp", "-a", f"{library}/.", str(host.folder / "kept")], check=True)
    mounts.small(library, size)
    subprocess.run(["cp", "-a", f"{host.folder / 'kept'}/.", str(library)], check=True)
    return library


def fill(folder: Path) -> Path:
    """A file that takes all the space there is."""
    file = folder / "fill"
    with file.open("wb", buffering=0) as stream:
        try:
            while stream.write(bytes(4096)):
                pass
        except OSError:
            return file
    return file


def sentences(done: Done) -> list[str]:
    assert done.exit_code == 1, done.said
    assert "Traceback" not in done.said
    return done.stderr.splitlines()


def test_a_full_state_folder_is_named_and_the_next_run_is_whole(host: Host, mounts: Mounts) -> None:
    assert host.fleetkeep("run", "docs").exit_code == 0
    library = move_to(host, mounts, "2m")
    file = fill(library)
    run = host.fleetkeep("run", "docs")
    assert run.exit_code == 1, run.said
    assert no_traceback(run)
    assert f"There is no space left for Borg's memory of repository one at {library}/borg" in run.stdout
    [status] = sentences(host.fleetkeep("status"))
    assert status.startswith(f"error: There is no space left for the catalog at {library}/catalog.sqlite; free some")
    file.unlink()
    assert host.fleetkeep("run", "docs").exit_code == 0
    assert host.archives() == host.in_storage()
    assert len(host.archives()) == 4


def test_a_state_folder_that_cannot_be_written_is_named(host: Host, mounts: Mounts) -> None:
    assert host.fleetkeep("run", "docs").exit_code == 0
    library = mounts.read_only(host.prefix / LIBRARY)
    run = host.fleetkeep("run", "docs")
    assert run.exit_code == 1
    assert no_traceback(run)
    assert f"Borg's memory of repository one ({library}/borg" in run.stdout
    assert "is on a file system that cannot be written; make it writable" in run.stdout
    for verb in (["status"], ["archives"], ["apply", "--local"], ["drill", "docs"]):
        [sentence] = sentences(host.fleetkeep(*verb))
        assert f"The catalog at {library}/catalog.sqlite cannot be written" in sentence, verb
        assert "make its file system writable" in sentence
    mounts.undo()
    assert host.fleetkeep("run", "docs").exit_code == 0
    assert host.archives() == host.in_storage()


@pytest.mark.parametrize("verb", [["run", "docs"], ["apply", "--local"]])
def test_a_place_for_locks_that_cannot_be_written_is_one_sentence(host: Host, mounts: Mounts, verb: list[str]) -> None:
    mounts.read_only(host.prefix / "run")
    [sentence] = sentences(host.fleetkeep(*verb))
    assert sentence.startswith(f"error: {host.prefix}/run/fleetkeep/")
    assert "Read-only file system. What was done before it stands; say the same again" in sentence


# --- the catalog ---


@contextmanager
def held(catalog: Path) -> Iterator[None]:
    """Somebody else writes to the catalog and does not end."""
    connection = sqlite3.connect(catalog, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.close()


def test_a_catalog_that_somebody_holds_costs_neither_backup_nor_minutes(host: Host) -> None:
    began = time.monotonic()
    with held(host.prefix / LIBRARY / "catalog.sqlite"):
        done = host.fleetkeep("run", "docs")
    assert time.monotonic() - began < 60
    assert done.exit_code == 0, done.said
    assert "was held by another process for 5 seconds" in done.stdout
    assert "It waits in the spool and is told again by the next run." in done.stdout
    assert host.archives() == host.in_storage(), "what waited in the spool is shown, too"
    assert [run["outcome"] for run in host.runs()] == ["succeeded"]


def test_a_run_that_waits_for_the_catalog_ends_when_asked_to(host: Host) -> None:
    command = host.command("run", "docs", "--json")
    with (
        held(host.prefix / LIBRARY / "catalog.sqlite"),
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process,
    ):
        assert process.stdout is not None
        for line in process.stdout:
            if json.loads(line)["event"] == "archive":
                break
        process.send_signal(signal.SIGINT)
        began = time.monotonic()
        process.stdout.read()
    assert time.monotonic() - began < 4  # two seconds, and the time that the interpreter takes to end on a busy machine
    assert process.returncode == 130
    assert [run["outcome"] for run in host.runs()] == ["cancelled"]


# --- sources ---


def test_a_source_that_vanishes_after_the_guard_is_no_good_run(host: Host) -> None:
    gone = host.folder / "gone"
    gone.mkdir()
    (gone / "letter").write_text("dear reader\n")
    hooks = {"before": [{"command": ["rm", "-r", str(gone)]}]}
    host.declare("docs", str(gone), retention={"last": 1}, hooks=hooks)
    host.apply()
    done = host.fleetkeep("run", "docs")
    assert done.exit_code == 3, done.said
    assert str(gone) in done.stdout
    assert "The archive holds no file." in done.stdout


def test_a_hook_that_floods_and_leaves_a_daemon_ends_with_its_time(host: Host) -> None:
    flood = {"command": ["sh", "-c", "setsid sleep 30 & yes"], "timeout": 2}
    host.declare("docs", str(host.source), hooks={"before": [flood]})
    host.apply()
    began = time.monotonic()
    done = host.fleetkeep("run", "docs")
    assert time.monotonic() - began < 15
    assert done.exit_code == 1
    assert "did not end within 2 seconds" in done.stdout
    assert len(done.stdout) < 10_000
    assert host.in_storage() == set()
