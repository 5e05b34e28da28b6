# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from fleetkeep.agent.facts import Mount, RunFacts
from fleetkeep.agent.guard import (
    Kind,
    Observation,
    mount_of,
    observe_source,
    observe_sources,
    parse_mounts,
    plan_guard,
    repositories_inside,
)
from fleetkeep.model import Job, Repository

DISK = Mount(point="/data", kind="ext4", source="/dev/sdb1")
ROOT = Mount(point="/", kind="ext4", source="/dev/sda1")

MOUNTINFO = rb"""22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
23 22 0:5 / /proc rw - proc proc rw
36 22 8:17 / /data rw,relatime shared:2 master:3 - ext4 /dev/sdb1 rw,errors=continue
37 22 8:33 / /mnt/my\040disk rw - xfs /dev/sdc1 rw
38 36 0:40 / /data rw - nfs4 vault1:/export rw
short line
"""


def job(*paths: Any, **sources: Any) -> Job:
    return Job.model_validate(
        {
            "name": "system",
            "sources": {"paths": list(paths), **sources},
            "repositories": ["local"],
            "retention": {"daily": 7},
        }
    )


def facts(**mounts: Mount) -> RunFacts:
    known = {f"/{name}": mount for name, mount in mounts.items()}
    return RunFacts(finished_at=datetime(2026, 11, 21, tzinfo=timezone.utc), sources_digest="", mounts=known)


def decide(path: Any, seen: Observation, before: RunFacts | None = None, **options: Any) -> str:
    """The refusal of a single source, or nothing."""
    decision = plan_guard(job(path), {"/data": seen}, before, **options)
    assert bool(decision.refusals) is (decision.paths == ())
    return " ".join(map(str, decision.refusals))


@pytest.mark.parametrize(
    ("path", "seen", "words"),
    [
        ("/data", Observation("/data", Kind.FOLDER), ""),
        ("/data", Observation("/data", Kind.FILE), ""),
        ("/data", Observation("/data", Kind.MISSING), "Source /data of job system is missing; put it back, or declare"),
        ("/data", Observation("/data", Kind.FOLDER, is_empty=True), "is empty; mount or fill it"),
        ("/data", Observation("/data", Kind.LINK, detail="/srv"), "is a link to /srv, and only the link"),
        ("/data", Observation("/data", Kind.UNREADABLE, detail="Permission denied"), "cannot be read (Permission"),
        ({"path": "/data", "allow": ["empty"]}, Observation("/data", Kind.FOLDER, is_empty=True), ""),
        ({"path": "/data", "allow": ["empty"]}, Observation("/data", Kind.LINK, detail="/srv"), ""),
        ({"path": "/data", "allow": ["empty"]}, Observation("/data", Kind.MISSING), "is missing"),
        ({"path": "/data", "allow": ["missing"]}, Observation("/data", Kind.FOLDER, is_empty=True), "is empty"),
        ({"path": "/data", "allow": ["missing"]}, Observation("/data", Kind.MISSING), "as every other source is"),
    ],
)  # fmt: skip
def test_each_source_is_what_it_should_be(path: Any, seen: Observation, words: str) -> None:
    assert words in decide(path, seen)
    assert bool(decide(path, seen)) is bool(words)


def test_another_mount_is_refused() -> None:
    seen = Observation("/data", Kind.FOLDER, mount=ROOT)
    assert "lies on /dev/sda1 (ext4, mounted at /) now, but at the last good run on /dev/sdb1" in decide(
        "/data", seen, facts(data=DISK)
    )


@pytest.mark.parametrize(
    ("path", "mount", "before", "options"),
    [
        ("/data", DISK, facts(data=DISK), {}),
        ("/data", ROOT, None, {}),
        ("/data", ROOT, facts(), {}),
        ("/data", None, facts(data=DISK), {}),
        ("/data", ROOT, facts(data=DISK), {"accept_changes": True}),
        ({"path": "/data", "allow": ["moved"]}, ROOT, facts(data=DISK), {}),
    ],
)
def test_the_same_mount_or_one_that_is_accepted(
    path: Any, mount: Mount | None, before: RunFacts | None, options: dict[str, bool]
) -> None:
    assert decide(path, Observation("/data", Kind.FOLDER, mount=mount), before, **options) == ""


