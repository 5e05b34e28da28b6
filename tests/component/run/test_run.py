# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs against real Borg repositories."""

from __future__ import annotations

import json
import os
import shutil
import stat
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from fleetkeep.agent.files import write_file
from fleetkeep.agent.lock import hold
from fleetkeep.agent.runner import KILLED, run_job
from fleetkeep.catalog.database import open_catalog
from fleetkeep.clock import SystemClock
from fleetkeep.director.embedded import EmbeddedDirector
from fleetkeep.director.history import list_runs
from fleetkeep.errors import JobBusy
from fleetkeep.link import ArchiveReceived, ArchivesDeleted, RunFinished
from fleetkeep.model import ListedArchive, Outcome, Run, StageName, Trigger

from .conftest import Host  # type: ignore[import-not-found]


def stages(run: Run, repository: int = 0) -> list[tuple[str, str]]:
    return [(stage.name.value, stage.outcome.value) for stage in run.repositories[repository].stages]


def test_a_first_run_makes_one_received_archive(host: Host, tree: Path) -> None:
    host.add_repository("local")
    run = host.run(host.job(tree))
    assert (run.outcome, run.reason) == (Outcome.SUCCEEDED, "")
    archive = run.repositories[0].archive
    assert archive is not None
    assert archive.files == 6
    assert archive.name.startswith("web1-documents-")
    assert archive.name.endswith(f"Z-{run.id}")
    assert [(entry.id, entry.name) for entry in host.archives("local")] == [(archive.id, archive.name)]
    assert host.director.kinds == ["run_started", "archive_received", "files_indexed", "files_indexed", "run_finished"]
    assert stages(run) == [("create", "succeeded"), ("reconcile", "succeeded"), ("index", "succeeded")]
    assert host.director.requests[0].listed == (ListedArchive(id=archive.id, name=archive.name),)
    assert not host.paths.running("documents").exists()


def test_an_unchanged_run_adds_almost_nothing(host: Host, tree: Path) -> None:
    host.add_repository("local")
    host.run(host.job(tree))
    second = host.run(host.job(tree)).repositories[0].archive
    assert second is not None
    assert second.deduplicated_bytes < second.original_bytes / 100
    started = next(event for event in host.events if event.event == "run_started")
    assert started.data["expected"]["local"]["files"] == 6  # type: ignore[index]


def test_the_times_of_an_archive_are_utc(host: Host, tree: Path) -> None:
    host.add_repository("local")
    run = host.run(host.job(tree))
    archive = run.repositories[0].archive
    assert archive is not None
    assert abs((archive.started_at - run.started_at).total_seconds()) < 60


@pytest.mark.parametrize("trouble", ["missing", "empty", "link"])
def test_a_source_that_is_not_there_makes_no_archive(host: Host, tree: Path, trouble: str) -> None:
    host.add_repository("local")
    source = tree.parent / "mounted"
    if trouble == "empty":
        source.mkdir()
    if trouble == "link":
        source.symlink_to(tree)
    run = host.run(host.job(tree, source))
    assert run.outcome is Outcome.FAILED
    assert str(source) in run.reason
    assert run.repositories == ()
    assert host.archives("local") == []
    assert host.director.kinds == ["run_started", "run_finished"]


def test_a_missing_source_may_be_allowed(host: Host, tree: Path) -> None:
    host.add_repository("local")
    run = host.run(host.job(tree, {"path": "/no/such/folder", "allow": ["missing"]}))
    assert run.outcome is Outcome.SUCCEEDED
    assert [event.data for event in host.events if event.event == "source_left_out"] == [{"path": "/no/such/folder"}]


def test_a_source_on_another_mount_is_refused_until_it_is_accepted(host: Host, tree: Path) -> None:
    host.add_repository("local")
    host.run(host.job(tree))
    facts = json.loads(host.paths.facts("documents").read_text())
    facts["mounts"][str(tree)]["source"] = "/dev/sdz9"
    host.paths.facts("documents").write_text(json.dumps(facts))
    refused = host.run(host.job(tree))
    assert refused.outcome is Outcome.FAILED
    assert "/dev/sdz9" in refused.reason
    assert host.run(host.job(tree), accept_changes=True).outcome is Outcome.SUCCEEDED
    assert host.run(host.job(tree)).outcome is Outcome.SUCCEEDED


def test_a_repository_inside_a_source_is_refused_unless_it_is_excluded(host: Host, tree: Path) -> None:
    inside = host.add_repository("local", location=str(tree / "storage"))
    assert "into itself" in host.run(host.job(tree)).reason
    sources = {"paths": [str(tree)], "exclude": [inside.location]}
    run = host.run(host.job(tree, sources=sources))
    assert run.outcome is Outcome.SUCCEEDED
    assert run.repositories[0].archive.files == 6  # type: ignore[union-attr]


