# SPDX-License-Identifier: GPL-3.0-or-later
"""Mounts as a person calls them, with real FUSE; above all, that a mount never costs a backup."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from managed import ManagedHost
from sites import Done

from fleetkeep.agent.lock import hold
from fleetkeep.agent.mount import MountOrder, check_mountpoint, keep_mounted, unmount
from fleetkeep.agent.mounts import is_borg_mount
from fleetkeep.borg.command import create_arguments
from fleetkeep.borg.process import run_borg
from fleetkeep.borg.program import BorgProgram, find_borg
from fleetkeep.clock import SystemClock
from fleetkeep.errors import MountPointUnusable, MountUnsupported

HOSTILE = (b"new\nline", b"esc\x1b[31m", b"caf\xe9", b"[bold]brackets[red]", b"-dash", "\u202egnp.exe".encode())
PATIENCE_SECONDS = 20.0


@pytest.fixture(scope="module", autouse=True)
def borg_program(own_borg: Path | None) -> Iterator[BorgProgram]:
    """The Borg beside this interpreter: the one in an environment of its own has nothing that mounts need."""
    with pytest.MonkeyPatch.context() as patch:
        if own_borg is not None:
            patch.delenv("FLEETKEEP_BORG")
        yield find_borg(os.environ.get("FLEETKEEP_BORG"), os.environ.get("PATH", ""))


@pytest.fixture(scope="module")
def fuse(borg_program) -> None:
    """Real FUSE, or a skip that says what is missing."""
    if not Path("/dev/fuse").exists():
        pytest.skip("this machine has no /dev/fuse")
    asked = subprocess.run(
        [borg_program.path, "mount", "/nowhere", "/nowhere"], capture_output=True, text=True, check=False
    )
    if "no FUSE support" in asked.stderr:
        pytest.skip(f"{borg_program.path} has no FUSE support")
    if os.geteuid() != 0:
        pytest.skip("a file system is mounted as root here")


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A mount point that is free again in the end."""
    place = tmp_path / "here"
    place.mkdir()
    yield place
    if is_borg_mount(str(place)):
        unmount(str(place))


@pytest.fixture
def host(tmp_path: Path, tree: Path, borg_program) -> ManagedHost:
    for name in HOSTILE:
        (tree / os.fsdecode(name)).write_bytes(name)
    made = ManagedHost(tmp_path, borg_program, [tree])
    made.back_up("web1-one", tree)
    return made


def command(host: ManagedHost, *words: object) -> list[str]:
    return [sys.executable, "-m", "fleetkeep", "--prefix", str(host.paths.prefix), *map(str, words)]


