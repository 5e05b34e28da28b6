# SPDX-License-Identifier: GPL-3.0-or-later
"""Kill -9 at random points of a run, of an indexing and of a restore."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

from hosts import Host

from .invariants import (  # type: ignore[import-not-found]
    LIBRARY,
    Kept,
    nothing_is_lost,
    portrait_of,
    restores_alike,
)
from .kills import draw_kills, measure, strike  # type: ignore[import-not-found]


def change(folder: Path, chance: random.Random, megabytes: int = 8) -> None:
    """Make, change and remove some files of a source."""
    for number in range(40):
        place = folder / f"folder{number % 5}" / f"file{number}"
        place.parent.mkdir(exist_ok=True)
        fate = chance.random()
        if fate < 0.2:
            place.unlink(missing_ok=True)
        elif fate < 0.6 or not place.exists():
            place.write_bytes(chance.randbytes(chance.randrange(20_000)))
    (folder / "large").write_bytes(os.urandom(megabytes * 1_000_000))


def test_a_run_that_is_killed_at_random_points(single: Host, kept: Kept, points: int) -> None:
    chance = random.Random(1)
    change(single.source, chance)
    assert single.fleetkeep("run", "docs").exit_code == 0
    kept.note()
    change(single.source, chance)
    seconds = measure(lambda: nothing_but_a_run(single))
    kept.note()
    killed = 0
    for kill in draw_kills("run", points, seconds):
        change(single.source, chance)
        killed += strike(single.command("run", "docs"), kill)
        nothing_is_lost(kept, kill)
        outcomes = [run["outcome"] for run in single.runs()][:2]
        assert outcomes[0] == "succeeded", kill
        assert outcomes[1] in ("succeeded", "failed"), kill
    assert killed >= points * 2 // 3
    every_archive_restores(kept)


def nothing_but_a_run(host: Host) -> None:
    done = host.fleetkeep("run", "docs")
    assert done.exit_code == 0, done.said


def every_archive_restores(kept: Kept) -> None:
    for repository, entries in kept.listed.items():
        for identity, name in entries:
            restores_alike(kept, repository, identity, name, "at the end")
    assert kept.host.fleetkeep("catalog", "check").exit_code == 0


def test_an_indexing_that_is_killed_at_random_points(single: Host, kept: Kept, points: int) -> None:
    chance = random.Random(2)
    for folder in range(20):
        (single.source / f"many{folder}").mkdir()
        for number in range(150):
            (single.source / f"many{folder}" / f"{number}").write_text(f"{number}\n")
    for _ in range(3):
        change(single.source, chance, megabytes=1)
        nothing_but_a_run(single)
        kept.note()
    seconds = measure(lambda: single.fleetkeep("catalog", "rebuild"))
    killed = 0
    for kill in draw_kills("indexing", points, seconds):
        if chance.random() < 0.5:  # from a blank catalog, as after the loss of a disk
            for file in (single.prefix / LIBRARY).glob("catalog.sqlite*"):
                file.unlink()
        killed += strike(single.command("catalog", "rebuild"), kill)
        change(single.source, chance, megabytes=1)
        nothing_is_lost(kept, kill)
    assert killed >= points * 2 // 3
    every_archive_restores(kept)


def test_a_restore_that_is_killed_at_random_points(single: Host, kept: Kept, points: int) -> None:
    chance = random.Random(3)
    change(single.source, chance, megabytes=40)
    for _ in range(2):
        nothing_but_a_run(single)
    kept.note()
    [*_, (identity, name)] = kept.listed["one"]
    archived = kept.portraits[identity]
    target = single.folder / "target"
    words = [name, "--repository", "one", "--to", target]
    seconds = measure(lambda: single.fleetkeep("restore", *words))
    shutil.rmtree(target)
    killed = 0
    for kill in draw_kills("restore", points, seconds):
        policy = ["--on-conflict", ("overwrite", "rename", "skip")[kill.number % 3]]
        killed += strike(single.command("restore", *words, *policy), kill)
        left = portrait_of(target, target) if target.exists() else {}
        for path, thing in left.items():
            if path in archived:
                assert thing.size <= archived[path].size, (kill, path)
        done = single.fleetkeep("restore", *words, *policy, "--resume", "--yes")
        if done.exit_code == 1:  # nothing was begun
            assert "No interrupted restore with these words is known here" in done.said, (kill, done.said)
            done = single.fleetkeep("restore", *words, *policy, "--yes")
        assert done.exit_code == 0, (kill, done.said)
        found = portrait_of(target, target)
        assert {path: found.get(path) for path in archived} == archived, kill
        assert [path for path in found if path not in archived and not _is_above(path, archived)] == [], kill
        shutil.rmtree(target)
        assert [path for path in (single.prefix / LIBRARY / "restores").iterdir() if path.is_dir()] == [], kill
        if kill.number % 10 == 1 or kill.number == points:
            nothing_is_lost(kept, kill)
            identity, words[0] = kept.listed["one"][-1]
            archived = kept.portraits[identity]
    assert killed >= points * 2 // 3
    every_archive_restores(kept)


def _is_above(path: str, archived: dict[str, object]) -> bool:
    return path == "." or any(each.startswith(f"{path}/") for each in archived)