def test_our_own_cache_is_never_backed_up(host: Host, tree: Path) -> None:
    host.add_repository("local")
    first = host.run(host.job(tree))
    assert any(host.paths.borg_cache.rglob("chunks"))
    second = host.run(host.job(host.paths.prefix, name="all"))
    assert second.outcome is Outcome.SUCCEEDED, second.reason
    held = sum(len(files) for _, _, files in os.walk(host.paths.prefix))
    in_cache = sum(len(files) for _, _, files in os.walk(host.paths.borg_cache))
    assert first.outcome is Outcome.SUCCEEDED
    assert in_cache > 0
    assert second.repositories[0].archive.files < held - in_cache + 4  # type: ignore[union-attr]


def test_files_that_cannot_be_read_are_a_warning_with_their_names(host: Host, tree: Path) -> None:
    host.add_repository("local")
    # The memory of a process is a file that opens and then fails to read, also for root.
    (tree / "odd: name").mkdir()
    sources = {"paths": [str(tree), "/proc/self/mem", "/proc/self/task/1/no"], "exclude": []}
    job = host.job(tree, sources={**sources, "paths": [str(tree), "/proc/self/mem"]})
    run = host.run(job)
    result = run.repositories[0]
    assert run.outcome is Outcome.WARNING
    assert result.reason == "Borg warned about 1 file; everything else is in the archive."
    assert [(warning.path, warning.code) for warning in result.warnings] == [("/proc/self/mem", "BackupIOError")]
    assert result.warning_count == 1
    assert result.archive is not None
    assert any(event.event == "file_warning" for event in host.events)


def test_a_wrong_passphrase_is_one_sentence(host: Host, tree: Path) -> None:
    host.add_repository("local")
    write_file(host.paths.passphrase("local"), "something else\n")
    run = host.run(host.job(tree))
    assert run.outcome is Outcome.FAILED
    assert "exists with another passphrase" in run.reason
    assert stages(run) == [("create", "failed"), ("reconcile", "failed")]


def test_a_repository_that_somebody_replaced_is_not_written_to(host: Host, tree: Path) -> None:
    repository = host.add_repository("local")
    shutil.rmtree(repository.location)
    other = host.add_repository("other")
    shutil.move(other.location, repository.location)
    run = host.run(host.job(tree, repositories=["local"]))
    assert run.outcome is Outcome.FAILED
    assert "somebody put another repository there" in run.reason
    assert stages(run) == []


def test_a_repository_that_is_gone_is_not_made_anew(host: Host, tree: Path) -> None:
    repository = host.add_repository("local")
    shutil.rmtree(repository.location)
    run = host.run(host.job(tree))
    assert "is not at" in run.reason
    assert not Path(repository.location).exists()


def test_a_repository_that_no_apply_made_is_refused(host: Host, tree: Path) -> None:
    host.add_repository("local")
    host.paths.owned.unlink()
    assert "was never created or adopted" in host.run(host.job(tree)).reason


def test_a_locked_repository_is_named_and_stays_locked(host: Host, tree: Path) -> None:
    repository = host.add_repository("local")
    lock = Path(repository.location) / "lock.exclusive"
    lock.mkdir()
    (lock / "elsewhere@1.99-0").touch()
    run = host.run(host.job(tree))
    assert "is locked by another process" in run.reason
    assert lock.exists()


def test_each_repository_has_its_own_outcome(host: Host, tree: Path) -> None:
    host.add_repository("good", secret="one passphrase")
    host.add_repository("bad", secret="another")
    write_file(host.paths.passphrase("bad"), "wrong\n")
    run = host.run(host.job(tree))
    assert {result.repository: result.outcome for result in run.repositories} == {
        "good": Outcome.SUCCEEDED,
        "bad": Outcome.FAILED,
    }
    assert run.outcome is Outcome.FAILED
    assert run.reason.startswith("bad: ")
    assert len(host.archives("good")) == 1
    assert [
        m.message.archive.repository for m in host.director.envelopes if isinstance(m.message, ArchiveReceived)
    ] == ["good"]


def test_a_run_with_an_exhausted_disk_says_so(host: Host, tree: Path, small_disk: Path) -> None:
    (tree / "large").write_bytes(os.urandom(12_000_000))
    host.add_repository("local", location=str(small_disk / "repository"))
    run = host.run(host.job(tree))
    assert run.outcome is Outcome.FAILED
    assert run.reason.startswith("There is no space left for repository local at ")
    (tree / "large").unlink()
    assert host.run(host.job(tree)).outcome is Outcome.SUCCEEDED


