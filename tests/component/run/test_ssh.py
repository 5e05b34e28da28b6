# SPDX-License-Identifier: GPL-3.0-or-later
"""Repositories over SSH, with a real server on the loopback interface."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from servers import Server, ssh_server

from fleetkeep.agent.access import bare_environment, repository_access
from fleetkeep.agent.kit import KitKeeper, make_kit
from fleetkeep.agent.kit_proof import KitPlace, prove_kit
from fleetkeep.agent.rotation import KeyHost, change_passphrase
from fleetkeep.clock import SystemClock
from fleetkeep.model import Outcome
from fleetkeep.plan.kit import KitContent
from fleetkeep.plan.kit_text import render_kit

from .conftest import Host  # type: ignore[import-not-found]


@pytest.fixture
def server(host: Host, tmp_path: Path) -> Iterator[Server]:
    with ssh_server(tmp_path / "server", host.paths, host.program.path) as server:
        yield server


def test_a_run_over_ssh(host: Host, server: Server, tree: Path) -> None:
    host.add_repository("offsite", location=server.location("web1"))
    run = host.run(host.job(tree))
    assert run.outcome is Outcome.SUCCEEDED, run.reason
    assert len(host.archives("offsite")) == 1


def test_a_server_that_is_gone_is_named(host: Host, server: Server, tree: Path) -> None:
    host.add_repository("offsite", location=server.location("web1"))
    server.stop()
    run = host.run(host.job(tree))
    assert run.outcome is Outcome.FAILED
    # What ssh itself says ("Connection refused") is in it when Borg waits for it, which it does not always do.
    assert run.reason.startswith(f"Repository offsite at {server.location('web1')} cannot be reached: ")


def test_a_server_that_goes_away_during_a_run_costs_only_its_own_archive(
    host: Host, server: Server, tree: Path
) -> None:
    host.add_repository("offsite", location=server.location("web1"))
    host.add_repository("local")
    assert host.run(host.job(tree)).outcome is Outcome.SUCCEEDED
    before = host.archives("offsite")
    (tree / "large").write_bytes(os.urandom(200_000_000))
    gone: list[float] = []

    def listen(event: object) -> None:
        data = getattr(event, "data", {})
        if getattr(event, "repository", "") == "offsite" and data.get("original_bytes") and not gone:
            gone.append(time.monotonic())
            sessions = children_of(server.process.pid)
            server.stop()
            for session in sessions:
                os.kill(session, signal.SIGKILL)

    host.listen = listen  # type: ignore[method-assign]
    run = host.run(host.job(tree))
    assert gone
    assert {part.repository: part.outcome for part in run.repositories} == {
        "offsite": Outcome.FAILED,
        "local": Outcome.SUCCEEDED,
    }
    assert run.reason.startswith(f"offsite: Repository offsite at {server.location('web1')} cannot be reached: ")
    server.start()
    assert host.run(host.job(tree)).outcome is Outcome.SUCCEEDED
    assert set(before) < set(host.archives("offsite"))


def children_of(process: int) -> list[int]:
    """The processes below one, the youngest first."""
    direct = [int(pid) for pid in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    return [below for pid in direct for below in (*children_of(pid), pid)]


def test_an_unknown_server_is_not_trusted(host: Host, server: Server, tree: Path) -> None:
    host.add_repository("offsite", location=server.location("web1"))
    before = list((server.folder / "web1" / "data").rglob("*"))
    host.paths.ssh_known_hosts.write_text("")
    run = host.run(host.job(tree))
    assert run.outcome is Outcome.FAILED
    assert "cannot be reached" in run.reason
    assert list((server.folder / "web1" / "data").rglob("*")) == before


def test_another_repository_at_the_same_place_does_not_count(host: Host, server: Server, tree: Path) -> None:
    host.add_repository("offsite", location=server.location("web1"))
    host.add_repository("other", location=server.location("other"))
    shutil.rmtree(server.folder / "web1")
    (server.folder / "other").rename(server.folder / "web1")
    shutil.rmtree(host.paths.borg_base)  # where Borg would remember the place of each repository
    shutil.rmtree(host.paths.borg_cache)
    run = host.run(host.job(tree, repositories=["offsite"]))
    assert run.outcome is Outcome.FAILED
    assert "somebody put another repository there" in run.reason
    assert "archive_received" not in host.director.kinds


def test_cancelling_leaves_no_lock_on_the_server(host: Host, server: Server, tree: Path) -> None:
    (tree / "large").write_bytes(os.urandom(300_000_000))
    host.add_repository("offsite", location=server.location("web1"))
    asked: list[float] = []

    def listen(event: object) -> None:
        if getattr(event, "data", {}).get("original_bytes") and not asked:
            asked.append(time.monotonic())
            host.cancellation.cancel()

    host.listen = listen  # type: ignore[method-assign]
    run = host.run(host.job(tree))
    assert time.monotonic() - asked[0] < 2
    assert run.outcome is Outcome.CANCELLED
    time.sleep(1)
    assert list((server.folder / "web1").glob("lock.*")) == []


def test_kits_and_a_change_of_passphrase_over_ssh(host: Host, server: Server, tree: Path) -> None:
    repository = host.add_repository("far", location=server.location("far"))
    assert host.run(host.job(tree)).outcome is Outcome.SUCCEEDED
    keeper = KitKeeper(owner="Ada", place="the safe")
    place = KitPlace(host.program, bare_environment(host.paths))

    def make() -> KitContent:
        access = repository_access(host.paths, repository, host.program)
        return make_kit(repository, access, host.program, client="web1", keeper=keeper, clock=SystemClock())

    old = make()
    assert "ssh-keygen" in render_kit(old)
    assert prove_kit(old, place, SystemClock()).is_current
    key_host = KeyHost(host.paths, "web1", host.program, host.director, SystemClock())
    assert change_passphrase(key_host, repository, new="another one").changed
    proof = prove_kit(old, place, SystemClock())
    assert (proof.opens, proof.is_current, proof.archives) == (True, False, 1) and proof.read_bytes
    assert prove_kit(make(), place, SystemClock()).is_current
    assert host.run(host.job(tree)).outcome is Outcome.SUCCEEDED
