# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of the whole test run."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--rewrite-golden", action="store_true", help="write what golden tests get as what they expect")
