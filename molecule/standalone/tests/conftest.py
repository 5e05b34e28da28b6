# SPDX-License-Identifier: GPL-3.0-or-later
"""The converged host, as the checks of this story see it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from testinfra.host import Host

STORY = Path(__file__).resolve().parents[1]
MANIFEST = (STORY / "files/manifest.py").read_text()

Fleetkeep = Callable[[str], Any]
Manifest = Callable[[str], dict[str, list[Any]]]


@pytest.fixture(scope="session")
def fleet() -> dict[str, Any]:
    """The fleet file of this story, as plain data."""
    declared: dict[str, Any] = yaml.safe_load((STORY / "inventory/fleet.yml").read_text())
    return declared


@pytest.fixture
def fleetkeep(host: Host) -> Fleetkeep:
    """Runs the command on the host, which must succeed; gives its JSON."""
    return lambda arguments: json.loads(host.check_output(f"fleetkeep {arguments} --json"))


@pytest.fixture
def manifest(host: Host) -> Manifest:
    """What there is below a folder of the host."""
    return lambda folder: json.loads(host.check_output(f"/usr/bin/python3 -c {shlex.quote(MANIFEST)} {folder}"))
