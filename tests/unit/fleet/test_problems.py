# SPDX-License-Identifier: GPL-3.0-or-later
"""Problems are sorted by place, said once, and name the hosts that have them."""

from __future__ import annotations

import pytest

from fleetkeep.errors import FleetFileProblem
from fleetkeep.fleet import Origin, fold_problems, sort_problems
from fleetkeep.fleet.problems import NOWHERE, problem, render_hosts, render_kind, render_names, render_value, suggest


def at(line: int, column: int, what: str = "wrong", file: str = "a.yml") -> FleetFileProblem:
    return problem(Origin(file, line, column), what)


def test_sorted_by_file_then_line_then_column_as_numbers() -> None:
    found = [at(10, 1), at(9, 10), at(9, 9), at(1, 1, file="b.yml"), at(9, 9, "also"), problem(None, "lost")]
    assert [str(one) for one in sort_problems(found)] == [
        "a.yml:9:9: also",
        "a.yml:9:9: wrong",
        "a.yml:9:10: wrong",
        "a.yml:10:1: wrong",
        "b.yml:1:1: wrong",
        f"{NOWHERE}: lost",
    ]


def test_a_file_name_with_colons_sorts_by_line() -> None:
    first, _ = sort_problems([at(10, 1, file="c:1:x"), at(9, 1, file="c:1:x")])
    assert str(first).startswith("c:1:x:9:1")


def test_what_is_wrong_on_hosts_names_them_once() -> None:
    by_host = {f"web{n}": [at(1, 1), at(2, 1), at(2, 1)] for n in range(1, 6)} | {"db1": [at(3, 1)], "db2": []}
    assert [str(one) for one in fold_problems([at(1, 1)], by_host)] == [
        "a.yml:1:1: wrong",
        "a.yml:2:1: wrong (on web1, web2 and 3 more)",
        "a.yml:3:1: wrong (on db1)",
    ]


@pytest.mark.parametrize(
    ("hosts", "text"),
    [(["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c"), (["a", "b", "c", "d"], "a, b and 2 more")],
)
def test_hosts_are_listed_shortly(hosts: list[str], text: str) -> None:
    assert render_hosts(hosts) == text


def test_names_are_listed_as_people_write_them() -> None:
    assert render_names([]) == "none"
    assert render_names(["a", "b"], "or") == "a or b"


@pytest.mark.parametrize(
    ("wrong", "known", "text"),
    [
        ("nigtly", ["nightly"], "did you mean nightly? Known is nightly"),
        ("x", ["nightly", "hourly"], "known are hourly and nightly"),
        ("x", [], "none is declared"),
        ("x", [f"n{n:02}" for n in range(14)], f"known are {', '.join(f'n{n:02}' for n in range(12))} and 2 more"),
    ],
)
def test_suggests_what_was_meant(wrong: str, known: list[str], text: str) -> None:
    assert suggest(wrong, known) == text


def test_suggests_names_that_are_too_many_to_list() -> None:
    assert suggest("web11", ["prod"], also=["web1", "db1"]) == "did you mean web1? Known is prod"


@pytest.mark.parametrize(
    ("value", "text", "kind"),
    [
        (True, "true", "true"),
        (7, "7", "a number"),
        (1.5, "1.5", "a number"),
        ("x" * 61, f"'{'x' * 60}…'", "text"),
        ({}, "a map", "a map"),
        ((), "a list", "a list"),
        (None, "empty", "empty"),
        (Origin("f", 1), "'f:1:1'", "a single value"),
    ],
)
def test_values_are_shown_as_people_know_them(value: object, text: str, kind: str) -> None:
    assert (render_value(value), render_kind(value)) == (text, kind)
