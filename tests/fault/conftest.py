# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts to which faults happen, and what is kept aside of them to compare with."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hosts import Host, Mounts

from .invariants import Kept  # type: ignore[import-not-found]


@pytest.fixture
def host(tmp_path: Path, borg_program: object) -> Host:
    """A host to which a job with two repositories was applied."""
    host = Host(tmp_path)
    host.apply()
    return host


@pytest.fixture
def single(tmp_path: Path, borg_program: object) -> Host:
    """A host to which a job with one repository was applied; it keeps four archives."""
    host = Host(tmp_path)
    del host.repositories["two"]
    host.declare("docs", str(host.source), retention={"last": 4})
    host.apply()
    return host


@pytest.fixture
def kept(request: pytest.FixtureRequest) -> Kept:
    """What is remembered of the sources of the host that the test has."""
    name = "single" if "single" in request.fixturenames else "host"
    return Kept(request.getfixturevalue(name))


@pytest.fixture
def mounts() -> Iterator[Mounts]:
    """Makes real mounts; all are gone after the test."""
    mounts = Mounts()
    yield mounts
    mounts.undo()


@pytest.fixture(scope="session")
def points() -> int:
    """How many random points a fault is tried at."""
    return int(os.environ.get("FLEETKEEP_FAULT_POINTS", "2"))


@pytest.fixture(scope="session")
def is_whole() -> bool:
    """Whether the counts are those that are promised, as ``make fault`` does it."""
    return "FLEETKEEP_FAULT_POINTS" in os.environ
