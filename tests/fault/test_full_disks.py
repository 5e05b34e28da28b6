# SPDX-License-Identifier: GPL-3.0-or-later
"""Disk full: where the repository is, Borg's memory, the catalog, and where a restore writes to."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hosts import Host, Mounts, no_traceback

from .invariants import LIBRARY, Kept, nothing_is_lost, portrait_of  # type: ignore[import-not-found]


def move_to(mounts: Mounts, folder: Path, aside: Path, size: str) -> None:
    """Let what is in a folder lie on a small file system of its own."""
    subprocess.run(["cp", "-a", f"{folder}/.", str(aside)], check=True)
    mounts.small(folder, size)
    subprocess.run(["cp", "-a", f"{aside}/.", str(folder)], check=True)
    shutil.rmtree(aside)


def fill(folder: Path, leave: int = 0) -> Path:
    """A file that takes all the space there is, but so many bytes."""
    file = folder / "fill"
    with file.open("wb", buffering=0) as stream:
        try:
            while stream.write(bytes(4096)):
                pass
        except OSError:
            pass
    os.truncate(file, max(0, file.stat().st_size - leave))
    return file


@pytest.mark.parametrize("leave", [0, 3_000_000])
def test_the_disk_of_the_repository(single: Host, kept: Kept, mounts: Mounts, leave: int) -> None:
    assert single.fleetkeep("run", "docs").exit_code == 0
    kept.note()
    storage = single.folder / "storage"
    move_to(mounts, storage, single.folder / "aside", "24m")
    file = fill(storage, leave)
    (single.source / "large").write_bytes(os.urandom(8_000_000))
    done = single.fleetkeep("run", "docs")
    assert done.exit_code == 1, (leave, done.said)
    assert no_traceback(done), done.said
    assert "There is no space left for repository one at " in done.said, (leave, done.said)
    file.unlink()
    nothing_is_lost(kept, f"{leave} bytes were left")


def test_the_disk_of_borgs_memory(single: Host, kept: Kept, mounts: Mounts) -> None:
    assert single.fleetkeep("run", "docs").exit_code == 0
    kept.note()
    cache = single.prefix / "var/cache/fleetkeep"
    move_to(mounts, cache, single.folder / "aside", "2m")
    file = fill(cache)
    for number in range(300):
        (single.source / f"{number}").write_bytes(os.urandom(1_000))
    done = single.fleetkeep("run", "docs")
    assert no_traceback(done), done.said
    assert done.exit_code == 1, done.said
    assert f"There is no space left for Borg's memory of repository one at {cache}" in done.said, done.said
    file.unlink()
    nothing_is_lost(kept, "the disk of Borg's memory was full")


@pytest.mark.parametrize("leave", [60_000, 400_000])
def test_the_disk_of_the_catalog(single: Host, kept: Kept, mounts: Mounts, leave: int) -> None:
    assert single.fleetkeep("run", "docs").exit_code == 0
    kept.note()
    library = single.prefix / LIBRARY
    move_to(mounts, library, single.folder / "aside", "8m")
    file = fill(library, leave)
    for number in range(2_000):
        (single.source / f"a file with a long name {number}").touch()
    done = single.fleetkeep("run", "docs")
    assert no_traceback(done), done.said
    assert done.exit_code in (0, 1, 3), done.said
    assert "no space left" in done.said or "disk is full" in done.said, (leave, done.said)
    file.unlink()
    nothing_is_lost(kept, f"{leave} bytes were left; the run said: {done.said}")


def test_the_disk_of_a_restore(single: Host, kept: Kept, mounts: Mounts) -> None:
    for number in range(8):
        (single.source / f"part{number}").write_bytes(os.urandom(1_000_000))
    assert single.fleetkeep("run", "docs").exit_code == 0
    kept.note()
    [(identity, name)] = kept.listed["one"]
    target = mounts.small(single.folder / "target", "4m")
    words = [name, "--repository", "one", "--to", target]
    done = single.fleetkeep("restore", *words)
    assert done.exit_code == 1
    assert list(target.iterdir()) == []
    assert done.stderr.startswith(f"error: {target} has "), done.said
    done = single.fleetkeep("restore", *words, "--ignore-space")
    assert done.exit_code == 1
    assert no_traceback(done)
    assert "There is no space left for the restore (" in done.stderr, done.said
    assert "To finish it: fleetkeep " in done.stderr
    subprocess.run(["mount", "-o", "remount,size=16m", str(target)], check=True)
    done = single.fleetkeep("restore", *words, "--resume", "--yes")
    assert done.exit_code == 0, done.said
    found = portrait_of(target, target)
    archived = kept.portraits[identity]
    assert {path: found.get(path) for path in archived} == archived
    nothing_is_lost(kept, "a restore met a full disk")
