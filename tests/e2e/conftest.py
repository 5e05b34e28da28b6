# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts for the stories: one that is declared by an inventory, and one that was applied to before."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hosts import Host, Mounts
from sites import Site, make_site


@pytest.fixture
def site(tmp_path: Path, borg_program: object) -> Site:
    return make_site(tmp_path)


@pytest.fixture
def host(tmp_path: Path, borg_program: object) -> Host:
    """A host to which a job with two repositories was applied."""
    host = Host(tmp_path)
    host.apply()
    return host


@pytest.fixture
def mounts() -> Iterator[Mounts]:
    """Makes real mounts; all are gone after the test."""
    mounts = Mounts()
    yield mounts
    mounts.undo()
