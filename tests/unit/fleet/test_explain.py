# SPDX-License-Identifier: GPL-3.0-or-later
"""Every resolved value says where it comes from."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict

import pytest

from fleetkeep.errors import Problems, UnknownJob
from fleetkeep.fleet import (
    Explained,
    Node,
    Resolved,
    explain,
    explained_as_json,
    node_of,
    render_explained,
    resolve_client,
)
from fleetkeep.fleet.declarations import Declarations

Resolve = Callable[..., Resolved]

FLEET = """\
repositories:
  a: {path: /a, passphrase: {generate: true}}
  b: {path: /b, passphrase: {generate: true}}
retention: {standard: {daily: 7}}
jobs:
  one: {clients: all, repositories: [a], retention: standard, sources: {paths: [/x, {path: /y, allow: [empty]}]}}
  two: {clients: all, repositories: [b], retention: standard, sources: {paths: '{{ paths }}'}, compression: lz4}
"""


@pytest.fixture
def resolved(resolve: Resolve) -> Resolved:
    return resolve(FLEET, {"paths": ["/z"]})


def test_the_sentence_of_a_value(resolved: Resolved) -> None:
    lines = render_explained(explain(resolved)).splitlines()
    assert "    daily: 7, from retention.standard, fleet.yml:4" in lines
    assert "  compression: lz4, from jobs.two, fleet.yml:7" in lines
    assert "    paths: [/z], from jobs.two, fleet.yml:7, by {{ paths }}" in lines
    assert "  append_only: false, by default" in lines


def test_headings_stand_once_above_their_values(resolved: Resolved) -> None:
    lines = render_explained(explain(resolved, "one")).splitlines()
    assert lines[:7] == [
        "job one",
        "  sources",
        "    paths[0]: /x, from jobs.one, fleet.yml:6",
        "    paths[1]",
        "      path: /y, from jobs.one, fleet.yml:6",
        "      allow: [empty], from jobs.one, fleet.yml:6",
        "    exclude: [], by default",
    ]
    assert lines[lines.index("") + 1] == "repository a"


def test_one_job_comes_with_its_repositories_only(resolved: Resolved) -> None:
    assert {one.subject for one in explain(resolved, "two")} == {"job two", "repository b"}
    assert {one.subject for one in explain(resolved)} == {"job one", "job two", "repository a", "repository b"}


def test_every_value_of_the_state_is_explained(resolved: Resolved) -> None:
    assert resolved.state is not None
    job = resolved.state.jobs["one"].model_dump(mode="json")
    told = {one.path: one.value for one in explain(resolved, "one") if one.subject == "job one"}
    for rule, value in job["retention"].items():
        assert told[f"retention.{rule}"] == value
    assert set(job) - {"name"} == {path.partition(".")[0] for path in told}


def test_as_json(resolved: Resolved) -> None:
    values = json.loads(explained_as_json(explain(resolved, "one")))
    daily = next(one for one in values if one["path"] == "retention.daily")
    assert daily == asdict(Explained("job one", "retention.daily", 7, "retention.standard", "fleet.yml", 4, 31))
    assert next(one for one in values if one["path"] == "rpo") | {"source": "default", "line": None} in values


def test_a_value_without_a_place_names_its_source() -> None:
    tree = {"clients": "all", "repositories": ["a"], "retention": {"last": 1}, "sources": {"paths": ["/x"]}}
    repository: Node = node_of({"path": "/a", "passphrase": {"generate": True}})
    declarations = Declarations({"jobs": {"j": node_of(tree)}, "repositories": {"a": repository}})
    resolved = resolve_client(declarations, "h", frozenset(), {"all": ["h"]}, lambda value: value)
    assert "    last: 1, from jobs.j" in render_explained(explain(resolved)).splitlines()


def test_an_unknown_job(resolved: Resolved) -> None:
    with pytest.raises(UnknownJob, match="This host has no job three; it has one and two"):
        explain(resolved, "three")


def test_what_could_not_be_resolved_is_not_explained(resolve: Resolve) -> None:
    with pytest.raises(Problems) as problems:
        explain(resolve(FLEET))
    assert "'paths' is undefined" in str(problems.value.problems[0])


def test_an_expression_over_several_lines_is_one_line() -> None:
    one = Explained("job a", "rpo", "1h", "jobs.a", "f.yml", 1, 1, "{{ a\n   + b }}")
    assert render_explained([one]) == "job a\n  rpo: 1h, from jobs.a, f.yml:1, by {{ a + b }}"