def test_retention_deletes_by_name_and_id_and_frees_the_space(host: Host, tree: Path) -> None:
    host.add_repository("local")
    first = host.run(host.job(tree)).repositories[0].archive
    assert first is not None
    host.director.choose = lambda request: [entry for entry in request.listed if entry.id == first.id]
    run = host.run(host.job(tree))
    assert run.outcome is Outcome.SUCCEEDED
    assert run.repositories[0].deleted == (first.name,)
    assert [entry.id for entry in host.archives("local")] == [run.repositories[0].archive.id]  # type: ignore[union-attr]
    assert stages(run)[3:] == [("delete", "succeeded"), ("compact", "succeeded")]
    told = [m.message for m in host.director.envelopes if isinstance(m.message, ArchivesDeleted)]
    assert [message.archive_ids for message in told] == [(first.id,)]


def test_in_an_append_only_repository_nothing_is_tried_that_only_its_storage_can_do(host: Host, tree: Path) -> None:
    host.add_repository("local", append_only=True)
    first = host.run(host.job(tree)).repositories[0].archive
    assert first is not None
    host.director.choose = lambda request: [entry for entry in request.listed if entry.id == first.id]
    run = host.run(host.job(tree))
    assert run.outcome is Outcome.SUCCEEDED
    assert run.repositories[0].deleted == (first.name,)
    assert stages(run)[3:] == [("delete", "succeeded")]


def test_a_plan_that_lets_everything_go_cannot_delete_the_archive_just_made(host: Host, tree: Path) -> None:
    host.add_repository("local")
    host.director.choose = lambda request: [*request.listed, ListedArchive(id="0" * 64, name=request.listed[0].name)]
    run = host.run(host.job(tree))
    assert run.outcome is Outcome.SUCCEEDED
    assert len(host.archives("local")) == 1


def test_a_director_that_does_not_answer_costs_no_backup(host: Host, tree: Path) -> None:
    host.add_repository("local")
    host.director.failure = ConnectionError("no route to the Director")
    run = host.run(host.job(tree))
    assert run.outcome is Outcome.SUCCEEDED
    assert stages(run)[-1] == ("delete", "skipped")
    assert "no route to the Director" in run.repositories[0].stages[-1].reason
    assert host.director.requests == []
    host.director.failure = None
    again = host.run(host.job(tree))
    assert again.outcome is Outcome.SUCCEEDED
    kinds = [kind for kind in host.director.kinds if kind != "files_indexed"]
    assert kinds == ["run_started", "archive_received", "run_finished"] * 2
    numbers = [envelope.sequence for envelope in host.director.envelopes]
    assert numbers == list(range(1, len(numbers) + 1))


def test_a_record_that_was_broken_is_a_warning_and_begun_anew(host: Host, tree: Path) -> None:
    host.add_repository("local")
    write_file(host.paths.spool, "not a database" * 1000)
    run = host.run(host.job(tree))
    assert run.outcome is Outcome.WARNING
    assert "spool.sqlite.broken-1; a new one was begun." in run.reason
    kinds = [kind for kind in host.director.kinds if kind != "files_indexed"]
    assert kinds == ["run_started", "archive_received", "run_finished"]
    assert host.run(host.job(tree)).outcome is Outcome.SUCCEEDED


def test_a_record_that_cannot_be_written_costs_no_backup(host: Host, tree: Path) -> None:
    host.add_repository("local")
    host.paths.spool.mkdir()
    run = host.run(host.job(tree))
    assert run.outcome is Outcome.WARNING
    assert run.reason.startswith("Nothing can be recorded in ")
    assert len(host.archives("local")) == 1
    assert stages(run)[-1] == ("delete", "skipped")


def test_a_source_that_shrank_holds_retention_until_a_person_agrees(host: Host, tree: Path) -> None:
    host.add_repository("local")
    host.run(host.job(tree))
    host.director.choose = lambda request: request.listed
    for path in tree.glob("file*"):
        path.unlink()
    for _ in range(2):
        held = host.run(host.job(tree))
        assert held.outcome is Outcome.WARNING
        assert "holds 1 files, the last good one 6" in held.reason
        assert stages(held)[-1] == ("delete", "skipped")
    assert len(host.archives("local")) == 3
    accepted = host.run(host.job(tree), accept_changes=True)
    assert accepted.outcome is Outcome.SUCCEEDED
    assert len(host.archives("local")) == 1
    assert host.run(host.job(tree)).outcome is Outcome.SUCCEEDED


def test_an_archive_without_a_file_is_a_warning(host: Host, tree: Path) -> None:
    host.add_repository("local")
    run = host.run(host.job(tree, sources={"paths": [str(tree)], "exclude": ["*/file*", "*/sub"]}))
    assert run.outcome is Outcome.WARNING
    assert run.reason.startswith("The archive holds no file.")


