# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from fleetkeep.borg.access import BorgAccess
from fleetkeep.borg.command import (
    compact_arguments,
    create_arguments,
    delete_arguments,
    extract_arguments,
    init_arguments,
    list_arguments,
    list_items_arguments,
)
from fleetkeep.borg.events import ArchiveProgress, Event, LogMessage, ProgressPercent
from fleetkeep.borg.failures import failure_of
from fleetkeep.borg.passphrase import Passphrase
from fleetkeep.borg.process import Cancellation, run_borg
from fleetkeep.borg.program import BorgProgram
from fleetkeep.errors import (
    NotARepository,
    RepositoryLocked,
    RepositoryMissing,
    RepositoryUnreachable,
    RepositoryWrongPassphrase,
)


@pytest.fixture
def access(borg_program: BorgProgram, tmp_path: Path) -> BorgAccess:
    """A new encrypted repository, whose path has a blank in it."""
    environment = {
        "PATH": os.environ["PATH"],
        "BORG_BASE_DIR": str(tmp_path / "base"),
        "BORG_CACHE_DIR": str(tmp_path / "cache"),
        "TZ": "UTC",
    }
    access = BorgAccess(borg_program.path, str(tmp_path / "re po"), Passphrase("s3cret ü"), environment)
    result = run_borg(access, init_arguments(access.location, encryption="repokey-blake2"))
    assert result.exit_code == 0, result
    return access


def with_changes(access: BorgAccess, **changes: object) -> BorgAccess:
    import dataclasses

    return dataclasses.replace(access, **changes)  # type: ignore[arg-type]


def create(access: BorgAccess, name: str, *paths: Path) -> list[str]:
    return create_arguments(access.location, name, [str(path) for path in paths], compression="lz4")


def slow_program(path: Path, *, stubborn: bool) -> str:
    """A program that says it began and then hangs, with a child that must not survive it."""
    trap = "trap '' TERM\n" if stubborn else ""
    path.write_text(f'#!/bin/sh\n{trap}echo \'{{"type": "log_message", "message": "began"}}\' >&2\nsleep 60\n')
    path.chmod(0o755)
    return str(path)


def test_an_archive_from_nothing_to_its_deletion(access: BorgAccess, tree: Path, tmp_path: Path) -> None:
    events: list[Event] = []
    made = run_borg(access, create(access, "first", tree), on_event=events.append)
    assert made.exit_code == 0
    assert any(isinstance(event, ArchiveProgress) for event in events)
    facts = json.loads(made.stdout)
    assert facts["archive"]["stats"]["nfiles"] == 6  # regular files only

    listed = json.loads(run_borg(access, list_arguments(access.location)).stdout)["archives"]
    assert [(entry["name"], entry["id"]) for entry in listed] == [("first", facts["archive"]["id"])]

    items = run_borg(access, list_items_arguments(access.location, "first")).stdout.splitlines()
    assert len(items) == 9

    target = tmp_path / "target"
    target.mkdir()
    assert run_borg(access, extract_arguments(access.location, "first"), working_directory=target).exit_code == 0
    assert (target / str(tree / "file1").lstrip("/")).read_bytes() == (tree / "file1").read_bytes()

    assert run_borg(access, delete_arguments(access.location, ["first"])).exit_code == 0
    events.clear()
    assert run_borg(access, compact_arguments(access.location), on_event=events.append).exit_code == 0
    assert any(isinstance(event, ProgressPercent) for event in events)
    assert json.loads(run_borg(access, list_arguments(access.location)).stdout)["archives"] == []


def test_output_goes_to_a_file_when_one_is_given(access: BorgAccess, tree: Path, tmp_path: Path) -> None:
    run_borg(access, create(access, "first", tree))
    arguments = extract_arguments(access.location, "first", [str(tree / "file2").lstrip("/")], to_standard_output=True)
    with (tmp_path / "out").open("wb") as out:
        result = run_borg(access, arguments, standard_output=out)
    assert result.stdout == b""
    assert (tmp_path / "out").read_bytes() == (tree / "file2").read_bytes()


def test_the_passphrase_is_in_neither_arguments_nor_environment(access: BorgAccess, tree: Path) -> None:
    (tree / "large").write_bytes(os.urandom(80_000_000))
    seen: list[bytes] = []

    def look(_: Event) -> None:
        own = os.getpid()
        for process in Path("/proc").glob("[0-9]*"):
            try:
                status = (process / "stat").read_text().rsplit(")", 1)[1].split()
                if int(status[1]) == own:
                    seen.append((process / "cmdline").read_bytes() + (process / "environ").read_bytes())
            except OSError:
                continue

    assert run_borg(access, create(access, "first", tree), on_event=look).exit_code == 0
    assert any(b"--progress" in text and b"BORG_PASSPHRASE_FD" in text for text in seen)
    assert not any(b"s3cret" in text for text in seen)


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"passphrase": Passphrase("wrong")}, RepositoryWrongPassphrase),
        ({"passphrase": None}, RepositoryWrongPassphrase),
        ({"location": "/no/such/repository"}, RepositoryMissing),
        ({"location": "/etc"}, NotARepository),
        ({"location": "ssh://nobody@127.0.0.1:1/srv"}, RepositoryUnreachable),
    ],
)
def test_real_failures_have_their_error(access: BorgAccess, changes: dict[str, object], kind: type[Exception]) -> None:
    broken = with_changes(access, **changes)
    result = run_borg(broken, list_arguments(broken.location, lock_wait_seconds=1))
    assert not result.is_success
    assert type(failure_of(result, "list", "offsite", broken.location)) is kind