def test_an_empty_folder_on_another_mount_is_told_by_its_mount() -> None:
    seen = Observation("/data", Kind.FOLDER, is_empty=True, mount=ROOT)
    assert "lies on" in decide("/data", seen, facts(data=DISK))


def test_every_problem_is_told_at_once() -> None:
    seen = {"/a": Observation("/a", Kind.MISSING), "/b": Observation("/b", Kind.FOLDER, is_empty=True)}
    assert [refusal.details["path"] for refusal in plan_guard(job("/a", "/b"), seen, None).refusals] == ["/a", "/b"]


def test_what_may_be_missing_is_left_out() -> None:
    seen = {"/a": Observation("/a", Kind.MISSING), "/b": Observation("/b", Kind.FOLDER, mount=DISK)}
    decision = plan_guard(job({"path": "/a", "allow": ["missing"]}, "/b"), seen, None)
    assert (decision.paths, decision.left_out, decision.refusals) == (("/b",), ("/a",), ())
    assert decision.mounts == {"/b": DISK}


@pytest.mark.parametrize(
    ("location", "exclude", "inside"),
    [
        ("/data/borg", [], True),
        ("/data", [], True),
        ("/database", [], False),
        ("ssh://borg@vault1/data/borg", [], False),
        ("/data/borg", ["/data/borg"], False),
        ("/data/borg", ["pp:/data/borg/"], False),
        ("/data/borg/web1", ["sh:/data/borg"], False),
        ("/data/borg", ["/data/bo*"], True),
        ("/data/borg", ["*.tmp"], True),
        ("/data/borg", ["/data/borg/web1"], True),
    ],
)
def test_a_repository_inside_a_source(location: str, exclude: list[str], inside: bool) -> None:
    repository = Repository(name="local", location=location)
    own = job("/data", exclude=exclude)
    assert bool(repositories_inside(own, [repository])) is inside
    seen = {"/data": Observation("/data", Kind.FOLDER)}
    refusals = plan_guard(own, seen, None, [repository]).refusals
    assert [("into itself" in str(refusal)) for refusal in refusals] == [True] * inside


def test_mounts_are_read_with_their_blanks() -> None:
    mounts = parse_mounts(MOUNTINFO)
    assert [mount.point for mount in mounts] == ["/", "/proc", "/data", "/mnt/my disk", "/data"]
    assert mounts[4] == Mount(point="/data", kind="nfs4", source="vault1:/export")


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("/etc", "/dev/sda1"),
        ("/data/x", "vault1:/export"),
        ("/data", "vault1:/export"),
        ("/database", "/dev/sda1"),
        ("/mnt/my disk/x", "/dev/sdc1"),
    ],
)
def test_a_path_is_on_the_deepest_and_latest_mount(path: str, source: str) -> None:
    mount = mount_of(path, parse_mounts(MOUNTINFO))
    assert mount is not None
    assert mount.source == source


def test_without_mounts_there_is_none() -> None:
    assert mount_of("/etc", []) is None


def test_what_lies_at_a_path(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("x")
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to("full")
    table = parse_mounts(MOUNTINFO)

    def seen(name: str) -> tuple[Kind, bool]:
        observation = observe_source(str(tmp_path / name), table)
        return observation.kind, observation.is_empty

    assert seen("full") == (Kind.FOLDER, False)
    assert seen("empty") == (Kind.FOLDER, True)
    assert seen("full/file") == (Kind.FILE, False)
    assert seen("link") == (Kind.LINK, False)
    assert seen("absent") == (Kind.MISSING, False)
    assert seen("full/file/below") == (Kind.MISSING, False)


def test_a_folder_that_cannot_be_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "scandir", refuse)
    assert observe_source(str(tmp_path), []) == Observation(str(tmp_path), Kind.UNREADABLE, detail="Permission denied")


def test_the_sources_of_a_job_are_looked_at_on_this_host(tmp_path: Path) -> None:
    seen = observe_sources(job(str(tmp_path)))[str(tmp_path)]
    assert seen.is_empty
    assert seen.mount is not None