def test_what_an_interrupted_run_left_is_removed_by_the_next(host: Host, tree: Path) -> None:
    repository = host.add_repository("local")
    from fleetkeep.agent.access import repository_access
    from fleetkeep.borg.command import create_arguments
    from fleetkeep.borg.process import run_borg

    access = repository_access(host.paths, repository, host.program)
    left = "web1-documents-20261121T020000Z-0123456789ab.checkpoint"
    foreign = "web2-documents-20261121T020000Z-0123456789ab.checkpoint"
    for name in (left, foreign):
        run_borg(access, create_arguments(access.location, name, [str(tree)], compression="lz4"))
    run = host.run(host.job(tree))
    assert run.repositories[0].deleted == (left,)
    assert {entry.name for entry in host.archives("local") if entry.is_checkpoint} == {foreign}
    assert "archives_deleted" not in host.director.kinds
    assert all(".checkpoint" not in entry.name for entry in host.director.requests[0].listed)


def test_a_job_that_is_running_is_not_started_twice(host: Host, tree: Path) -> None:
    host.add_repository("local")
    with hold(host.paths.job_lock("documents")):
        with pytest.raises(JobBusy, match=str(os.getpid())):
            host.run(host.job(tree))
        skipped = host.run(host.job(tree), trigger=Trigger.SCHEDULE)
    assert skipped.outcome is Outcome.SKIPPED
    assert skipped.finished_at is not None
    assert host.director.kinds == ["run_finished"]


def test_a_run_that_was_killed_is_recorded_by_the_next(host: Host, tree: Path) -> None:
    host.add_repository("local")
    run = host.run(host.job(tree))
    dead = run.model_copy(update={"id": "dead00000000", "outcome": Outcome.RUNNING, "finished_at": None})
    write_file(host.paths.running("documents"), dead.model_dump_json())
    host.run(host.job(tree))
    ends = [m.message.run for m in host.director.envelopes if isinstance(m.message, RunFinished)]
    assert [(end.id, end.reason) for end in ends if end.outcome is Outcome.FAILED] == [("dead00000000", KILLED)]


def test_the_log_of_a_run_is_its_owners_alone(host: Host, tree: Path) -> None:
    host.add_repository("local")
    run = host.run(host.job(tree))
    log = host.paths.run_log(run.id)
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    assert stat.S_IMODE(log.parent.stat().st_mode) == 0o700
    events = [json.loads(line) for line in log.read_text().splitlines()]
    assert [events[0]["event"], events[-1]["event"]] == ["run_started", "run_finished"]
    assert not any(event["event"] == "progress" for event in events)


def test_a_repository_without_encryption_needs_no_passphrase(host: Host, tree: Path) -> None:
    host.add_repository("plain", encrypted=False)
    assert host.run(host.job(tree)).outcome is Outcome.SUCCEEDED


def test_stages_name_what_they_took(host: Host, tree: Path) -> None:
    host.add_repository("local")
    create = host.run(host.job(tree)).repositories[0].stages[0]
    assert create.name is StageName.CREATE
    assert create.exit_code == 0
    assert create.duration_seconds > 0


def test_one_repository_of_two_that_is_locked_does_not_hold_up_the_other(host: Host, tree: Path) -> None:
    host.add_repository("free")
    locked = host.add_repository("locked")
    lock = Path(locked.location) / "lock.exclusive"
    lock.mkdir()
    (lock / "elsewhere@1.99-0").touch()
    run = host.run(host.job(tree))
    outcomes = {part.repository: part.outcome for part in run.repositories}
    assert outcomes == {"free": Outcome.SUCCEEDED, "locked": Outcome.FAILED}
    assert run.reason.startswith("locked: Repository locked at ")
    assert lock.exists()
    assert len(host.archives("free")) == 1


def test_a_clock_that_was_set_back_costs_no_archive(host: Host, tree: Path, tmp_path: Path) -> None:
    """Runs at noon, an hour before, and a day after, with the real retention of one archive behind them."""
    host.add_repository("local")
    clock = SteppedClock()
    catalog = open_catalog(tmp_path / "catalog.sqlite")
    outcomes, made = [], []
    for hours in (0, -1, 24):
        clock.offset = timedelta(hours=hours)
        run = run_job(
            host.job(tree, retention={"last": 1}),
            paths=host.paths,
            director=EmbeddedDirector(catalog, clock),
            clock=clock,
            trigger=Trigger.HAND,
        )
        outcomes.append(run.outcome)
        made.append(run.repositories[0].archive.id)  # type: ignore[union-attr]
        assert made[-1] in [entry.id for entry in host.archives("local")]
        assert set(made[:2]) <= {entry.id for entry in host.archives("local")} or hours > 0
    assert outcomes == [Outcome.SUCCEEDED] * 3
    assert len(list_runs(catalog)) == 3
    assert not any(run.outcome is Outcome.RUNNING for run in list_runs(catalog))
    catalog.close()


class SteppedClock(SystemClock):
    """The clock of this machine, off by some time."""

    offset = timedelta()

    def now(self) -> datetime:
        return super().now() + self.offset
