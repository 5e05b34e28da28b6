# SPDX-License-Identifier: GPL-3.0-or-later
"""Several files become one set of declarations."""

from __future__ import annotations

import pytest

from fleetkeep.fleet import Declarations, load_fleet_text, merge_declarations
from fleetkeep.model.fleet import SECTIONS


def merge(*texts: str) -> tuple[Declarations, list[str]]:
    trees = [load_fleet_text(text, f"{name}.yml") for name, text in zip("abc", texts, strict=False)]
    declarations, problems = merge_declarations(trees)
    return declarations, [str(problem) for problem in problems]


def test_files_add_up() -> None:
    declarations, problems = merge(
        "jobs: {a: {clients: all}}\nschedules:", "jobs: {b: {clients: web}}\nhosts: {web1: }"
    )
    assert not problems
    assert declarations.names("jobs") == ["a", "b"]
    assert declarations.names("hosts") == ["web1"]
    assert set(declarations.sections) == {"hosts", *SECTIONS}


@pytest.mark.parametrize("section", ["hosts", *SECTIONS])
def test_a_name_in_two_files_names_both_places_and_the_first_stays(section: str) -> None:
    declarations, problems = merge(
        f"{section}: {{a: {{x: 1}}}}", f"{section}:\n  a: {{x: 2}}", f"{section}: {{b: {{}}}}"
    )
    assert problems == [
        f"b.yml:2:3: {section}.a is declared twice, here and at a.yml:1:{len(section) + 4}; keep one of them"
    ]
    assert declarations.sections[section]["a"].entries()["x"].value == 1  # type: ignore[index]
    assert declarations.names(section) == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[jobs]", "a.yml:1:1: a fleet file is a map of sections; this is a list"),
        ("job: {}", "a.yml:1:1: the section 'job' does not exist; did you mean jobs? Known are"),
        ("plugin: other", "a.yml:1:9: plugin is 'other'; write plugin: fleetkeep.backup.fleet"),
        ("jobs: all", "a.yml:1:7: jobs is text, but a map is expected: a name, then its values"),
        ("jobs: {a: all}", "a.yml:1:8: jobs.a is text, but a map of values is expected"),
        ("jobs: {a: }", "a.yml:1:8: jobs.a is empty, but a map of values is expected"),
        ("jobs: {a b: {}}", "a.yml:1:8: 'a b' is no name for an entry of jobs; a name begins with"),
        ("jobs: {../a: {}}", "a.yml:1:8: '../a' is no name for an entry of jobs; a name begins with"),
        ("hosts: {a: [x]}", "a.yml:1:9: hosts.a is no map; write its variables as a map"),
        ("hosts: {a: {groups: web}}", "a.yml:1:9: hosts.a.groups is no list of names; write groups: [web, prod]"),
        ("hosts: {a: {groups: [1]}}", "a.yml:1:9: hosts.a.groups is no list of names; write groups: [web, prod]"),
    ],
)
def test_a_wrong_shape_is_a_problem(text: str, problem: str) -> None:
    _, (found,) = merge(text)
    assert found.startswith(problem)


def test_text_in_place_of_a_repository_is_not_shown() -> None:
    _, problems = merge("repositories: {offsite: , passphrase: S3CRET}", "repositories: S3CRET")
    assert len(problems) == 3
    assert "S3CRET" not in "".join(problems)


def test_a_whole_declaration_may_be_an_expression() -> None:
    declarations, problems = merge('retention: {standard: "{{ company_retention }}"}')
    assert not problems
    assert declarations.names("retention") == ["standard"]


def test_values_know_what_they_belong_to() -> None:
    declarations, _ = merge("retention: {standard: {daily: 7}}")
    setting = declarations.setting("retention", "standard")
    assert setting is not None
    assert setting.get("daily").address == "retention.standard.daily"  # type: ignore[union-attr]
    assert declarations.setting("retention", "standard") is setting
    assert declarations.setting("retention", "other") is None
