# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of the whole test run, and the real borg."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings
from own_borg import make_own_borg

from fleetkeep.borg.program import BorgProgram, find_borg
from fleetkeep.errors import FleetkeepError

# A busy machine is not a failure; what a test must do in time it says itself.
settings.register_profile("fleetkeep", deadline=None)
settings.load_profile("fleetkeep")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--rewrite-golden", action="store_true", help="write what golden tests get as what they expect")


@pytest.fixture(scope="session", autouse=True)
def own_borg() -> Iterator[Path | None]:
    """Every test, and every command that it calls, uses a Borg in an environment of its own, unless one was named."""
    with TemporaryDirectory(prefix="fleetkeep-borg-") as folder, pytest.MonkeyPatch.context() as patch:
        program = None if os.environ.get("FLEETKEEP_BORG") else make_own_borg(Path(folder))
        if program is not None:
            patch.setenv("FLEETKEEP_BORG", str(program))
        yield program


@pytest.fixture(scope="session")
def borg_program(own_borg: Path | None) -> BorgProgram:
    """The borg binary that the product would use, or the tests are skipped with the reason."""
    try:
        return find_borg(os.environ.get("FLEETKEEP_BORG") or None, os.environ.get("PATH", ""))
    except FleetkeepError as error:
        pytest.skip(str(error))
