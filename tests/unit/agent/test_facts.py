# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import pytest

from fleetkeep.agent.facts import Mount, RepositoryFacts, RunFacts, digest_of, load_facts, merge_facts, write_facts
from fleetkeep.agent.paths import Paths
from fleetkeep.model import Sources
from fleetkeep.plan.outcome import Size

DISK = Mount(point="/data", kind="ext4", source="/dev/sdb1")
SMALL = RepositoryFacts(files=1, original_bytes=2, duration_seconds=3)
LARGE = RepositoryFacts(files=100, original_bytes=200, duration_seconds=300)


def facts(digest: str = "d", mounts: dict[str, Mount] | None = None, **repositories: RepositoryFacts) -> RunFacts:
    moment = datetime(2026, 11, 21, tzinfo=timezone.utc)
    return RunFacts(finished_at=moment, sources_digest=digest, mounts=mounts or {}, repositories=repositories)


def test_facts_come_back_as_they_were_written(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    assert load_facts(paths, "system") is None
    write_facts(paths, "system", facts(mounts={"/data": DISK}, local=SMALL))
    assert load_facts(paths, "system") == facts(mounts={"/data": DISK}, local=SMALL)
    assert SMALL.size == Size(1, 2)


@pytest.mark.parametrize("content", [b"", b"{", b"{}", b"\xff", b'{"unknown": 1}'])
def test_broken_facts_are_none(tmp_path: Path, content: bytes) -> None:
    paths = Paths(tmp_path)
    paths.facts("system").parent.mkdir(parents=True)
    paths.facts("system").write_bytes(content)
    assert load_facts(paths, "system") is None


def test_a_repository_that_a_run_did_not_reach_keeps_its_facts() -> None:
    merged = merge_facts(facts(good=SMALL, other=LARGE), facts(good=LARGE))
    assert merged.repositories == {"good": LARGE, "other": LARGE}


def test_facts_of_other_sources_are_forgotten() -> None:
    assert merge_facts(facts("old", other=LARGE), facts("new", good=SMALL)).repositories == {"good": SMALL}


def test_a_source_that_was_left_out_keeps_its_mount() -> None:
    before = facts(mounts={"/left": DISK, "/gone": DISK})
    merged = merge_facts(before, facts(mounts={"/data": DISK}), ["/left"])
    assert set(merged.mounts) == {"/left", "/data"}


def test_the_first_facts_are_taken_as_they_are() -> None:
    assert merge_facts(None, facts(local=SMALL)) == facts(local=SMALL)


def test_every_change_of_the_sources_changes_their_digest() -> None:
    one = Sources.model_validate({"paths": ["/etc"]})
    assert digest_of(one) == digest_of(Sources.model_validate({"paths": ["/etc"]}))
    assert digest_of(one) != digest_of(Sources.model_validate({"paths": ["/etc"], "exclude": ["*"]}))
