# SPDX-License-Identifier: GPL-3.0-or-later
"""The examples in docstrings are true."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import fleetkeep

MODULES = sorted(
    found.name for found in pkgutil.walk_packages(fleetkeep.__path__, "fleetkeep.") if "migrations" not in found.name
)


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    result = doctest.testmod(importlib.import_module(name))
    assert result.failed == 0


def test_there_are_examples() -> None:
    module = importlib.import_module("fleetkeep.fleet.pattern")
    assert doctest.testmod(module).attempted > 0
