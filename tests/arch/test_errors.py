# SPDX-License-Identifier: GPL-3.0-or-later
"""Every error that a user can meet has a number of its own and says what to do."""

from __future__ import annotations

import importlib
import pkgutil
import re
import string
from collections import Counter
from collections.abc import Iterator

import pytest

import fleetkeep
from fleetkeep import errors


def _subclasses(base: type) -> Iterator[type]:
    for one in base.__subclasses__():
        yield one
        yield from _subclasses(one)


def _all_errors() -> list[type[errors.FleetkeepError]]:
    for module in pkgutil.walk_packages(fleetkeep.__path__, "fleetkeep."):
        # Migrations and `python -m` entry points act when imported.
        if not re.search(r"\.(migrations|versions|__main__|env)(\.|$)", module.name):
            importlib.import_module(module.name)
    ours = {one for one in _subclasses(errors.FleetkeepError) if one.__module__.startswith("fleetkeep.")}
    return sorted(ours | {errors.FleetkeepError}, key=lambda one: one.__name__)


ERRORS = _all_errors()


def test_codes_are_unique() -> None:
    codes = Counter(vars(one).get("code", f"{one.__name__} has none") for one in ERRORS)
    assert {code: number for code, number in codes.items() if number > 1} == {}


@pytest.mark.parametrize("error", ERRORS, ids=lambda one: one.__name__)
def test_error_has_a_code_of_its_own(error: type[errors.FleetkeepError]) -> None:
    assert re.fullmatch(r"FK\d{3}", vars(error).get("code", ""))


@pytest.mark.parametrize("error", ERRORS, ids=lambda one: one.__name__)
def test_sentence_can_be_filled_in(error: type[errors.FleetkeepError]) -> None:
    template = (error.__doc__ or "").strip()
    fields = {name for _, name, _, _ in string.Formatter().parse(template) if name}
    filled = template.format(**{field: f"[{field}]" for field in fields})
    assert all(f"[{field}]" in filled for field in fields)


def test_errors_live_in_one_file() -> None:
    assert [one.__name__ for one in ERRORS if one.__module__ != "fleetkeep.errors"] == []
