# SPDX-License-Identifier: GPL-3.0-or-later
"""The verbs restore and drill as a person calls them: real processes, a real catalog, a real repository."""

from __future__ import annotations

import json
import os
import pty
import shlex
import signal
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from empty_catalog import put_empty_catalog

from fleetkeep.agent.files import write_file
from fleetkeep.agent.ledger import Ledger
from fleetkeep.catalog.database import open_catalog
from fleetkeep.cli import main
from fleetkeep.clock import SystemClock
from fleetkeep.director.drills import list_drills
from fleetkeep.director.embedded import EmbeddedDirector
from fleetkeep.director.history import list_archives
from fleetkeep.link import ArchiveReceived, StateApplied
from fleetkeep.model import DesiredState, Job, Outcome, Point, Repository, Retention, SourcePath, Sources

SECRET = "correct-horse-battery-staple"
CLOCK = SystemClock()


@pytest.fixture
def managed(host, local_access, tree):
    """A host to which a state was applied: one job, one repository."""
    repository = Repository(name="local", location=local_access.location)
    job = Job(
        name="system",
        sources=Sources(paths=(SourcePath(path=str(tree)),)),
        repositories=("local",),
        retention=Retention(daily=7),
    )
    state = DesiredState(client="web1", repositories={"local": repository}, jobs={"system": job})
    write_file(host.desired, state.model_dump_json())
    write_file(host.job("system"), job.model_dump_json())
    write_file(host.repository("local"), repository.model_dump_json())
    put_empty_catalog(host.catalog)
    _tell(host, StateApplied(at=CLOCK.now(), state=state))
    return host


def _tell(host, message) -> None:
    director = EmbeddedDirector(open_catalog(host.catalog), CLOCK)
    with closing(Ledger(host.spool, director, "web1", CLOCK)) as ledger:
        ledger.tell(message)
        assert ledger.problem == ""
        assert ledger.is_told()


@pytest.fixture
def receive(managed, make_archive):
    """Backs up and records, as a run does."""

    def receive(name: str, *folders: Path, at: datetime | None = None) -> Point:
        point = make_archive(name, *folders, received_at=at)
        _tell(managed, ArchiveReceived(job="system", run_id=name, outcome=point.outcome, archive=point.archive))
        return point

    return receive


@dataclass(frozen=True)
class Done:
    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def fleetkeep(managed, capfd):
    """Calls the command line in this process."""

    def call(*arguments: object) -> Done:
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(["--prefix", str(managed.prefix), *map(str, arguments)])
        out, err = capfd.readouterr()
        assert SECRET not in out + err
        return Done(int(ended.value.code or 0), out, err)

    return call


def stored(path: Path) -> str:
    return str(path).lstrip("/")


def test_a_file_comes_back_beside_the_original(fleetkeep, receive, tree, tmp_path):
    receive("web1-one", tree)
    done = fleetkeep("restore", "web1-one", tree / "file1", "--to", tmp_path / "new")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Restored 1 item (1 file, 50.0 kB) of web1-one to ")
    assert (tmp_path / "new" / stored(tree) / "file1").read_bytes() == (tree / "file1").read_bytes()


def test_a_point_in_time_picks_the_archive_of_then(fleetkeep, receive, tree, tmp_path):
    now = datetime.now(timezone.utc)
    for days in (3, 2, 1):
        (tree / "file1").write_text(f"{days} days ago")
        receive(f"web1-{days}", tree, at=now - timedelta(days=days))
    for moment, expected in (
        ("60h", "3 days ago"),
        ((now - timedelta(days=2)).isoformat(), "2 days ago"),
        ("1h", "1 days ago"),
    ):
        target = tmp_path / expected
        done = fleetkeep("restore", "--job", "system", "--at", moment, tree / "file1", "--to", target)
        assert done.returncode == 0, done.stderr
        assert (target / stored(tree) / "file1").read_text() == expected
    early = fleetkeep("restore", "--job", "system", "--at", "2w", "--to", tmp_path / "none")
    assert early.returncode == 1
    assert "has no archive from" in early.stderr