def call(host: ManagedHost, *words: object) -> Done:
    done = subprocess.run(command(host, *words), capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    return Done(done.returncode, done.stdout, done.stderr)


def wait_until(happened: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not happened():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.05)


def locks(host: ManagedHost) -> list[Path]:
    return [
        path
        for path in Path(host.access.location).glob("lock.*")
        if path.name != "lock.roster" or path.read_bytes() != b"{}"
    ]


@pytest.mark.usefixtures("fuse")
def test_an_archive_is_a_folder_for_a_while(host, folder, tree):
    done = call(host, "mount", "web1-one", folder, "--for", "10m")
    assert done.exit_code == 0, done.said
    assert done.stdout.startswith(f"Mounted archive web1-one read-only at {folder} until ")
    assert "or until a run needs repository local" in done.stdout

    there = folder / str(tree).lstrip("/")
    assert sorted(os.listdir(bytes(there))) == sorted(os.listdir(bytes(tree)))
    for name in HOSTILE:
        assert (there / os.fsdecode(name)).read_bytes() == name
    with pytest.raises(OSError, match="Read-only"):
        (there / "new").write_text("x")

    again = call(host, "mount", "web1-one", folder)
    assert (again.exit_code, "FK571" in again.stderr) == (1, True)

    listed = json.loads(call(host, "mounts", "--json").stdout)
    assert [(each["state"], each["mountpoint"], each["archive"]) for each in listed] == [
        ("mounted", str(folder), "web1-one")
    ]
    ended = call(host, "umount", folder)
    assert (ended.exit_code, ended.stdout) == (0, f"Unmounted {folder}.\n")
    assert list(folder.iterdir()) == []
    assert locks(host) == []
    assert "somebody asked for it" in call(host, "mounts").stdout
    missing = call(host, "umount", folder)
    assert (missing.exit_code, "FK573" in missing.stderr) == (1, True)


@pytest.mark.usefixtures("fuse")
def test_a_backup_goes_first(host, folder, tree):
    assert call(host, "mount", "--repository", "local", folder).exit_code == 0
    assert [path.name for path in folder.iterdir()] == ["web1-one"]
    reader = (folder / "web1-one" / str(tree).lstrip("/") / "file1").open("rb")
    ran = call(host, "run", "system")
    assert ran.exit_code == 0, ran.said
    reader.close()
    assert not is_borg_mount(str(folder))
    assert "a run or a check needs repository local" in call(host, "mounts").stdout


@pytest.mark.usefixtures("fuse")
def test_a_writer_that_fleetkeep_does_not_know_goes_first_too(host, folder, tree):
    assert call(host, "mount", "web1-one", folder).exit_code == 0
    made = run_borg(host.access, create_arguments(host.access.location, "other", [str(tree)], compression="lz4"))
    assert made.exit_code == 0
    assert not is_borg_mount(str(folder))
    assert "another process waits to write" in call(host, "mounts").stdout


@pytest.mark.usefixtures("fuse")
def test_ctrl_c_ends_a_mount_in_the_foreground(host, folder):
    process = subprocess.Popen(
        command(host, "mount", "--job", "system", folder, "--foreground"), stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith("Mounted archive web1-one")
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=PATIENCE_SECONDS)
    assert (process.returncode, said) == (0, f"Unmounted {folder}: somebody asked for it.\n")
    assert not is_borg_mount(str(folder))
    assert locks(host) == []


@pytest.mark.usefixtures("fuse")
def test_the_time_of_a_mount_is_over_though_somebody_stands_in_it(host, folder):
    access = host.access
    order = MountOrder(access, "local", "web1-one", folder, timedelta(seconds=1))
    seen = []
    reader: list[int] = []

    def mounted(mount) -> None:
        seen.append(mount)
        reader.append(os.open(folder, os.O_RDONLY | os.O_DIRECTORY))

    ended = keep_mounted(order, host.paths, SystemClock(), on_mounted=mounted)
    os.close(reader[0])
    assert (ended.reason, seen[0].archive) == ("its time is over", "web1-one")
    assert not is_borg_mount(str(folder))
    assert locks(host) == []


@pytest.mark.usefixtures("fuse")
def test_a_mount_whose_keeper_was_killed_is_listed_and_can_be_ended(host, folder):
    assert call(host, "mount", "web1-one", folder).exit_code == 0
    (mount,) = json.loads(call(host, "mounts", "--json").stdout)
    os.kill(mount["process"], signal.SIGKILL)
    wait_until(lambda: "left" in call(host, "mounts").stdout)
    assert call(host, "umount", folder).exit_code == 0
    wait_until(lambda: locks(host) == [])
    assert "its keeper was killed" in call(host, "mounts").stdout


def test_a_mount_waits_for_no_run_and_needs_an_empty_folder(host, folder, tmp_path):
    with hold(host.paths.repository_lock("local")):
        busy = call(host, "mount", "web1-one", folder)
    assert (busy.exit_code, "FK574" in busy.stderr or "FK570" in busy.stderr) == (1, True)
    for words, sentence in (
        (["web1-one", tmp_path / "missing"], "it does not exist"),
        (["web1-one", "/etc/hostname"], "it is not a folder"),
        (["web1-one", tmp_path], "it is not empty"),
        (["never", folder], "FK500"),
        ([folder], "name an ARCHIVE"),
        (["--at", "1h", folder], "--at needs --job"),
        (["web1-one", folder, "--for", "soon"], "write a duration"),
        (["--repository", "other", folder], "FK401"),
    ):
        done = call(host, "mount", *words)
        assert (done.exit_code, done.stdout) == (1, ""), words
        assert sentence in done.stderr or "FK570" in done.stderr, words
    assert call(host, "mounts").stdout == "Nothing is mounted.\n"


def test_a_borg_without_fuse_says_the_next_step(host, folder):
    without = {**host.access.environment, "BORG_FUSE_IMPL": "none"}
    order = MountOrder(
        type(host.access)(host.access.program, host.access.location, host.access.passphrase, without),
        "local",
        "web1-one",
        folder,
        timedelta(seconds=5),
    )
    with pytest.raises(MountUnsupported, match=r"has no FUSE support; install pyfuse3"):
        keep_mounted(order, host.paths, SystemClock(), on_mounted=lambda mount: pytest.fail("it was mounted"))


def test_a_mount_point_that_could_fool_a_reader_is_refused(tmp_path):
    place = tmp_path / "a\nb"
    place.mkdir()
    with pytest.raises(MountPointUnusable, match="cannot be shown"):
        check_mountpoint(place)
