# SPDX-License-Identifier: GPL-3.0-or-later
"""The verbs ``check`` and ``verify`` as a person calls them: real processes, a real catalog, a real repository."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from empty_catalog import put_empty_catalog

from fleetkeep.agent.files import write_file
from fleetkeep.agent.ledger import Ledger
from fleetkeep.agent.paths import Paths
from fleetkeep.catalog.database import open_catalog
from fleetkeep.clock import SystemClock
from fleetkeep.director.embedded import EmbeddedDirector
from fleetkeep.director.verifications import list_verifications
from fleetkeep.errors import DamageFound, UnknownRepository
from fleetkeep.link import ArchiveReceived, ArchivesDeleted, StateApplied
from fleetkeep.model import (
    DesiredState,
    Job,
    Outcome,
    Owned,
    OwnedRepository,
    Point,
    Repository,
    Retention,
    SourcePath,
    Sources,
    VerificationKind,
)

CLOCK = SystemClock()


@dataclass
class Done:
    exit_code: int
    stdout: str
    stderr: str


@dataclass
class Client:
    """A host to which a state was applied, with two archives of its one job."""

    paths: Paths
    repository: Path
    tree: Path
    points: list[Point]

    def call(self, *arguments: str) -> Done:
        command = [sys.executable, "-m", "fleetkeep", "--prefix", str(self.paths.prefix), *arguments]
        beside = str(Path(sys.executable).parent)
        environment = {**os.environ, "PATH": f"{beside}:{os.environ['PATH']}", "NO_COLOR": "1"}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        return Done(done.returncode, done.stdout, done.stderr)

    def tell(self, message: Any) -> None:
        director = EmbeddedDirector(open_catalog(self.paths.catalog), CLOCK)
        with closing(Ledger(self.paths.spool, director, "web1", CLOCK)) as ledger:
            ledger.tell(message)
            assert ledger.is_told(), ledger.problem

    def verifications(self, **wanted: Any) -> list[Any]:
        with closing(open_catalog(self.paths.catalog)) as catalog:
            return list_verifications(catalog, **wanted)

    def flip_a_bit(self) -> None:
        files = [path for path in (self.repository / "data").rglob("*") if path.is_file()]
        with max(files, key=lambda path: path.stat().st_size).open("r+b") as file:
            file.seek(25_000)
            byte = file.read(1)[0]
            file.seek(25_000)
            file.write(bytes([byte ^ 0x10]))


@pytest.fixture
def client(host, local_access, make_archive, tree) -> Client:
    repository = Repository(name="local", location=local_access.location)
    sources = Sources(paths=(SourcePath(path=str(tree)),))
    job = Job(name="system", sources=sources, repositories=("local",), retention=Retention(daily=7))
    state = DesiredState(client="web1", repositories={"local": repository}, jobs={"system": job})
    points = [make_archive("one", tree), make_archive("two", tree)]
    repository_id = points[0].archive.repository_id
    owned = OwnedRepository(name="local", id=repository_id, location=repository.location, known_since=CLOCK.now())
    write_file(host.desired, state.model_dump_json())
    write_file(host.job("system"), job.model_dump_json())
    write_file(host.repository("local"), repository.model_dump_json())
    write_file(host.owned, Owned(repositories={"local": owned}).model_dump_json())
    put_empty_catalog(host.catalog)
    client = Client(host, Path(repository.location), tree, points)
    client.tell(StateApplied(at=CLOCK.now(), state=state))
    for point in points:
        client.tell(
            ArchiveReceived(job="system", run_id=point.archive.name, outcome=point.outcome, archive=point.archive)
        )
    return client


# --- check ---


def test_all_is_checked_recorded_and_shown(client):
    done = client.call("check", "--all")
    assert (done.exit_code, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert [line.split(" sound")[0] for line in lines] == [
        "local: segments",
        "local: metadata of two",
        "local: metadata of one",
        "local: content of two",
        "local: content of one",
    ]
    found = client.verifications()
    assert {(one.kind.value, one.archive_name) for one in found} == {
        ("repository", ""),
        ("archive", "one"),
        ("archive", "two"),
        ("data", "one"),
        ("data", "two"),
    }
    assert {one.outcome for one in found} == {Outcome.SUCCEEDED}


def test_a_short_budget_checks_one_archive_at_least_and_the_next_call_another(client):
    for _ in range(2):
        assert client.call("check", "local", "--archives", "--max-duration", "1s").exit_code == 0
    found = client.verifications(kinds=[VerificationKind.ARCHIVE])
    assert [one.archive_name for one in found] == ["one", "two"]


def test_damage_is_said_with_the_next_step_and_stands_in_the_record(client):
    client.flip_a_bit()
    done = client.call("check", "--data", "--json")
    assert done.exit_code == 1
    assert f"[{DamageFound.code}]" in done.stderr
    assert "Never run `borg check --repair` on it" in done.stderr
    results = json.loads(done.stdout)
    assert {one["outcome"] for one in results} == {"failed"}
    assert all("file" in path for one in results[1:] for path in one["evidence"]["damaged"])


def test_an_archive_that_was_deleted_meanwhile_is_no_damage(client, local_access):
    from fleetkeep.borg.command import delete_arguments
    from fleetkeep.borg.process import run_borg

    run_borg(local_access, delete_arguments(local_access.location, ["one"]))
    done = client.call("check", "--archives")
    assert done.exit_code == 1
    assert "1 archive (one) that the catalog knows is not in the repository" in done.stdout
    gone = client.points[0].archive
    client.tell(
        ArchivesDeleted(at=CLOCK.now(), repository="local", repository_id=gone.repository_id, archive_ids=(gone.id,))
    )
    done = client.call("check", "--archives")
    assert (done.exit_code, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--max-duration", "soon"], "write a duration as a number with s, m, h, d or w"),
        (["--max-duration", "0s"], "a check needs at least 1s"),
        (["elsewhere"], UnknownRepository.code),
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_sentence(client, arguments, words):
    done = client.call("check", *arguments)
    assert done.exit_code == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert client.verifications() == []


# --- verify ---


def test_an_untouched_host_and_a_touched_one(client):
    same = client.call("verify", "disk", "system", "--from-archive")
    assert (same.exit_code, same.stderr) == (0, "")
    assert "compared with two: nothing changed" in same.stdout
    (client.tree / "file1").write_text("changed")
    changed = client.call("verify", "disk", "system", str(client.tree / "file1"))
    assert changed.exit_code == 2
    assert "The catalog does not know the files of the archive yet" in changed.stderr
    assert f"  changed    /{str(client.tree).lstrip('/')}/file1 (size, modified)" in changed.stdout
    (client.tree / "file2").chmod(0o4755)
    suspicious = client.call("verify", "disk", "one", "--from-archive", "--json")
    assert suspicious.exit_code == 3
    assert json.loads(suspicious.stdout)["counts"] == {"suspicious": 1, "changed": 1}
    kinds = [(one.outcome.value, one.archive_name) for one in client.verifications(kinds=[VerificationKind.DISK])]
    assert kinds == [("failed", "one"), ("warning", "two"), ("succeeded", "two")]


def test_silent_corruption_is_found_and_listed(client):
    assert client.call("verify", "spot", "system").exit_code == 0
    victim = client.tree / "file3"
    before = victim.stat()
    victim.write_bytes(bytes(len(victim.read_bytes())))
    os.utime(victim, ns=(before.st_atime_ns, before.st_mtime_ns))
    done = client.call("verify", "spot", "system")
    assert done.exit_code == 1
    assert "NOT proven: 1 file (" in done.stdout
    listed = client.call("verify", "list", "--kind", "spot")
    assert "file3) differs from the archive" in listed.stdout
    assert json.loads(client.call("verify", "list", "--json").stdout)[0]["evidence"]["compared"] == 6


def test_a_catalog_without_the_files_is_said_to_be_so(client):
    done = client.call("verify", "catalog", "two")
    assert done.exit_code == 1
    assert "Traceback" not in done.stderr
    assert "two" in done.stderr
    assert client.call("verify", "list").stdout == "Nothing was verified yet; `fleetkeep check` begins.\n"
