# SPDX-License-Identifier: GPL-3.0-or-later
"""``fleetkeep apply --local`` as a process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from fleetkeep.agent.command import own_command
from fleetkeep.agent.paths import Paths
from fleetkeep.agent.reconcile import reconcile
from fleetkeep.agent.resources import Given
from fleetkeep.clock import SystemClock
from tests.builders import make_state


def fleetkeep(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "fleetkeep", *arguments], capture_output=True, text=True, timeout=120, check=False
    )


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    """A host to which a state without jobs was applied."""
    paths = Paths(tmp_path / "host")
    reconcile(
        paths, make_state(), Given(), check=False, allow_removals=False, clock=SystemClock(), command=own_command()
    )
    return paths


@pytest.mark.parametrize("before", [True, False])
def test_the_prefix_counts_wherever_it_stands(paths: Paths, before: bool) -> None:
    prefix = ("--prefix", str(paths.prefix))
    done = fleetkeep(*prefix, "apply", "--local") if before else fleetkeep("apply", "--local", *prefix)
    assert (done.returncode, done.stdout) == (0, "No changes: web1 is as declared.\n"), done.stderr


def test_nothing_applied_is_one_sentence(tmp_path: Path) -> None:
    done = fleetkeep("apply", "--local", "--prefix", str(tmp_path / "nothing"))
    assert done.returncode == 1
    assert "FK202" in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "nothing").exists()


@pytest.mark.parametrize("option", [("-i", "inventory"), ("--limit", "web1"), ("-e", "a=b")])
def test_options_that_would_mean_nothing_are_refused(paths: Paths, option: tuple[str, str]) -> None:
    done = fleetkeep("--prefix", str(paths.prefix), "apply", "--local", *option)
    assert done.returncode != 0
    assert "--local takes neither" in done.stderr


def test_a_host_that_is_in_the_way_is_one_sentence(paths: Paths) -> None:
    paths.owned.unlink()
    paths.state.rename(paths.state.with_name("away"))
    paths.state.write_text("a file where a folder belongs")
    done = fleetkeep("--prefix", str(paths.prefix), "apply", "--local")
    assert done.returncode == 1
    assert done.stderr.startswith("error: ") and "Traceback" not in done.stderr
