# SPDX-License-Identifier: GPL-3.0-or-later
"""What others did to the repository, and what a bad disk did to it and to the catalog."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hosts import Host, no_traceback

from .invariants import LIBRARY, Kept, nothing_is_lost, restores_alike  # type: ignore[import-not-found]


@pytest.mark.parametrize("how", ["deleted", "pruned"])
def test_an_archive_that_another_client_removed(single: Host, kept: Kept, how: str) -> None:
    for number in range(3):
        (single.source / "letter").write_text(f"{number}\n" * (number + 1))
        assert single.fleetkeep("run", "docs").exit_code == 0
        kept.note()
    names = [name for _, name in kept.listed["one"]]
    if how == "deleted":
        gone = names[:1]
        assert single.borg("one", "delete", archive=names[0]).returncode == 0
    else:
        gone = names[:2]
        assert single.borg("one", "prune", "--keep-last=1").returncode == 0
    assert single.borg("one", "compact").returncode == 0
    check = single.fleetkeep("catalog", "check", "--quick")
    assert check.exit_code == 1
    count = "1 archive" if len(gone) == 1 else "2 archives"
    assert f"{count} in the catalog, but gone from the repository: " in check.stdout
    done = nothing_is_lost(kept, how, expected=3)
    that_is = "that is" if len(gone) == 1 else "that are"
    assert f"Nobody here deleted {count} {that_is} gone from the repository: " in done.stdout
    assert all(name in done.stdout for name in gone)
    assert (
        len(single.fleetkeep("history", single.source / "letter", "--job", "docs", "--json").json) == 4 - len(gone) - 1
    )
    nothing_is_lost(kept, f"{how}, and the run after it")


@pytest.mark.parametrize("how", ["random pages", "cut"])
def test_a_catalog_file_that_is_broken(single: Host, kept: Kept, how: str) -> None:
    for _ in range(2):
        assert single.fleetkeep("run", "docs").exit_code == 0
    kept.note()
    catalog = single.prefix / LIBRARY / "catalog.sqlite"
    whole = catalog.read_bytes()
    broken = {
        "random pages": whole[:4096] + os.urandom(len(whole) - 4096),
        "cut": whole[: len(whole) // 8192 * 4096],
    }[how]
    catalog.write_bytes(broken)
    for verb in ("status", "runs", "archives"):
        done = single.fleetkeep(verb)
        assert done.exit_code == 1, (verb, done.said)
        [sentence] = done.stderr.splitlines()
        assert "is broken (" in sentence and "no archive is affected." in sentence
        assert no_traceback(done)
    done = nothing_is_lost(kept, how)
    aside = catalog.with_name("catalog.sqlite.broken-1")
    assert f"The catalog was broken. It is kept as {aside}; a new one is filled from the repositories." in done.stderr
    assert aside.read_bytes() == broken
    assert single.fleetkeep("catalog", "check").exit_code == 0


def test_a_segment_that_is_damaged(single: Host, kept: Kept) -> None:
    for number in range(2):
        assert single.fleetkeep("run", "docs").exit_code == 0
        kept.note()
        if number == 0:
            before = segments(single)
            (single.source / "photo").write_bytes(os.urandom(900_000))
    [damaged] = [file for file in segments(single) - before if file.stat().st_size > 900_000]
    flip(damaged, 450_000)
    check = single.fleetkeep("check", "one", "--data")
    assert check.exit_code == 1
    assert "NOT sound" in check.stdout and "photo) is damaged" in check.stdout
    assert "is damaged: " in check.stderr and "Never run `borg check --repair`" in check.stderr
    drill = single.fleetkeep("drill", "docs")
    assert drill.exit_code != 0 and "Traceback" not in drill.said, drill.said
    [(first, earlier), (_, newest)] = kept.listed["one"]
    restores_alike(kept, "one", first, earlier, "before the damage")
    restore = single.fleetkeep("restore", newest, "--repository", "one", "--to", single.folder / "target")
    assert restore.exit_code == 1 and "Traceback" not in restore.said, restore.said
    assert "Data integrity error" in restore.stderr and "--resume" not in restore.stderr
    assert "`fleetkeep check one --data` names the files that are damaged" in restore.stderr
    photo = f"pp:{single.source}/photo".replace("pp:/", "pp:")
    words = ["--repository", "one", "--to", single.folder / "others", "--exclude", photo]
    restore = single.fleetkeep("restore", newest, *words)
    assert restore.exit_code == 0, restore.said
    letter = single.folder / "others" / str(single.source).lstrip("/") / "letter"
    assert letter.read_text() == "dear reader\n"
    (single.source / "letter").write_text("and it goes on\n")
    done = single.fleetkeep("run", "docs")
    assert done.exit_code == 0, done.said
    restores_alike(kept, "one", first, earlier, "after another run")


def segments(host: Host) -> set[Path]:
    return {file for file in Path(host.repositories["one"]).glob("data/*/*") if file.is_file()}


def flip(file: Path, place: int) -> None:
    """Change one byte of a file."""
    with file.open("r+b") as stream:
        stream.seek(place)
        [old] = stream.read(1)
        stream.seek(place)
        stream.write(bytes([old ^ 0xFF]))