def test_a_lock_of_another_process_is_waited_for_and_then_named(access: BorgAccess) -> None:
    lock = Path(access.location) / "lock.exclusive"
    lock.mkdir()
    (lock / "elsewhere@1.99-0").touch()
    result = run_borg(access, list_arguments(access.location, lock_wait_seconds=1))
    assert type(failure_of(result, "list", "offsite", access.location)) is RepositoryLocked
    assert lock.exists()


def test_cancelling_ends_borg_within_two_seconds_and_leaves_no_lock(access: BorgAccess, tree: Path) -> None:
    (tree / "large").write_bytes(os.urandom(300_000_000))
    cancellation = Cancellation()
    asked: list[float] = []

    def stop(event: Event) -> None:
        if isinstance(event, ArchiveProgress) and event.original_bytes and not asked:
            asked.append(time.monotonic())
            cancellation.cancel()

    result = run_borg(access, create(access, "first", tree), on_event=stop, cancellation=cancellation)
    assert result.cancelled
    assert time.monotonic() - asked[0] < 2
    assert not list(Path(access.location).glob("lock*"))
    assert not list(Path(access.environment["BORG_CACHE_DIR"]).glob("*/lock*"))
    assert run_borg(access, list_arguments(access.location, lock_wait_seconds=1)).exit_code == 0


@pytest.mark.parametrize("stubborn", [False, True])
def test_a_program_that_hangs_is_ended_with_its_children(access: BorgAccess, tmp_path: Path, stubborn: bool) -> None:
    hanging = with_changes(access, program=slow_program(tmp_path / "program", stubborn=stubborn))
    began = time.monotonic()
    result = run_borg(hanging, ["create"], deadline_seconds=0.3)
    assert result.timed_out
    assert not result.cancelled
    assert time.monotonic() - began < 3
    assert result.exit_code == 128 + (signal.SIGKILL if stubborn else signal.SIGTERM)
    assert [message.message for message in result.log] == ["began"]


def test_the_lock_of_a_killed_process_is_removed(access: BorgAccess, tmp_path: Path) -> None:
    import uuid

    holder = f"{os.uname().nodename}@{uuid.getnode()}"
    lock = Path(access.location) / "lock.exclusive"
    script = tmp_path / "program"
    script.write_text(
        f"#!/bin/sh\ntrap '' TERM\nmkdir '{lock}'\ntouch '{lock}/{holder}.'$$-0\nwhile :; do sleep 1; done\n"
    )
    script.chmod(0o755)
    result = run_borg(with_changes(access, program=str(script)), ["create"], deadline_seconds=0.5)
    assert result.timed_out
    assert not lock.exists()


def test_an_error_in_the_listener_ends_the_process(access: BorgAccess, tmp_path: Path) -> None:
    hanging = with_changes(access, program=slow_program(tmp_path / "program", stubborn=True))

    def fail(_: Event) -> None:
        raise RuntimeError("listener")

    began = time.monotonic()
    with pytest.raises(RuntimeError, match="listener"):
        run_borg(hanging, ["create"], on_event=fail)
    assert time.monotonic() - began < 3


def test_many_messages_keep_the_first_and_the_last(access: BorgAccess, tmp_path: Path) -> None:
    script = tmp_path / "program"
    script.write_text("#!/bin/sh\nseq 1 5000 >&2\n")
    script.chmod(0o755)
    log = run_borg(with_changes(access, program=str(script)), ["create"]).log
    assert len(log) == 1200
    assert (log[0].message, log[-1].message) == ("1", "5000")
    assert all(isinstance(message, LogMessage) for message in log)


def test_a_program_that_is_not_there_is_an_os_error_and_leaks_no_descriptor(access: BorgAccess) -> None:
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(FileNotFoundError):
        run_borg(with_changes(access, program="/no/such/borg"), ["list"])
    assert len(os.listdir("/proc/self/fd")) == before


def test_another_thread_may_cancel(access: BorgAccess, tmp_path: Path) -> None:
    hanging = with_changes(access, program=slow_program(tmp_path / "program", stubborn=False))
    cancellation = Cancellation()
    timer = threading.Timer(0.3, cancellation.cancel)
    timer.start()
    assert run_borg(hanging, ["create"], cancellation=cancellation).cancelled
    timer.join()


def test_an_endless_output_ends_the_process(
    access: BorgAccess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fleetkeep.borg.process.LARGEST_OUTPUT_BYTES", 100_000)
    script = tmp_path / "program"
    script.write_text("#!/bin/sh\nexec yes\n")
    script.chmod(0o755)
    result = run_borg(with_changes(access, program=str(script)), ["list"])
    assert not result.is_success
    assert result.log[-1].message_id == "OutputTooLarge"
    assert len(result.stdout) <= 100_000