def test_the_original_place_needs_a_yes(fleetkeep, receive, tree):
    receive("web1-one", tree)
    before = (tree / "file1").read_bytes()
    (tree / "file1").write_text("damaged")

    shown = fleetkeep("restore", "web1-one", tree, "--in-place", "--dry-run")
    assert shown.returncode == 0
    assert "would be overwritten: 1" in shown.stdout
    assert f"{stored(tree)}/file1" in shown.stdout

    refused = fleetkeep("restore", "web1-one", tree, "--in-place")
    assert refused.returncode == 1
    assert "say --yes" in refused.stderr
    assert "FK503" in refused.stderr
    assert (tree / "file1").read_text() == "damaged"

    done = fleetkeep("restore", "web1-one", tree, "--in-place", "--yes", "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["overwritten"] == 1
    assert (tree / "file1").read_bytes() == before


def test_a_dry_run_for_programs_names_every_path(fleetkeep, receive, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    for number in range(40):
        (folder / str(number)).write_text("x")
    receive("web1-one", folder)
    done = fleetkeep("restore", "web1-one", "--to", tmp_path / "target", "--dry-run", "--json")
    plan = json.loads(done.stdout)
    assert plan["counts"] == {"create": 41}
    assert len(plan["changes"]) == 41
    assert not (tmp_path / "target").exists()


@pytest.mark.parametrize(("answer", "status", "content"), [("n", 130, "damaged"), ("y", 0, "hello")])
def test_a_terminal_is_asked(managed, receive, tree, answer, status, content):
    victim = tree / "sub" / "ümläut name"
    receive("web1-one", tree)
    victim.write_text("damaged")
    ours, theirs = pty.openpty()
    words = ["--prefix", str(managed.prefix), "restore", "web1-one", str(victim), "--in-place"]
    process = subprocess.Popen(
        [sys.executable, "-m", "fleetkeep", *words], stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    )
    os.close(theirs)
    seen = b""
    while b"Restore? [y/N]" not in seen:
        seen += os.read(ours, 4096)
    os.write(ours, f"{answer}\n".encode())
    assert process.wait(60) == status
    os.close(ours)
    assert b"would be overwritten: 1" in seen
    assert victim.read_text() == content


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_restore_within_two_seconds(managed, receive, tmp_path, number):
    folder = tmp_path / "folder"
    folder.mkdir()
    for index in range(80):
        (folder / str(index)).write_bytes(os.urandom(2_000_000))
    receive("web1-one", folder)
    target = tmp_path / "target"
    words = ["--prefix", str(managed.prefix), "restore", "web1-one", "--to", str(target)]
    process = subprocess.Popen([sys.executable, "-m", "fleetkeep", *words], stderr=subprocess.PIPE, text=True)
    while sum(path.is_file() for path in target.rglob("*")) < 4:  # so that some are whole
        assert process.poll() is None
        time.sleep(0.01)
    asked = time.monotonic()
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert time.monotonic() - asked < 2
    assert process.returncode == 130
    assert "stopped after about" in said
    assert "It was cancelled" in said
    assert not (Path(managed.prefix).parent / "repository" / "lock.exclusive").exists()


BAD = [
    (["restore", "--to", "x"], "name an ARCHIVE"),
    (["restore", "web1-one"], "say either --to DIRECTORY or --in-place"),
    (["restore", "web1-one", "--to", "x", "--in-place"], "say either --to DIRECTORY or --in-place"),
    (["restore", "web1-one", "--at", "1h", "--to", "x"], "--at needs --job"),
    (["restore", "--job", "system", "--at", "noon", "--to", "x"], "'noon' is no moment"),
    (["restore", "never", "--to", "x"], "FK500"),
    (["restore", "never", "--repository", "local", "--to", "x"], "FK500"),
    (["restore", "never", "--repository", "other", "--to", "x"], "FK401"),
    (["restore", "web1-one", "/nothing/here", "--to", "x"], "FK502"),
    (["restore", "web1-one", "../up", "--to", "x"], "FK509"),
    (["restore", "web1-one", "--to", "/dev/null"], "FK504"),
    (["restore", "web1-one", "--to", "x", "--to-tar", "y"], "say either --to DIRECTORY or --in-place"),
    (["restore", "web1-one", "--in-place", "--strip-components", "1"], "--strip-components needs --to"),
    (["restore", "web1-one", "--to-tar", "-", "--owner", "none"], "--owner is for files in a directory"),
    (["restore", "web1-one", "--to-stdout", "--json"], "--json and the stream cannot both go to standard output"),
    (["restore", "web1-one", "--to", "x", "--resume", "--afresh"], "say --resume or --afresh"),
    (["restore", "web1-one", "--to", "x", "--pattern", "re:("], "FK510"),
    (["restore", "web1-one", "--to", "x", "--pattern", "fm:*.none"], "FK511"),
    (["restore", "web1-one", "--to", "x", "--on-conflict", "skip", "--resume"], "FK515"),
    (["restore", "web1-one", "--to-stdout"], "FK517"),
    (["restore", "web1-one", "--to-tar", "/nowhere/at/all"], "FK518"),
    (["restore", "web1-one", "--to", "x", "--report", "/nowhere/at/all"], "FK520"),
    (["drill", "nothing"], "FK400"),
    (["drill", "system", "--files", "0"], "0 is not in the range"),
]


def test_bad_input_gets_one_clear_sentence(fleetkeep, receive, tree):
    receive("web1-one", tree)
    for words, sentence in BAD:
        done = fleetkeep(*words)
        assert done.returncode == 1, words
        assert sentence in done.stderr
        assert done.stdout == ""
    assert not Path("x").exists()


def test_an_archive_that_the_catalog_lost_can_still_be_restored(fleetkeep, make_archive, tree, tmp_path):
    make_archive("web1-lost", tree)
    done = fleetkeep("restore", "web1-lost", "--repository", "local", "--to", tmp_path / "new")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "new" / stored(tree) / "file1").exists()


def test_a_drill_proves_and_is_recorded(managed, fleetkeep, receive, tree):
    receive("web1-one", tree)
    (tree / "file0").write_text("changed since")
    done = fleetkeep("drill", "system")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(
        "proven: 6 of 6 files restored and compared, 5 with the live source, 1 with the archive; 0 differ\n"
    )
    as_json = json.loads(fleetkeep("drill", "system", "--json", "--seed", "abc", "--files", "2").stdout)
    assert [(drill["seed"], drill["sample_size"]) for drill in as_json] == [("abc", 2)]
    catalog = open_catalog(managed.catalog)
    assert list_drills(catalog, job="system")[0].seed == "abc"
    assert list_archives(catalog, job="system")[0].proven_at is not None
    assert list(managed.scratch.iterdir()) == []


def test_a_drill_that_finds_damage_fails_and_is_recorded(managed, fleetkeep, receive, tree, local_access):
    receive("web1-one", tree)
    segments = (path for path in (Path(local_access.location) / "data").rglob("*") if path.is_file())
    segment = max(segments, key=lambda path: path.stat().st_size)
    content = bytearray(segment.read_bytes())
    content[25_000] ^= 1
    segment.write_bytes(content)
    done = fleetkeep("drill", "system")
    assert done.returncode == 1
    assert done.stdout.startswith("NOT proven: 5 of 6 files restored and compared")
    assert "  missing " in done.stdout
    catalog = open_catalog(managed.catalog)
    assert [drill.outcome for drill in list_drills(catalog, job="system")] == [Outcome.FAILED]
    assert list_archives(catalog, job="system")[0].proven_at is None


def test_a_job_without_an_archive_is_not_proven(fleetkeep):
    done = fleetkeep("drill", "system")
    assert done.returncode == 1
    assert "FK50" in done.stderr


def test_a_conflict_policy_and_a_report_from_the_command_line(fleetkeep, receive, tree, tmp_path):
    receive("web1-one", tree)
    target, report = tmp_path / "target", tmp_path / "report"
    words = ["restore", "web1-one", "--to", target, "--pattern", "**/file*", "--exclude", "re:file[34]$"]
    assert fleetkeep(*words).stdout.startswith("Restored 3 items (3 files, 150.0 kB) of web1-one to ")
    (target / stored(tree) / "file1").write_text("mine")
    shown = fleetkeep(*words, "--on-conflict", "rename", "--dry-run")
    assert "something else is there and stays, so they would be put beside it: 1" in shown.stdout
    done = fleetkeep(*words, "--on-conflict", "rename", "--report", report, "--verify")
    assert done.returncode == 0, done.stderr
    assert "0 overwritten, 1 put beside what is there." in done.stdout
    assert "Compared 3 files with the archive: all as in it." in done.stdout
    assert len(report.read_text().splitlines()) == 5
    kept = json.loads(fleetkeep(*words, "--on-conflict", "skip", "--json").stdout)
    assert (kept["kept"], kept["items"]) == (1, 0)


def test_streams_go_to_standard_output_and_words_to_standard_error(managed, fleetkeep, receive, tree, tmp_path):
    receive("web1-one", tree)
    base = [sys.executable, "-m", "fleetkeep", "--prefix", str(managed.prefix), "restore", "web1-one"]
    done = subprocess.run([*base, str(tree / "file1"), "--to-stdout"], capture_output=True, check=True)
    assert done.stdout == (tree / "file1").read_bytes()
    assert done.stderr.startswith(b"Wrote 1 item (1 file, 50.0 kB) of web1-one to standard output in ")
    done = subprocess.run([*base, "--to-tar", "-"], capture_output=True, check=True)
    listed = subprocess.run(["tar", "tf", "-"], input=done.stdout, capture_output=True, check=True)
    assert f"{stored(tree)}/file4" in listed.stdout.decode()
    file = tmp_path / "a.zip"
    assert fleetkeep("restore", "web1-one", "--to-zip", file).returncode == 0
    again = fleetkeep("restore", "web1-one", "--to-zip", file)
    assert (again.returncode, "FK518" in again.stderr) == (1, True)
    assert json.loads(fleetkeep("restore", "web1-one", "--to-zip", file, "--yes", "--json").stdout)["form"] == "zip"
    ours, theirs = pty.openpty()
    refused = subprocess.run([*base, "--to-tar", "-"], stdout=theirs, stderr=subprocess.PIPE, check=False)
    os.close(ours)
    os.close(theirs)
    assert refused.returncode == 1
    assert b"A terminal cannot take the tar stream" in refused.stderr


def test_an_interrupted_restore_names_the_words_that_finish_it(managed, fleetkeep, receive, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    for index in range(60):
        (folder / str(index)).write_bytes(os.urandom(1_500_000))
    receive("web1-one", folder)
    target = tmp_path / "a target"
    words = [
        "--prefix",
        str(managed.prefix),
        "restore",
        "--job",
        "system",
        "--to",
        str(target),
        "--on-conflict",
        "skip",
    ]
    process = subprocess.Popen([sys.executable, "-m", "fleetkeep", *words], stderr=subprocess.PIPE, text=True)
    while sum(path.is_file() for path in target.rglob("*")) < 4:  # so that some are whole
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    (line,) = [line for line in said.splitlines() if line.startswith("To finish it: fleetkeep ")]
    finish = shlex.split(line.removeprefix("To finish it: fleetkeep "))
    assert finish == [*words[:3], "--repository", "local", *words[5:], "--resume", "web1-one"]
    assert "FK514" in fleetkeep(*words[2:]).stderr
    done = fleetkeep(*finish[2:])
    assert done.returncode == 0, done.stderr
    assert "were there from before the interruption" in done.stdout
    for path in folder.iterdir():
        assert (target / stored(path)).read_bytes() == path.read_bytes()
