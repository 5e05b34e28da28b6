# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of the whole test run."""

from __future__ import annotations

import pytest
from hypothesis import settings

# A busy machine is not a failure; what a test must do in time it says itself.
settings.register_profile("fleetkeep", deadline=None)
settings.load_profile("fleetkeep")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--rewrite-golden", action="store_true", help="write what golden tests get as what they expect")
