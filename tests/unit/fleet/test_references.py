# SPDX-License-Identifier: GPL-3.0-or-later
"""Names become values: templates, schedules and retentions."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fleetkeep.fleet import Resolved
from fleetkeep.model import Job, Retention, Schedule

Resolve = Callable[..., Resolved]


def job_of(resolved: Resolved) -> Job:
    assert not resolved.problems
    assert resolved.state is not None
    return resolved.state.jobs["system"]


def problem_of(resolved: Resolved) -> str:
    assert resolved.state is None
    (problem,) = resolved.problems
    return str(problem).partition(": ")[2]


def compression(resolve: Resolve, templates: str, own: str) -> str:
    """The compression of a job with these templates; all else is good."""
    good = "sources: {paths: [/etc]}, repositories: [r], retention: {daily: 1}"
    repository = "repositories: {r: {path: /r, passphrase: {generate: true}}}"
    return job_of(
        resolve(f"{repository}\ntemplates: {{{templates}}}\njobs: {{system: {{clients: all, {good}, {own}}}}}")
    ).compression


@pytest.mark.parametrize(
    ("templates", "own", "winner"),
    [
        ("a: {compression: lz4}", "template: a", "lz4"),
        ("a: {compression: lz4}", "template: [a], compression: zlib", "zlib"),
        ("a: {compression: lz4}, b: {compression: none}", "template: [a, b]", "none"),
        ("a: {compression: lz4}, b: {compression: none}", "template: [b, a]", "lz4"),
        ("a: {compression: lz4, template: b}, b: {compression: none}", "template: a", "lz4"),
        ("a: {template: b}, b: {compression: none}", "template: a", "none"),
        # the base of both is reached twice and counts once, first
        (
            "base: {compression: none}, a: {template: base, compression: lz4}, b: {template: base}",
            "template: [a, b]",
            "lz4",
        ),
        ("base: {compression: none}, a: {template: base, compression: lz4}", "template: [a, base]", "lz4"),
        ("a: {compression: lz4}", "template: a, compression: ", "zstd,3"),
        ("a: {compression: lz4}", "template: ", "zstd,3"),
    ],
)
def test_later_overrides_earlier_and_own_overrides_all(resolve: Resolve, templates: str, own: str, winner: str) -> None:
    assert compression(resolve, templates, own) == winner


@pytest.mark.parametrize(
    ("own", "schedule"),
    [
        ("schedule: nightly", Schedule(cron="0 2 * * *", jitter="45m")),
        ("schedule: {use: nightly, cron: 0 3 * * *}", Schedule(cron="0 3 * * *", jitter="45m")),
        ("schedule: {cron: 0 4 * * *}", Schedule(cron="0 4 * * *")),
        ("schedule: '{{ name }}'", Schedule(cron="0 * * * *")),
        ("schedule: {use: '{{ name }}', jitter: 1m}", Schedule(cron="0 * * * *", jitter="1m")),
        ("schedule: '{{ whole }}'", Schedule(cron="0 2 * * *", jitter="2m")),
        ("schedule: ", None),
        ("rpo: 1h", None),
    ],
)
def test_a_schedule_is_named_changed_or_given(resolve_job: Resolve, own: str, schedule: Schedule | None) -> None:
    variables = {"name": "hourly", "whole": {"use": "nightly", "jitter": "2m"}}
    assert job_of(resolve_job(own, variables)).schedule == schedule


@pytest.mark.parametrize(
    ("own", "retention"),
    [
        ("rpo: 1h", Retention(daily=7, weekly=4)),
        ("retention: long", Retention(yearly=10)),  # a name starts anew
        ("retention: {use: long, last: 1}", Retention(yearly=10, last=1)),
        ("retention: {last: 1}", Retention(daily=7, weekly=4, last=1)),  # single values change what is inherited
        ("retention: {daily: , last: 1}", Retention(weekly=4, last=1)),
        ("retention: '{{ values }}'", Retention(daily=7, weekly=4, monthly=2)),
    ],
)
def test_a_retention_is_named_changed_or_given(resolve_job: Resolve, own: str, retention: Retention) -> None:
    assert job_of(resolve_job(own, {"values": {"monthly": 2}})).retention == retention


def test_lists_replace_and_maps_merge(resolve_job: Resolve) -> None:
    sources = job_of(resolve_job("sources: {paths: [/home], exclude: [a]}")).sources
    assert ([source.path for source in sources.paths], sources.exclude) == (["/home"], ("a",))
    assert job_of(resolve_job("sources: {exclude_caches: true}")).sources.paths[0].path == "/etc"


def test_shorthands_of_paths_and_hooks(resolve_job: Resolve) -> None:
    job = job_of(
        resolve_job("hooks: {before: [[a, b], {command: [c], timeout: 1s}], after: '{{ after }}'}", {"after": [["d"]]})
    )
    assert [hook.command for hook in (*job.hooks.before, *job.hooks.after)] == [("a", "b"), ("c",), ("d",)]


@pytest.mark.parametrize(
    ("own", "problem"),
    [
        ("schedule: nigtly", "jobs.system.schedule names the schedule 'nigtly', which is not declared; did you mean"),
        ("schedule: {use: nigtly}", "jobs.system.schedule.use names the schedule 'nigtly', which is not declared"),
        ("schedule: {use: 7}", "jobs.system.schedule.use is 7, but the name of a schedule is expected"),
        ("schedule: 7", "jobs.system.schedule is 7, but the name of a declared schedule or a map of"),
        ("schedule: '{{ nothing }}'", "the value of jobs.system.schedule cannot be evaluated: 'nothing' is undefined"),
        ("schedule: {use: '{{ nothing }}'}", "the value of jobs.system.schedule.use cannot be evaluated: 'nothing'"),
        ("schedule: {jitter: 1m}", "jobs.system.schedule has no cron; write five fields"),
        (
            "retention: lang",
            "jobs.system.retention names the retention 'lang', which is not declared; did you mean long?",
        ),
        ("retention: {daily: 0, weekly: 0}", "jobs.system.retention: retention keeps nothing; give at least one rule"),
        ("clints: all", "jobs.system has the unknown key 'clints'; did you mean clients? Known are"),
        ("name: other", "jobs.system has the unknown key 'name'; known are"),
    ],
)
def test_a_wrong_reference_is_one_problem(resolve_job: Resolve, own: str, problem: str) -> None:
    assert problem_of(resolve_job(own)).startswith(problem)


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ("bose", "jobs.system names the template 'bose', which is not declared; did you mean base? Known is base"),
        ("[base, 7]", "jobs.system.template[1] is 7, but the name of a template is expected"),
        ("{use: base}", "jobs.system.template is a map, but the name of a template is expected"),
        ("'{{ nothing }}'", "the value of jobs.system.template cannot be evaluated: 'nothing' is undefined"),
        ("['{{ name }}', '{{ nothing }}']", "the value of jobs.system.template[1] cannot be evaluated: 'nothing'"),
    ],
)
def test_a_wrong_template_is_one_problem_and_nothing_is_missing(
    resolve_job: Resolve, template: str, problem: str
) -> None:
    found = problem_of(resolve_job("rpo: 1h", {"name": "base"}, template))
    assert found.startswith(problem)


CIRCLE = """
templates:
  c: {template: a}
  a: {template: b}
  b:
    template:
      - c
jobs:
  system: {clients: all, template: NAME, compression: zip}
"""


@pytest.mark.parametrize("name", ["a", "b", "c"])
def test_a_circle_is_told_once_the_same_from_everywhere(resolve: Resolve, name: str) -> None:
    circle, other = resolve(CIRCLE.replace("NAME", name)).problems
    assert str(circle) == (
        "fleet.yml:4:17: templates build on each other in a circle: a builds on b (fleet.yml:4:17), "
        "b builds on c (fleet.yml:7:9), c builds on a (fleet.yml:3:17); take one out"
    )
    assert "compression is 'zip'" in str(other)


def test_a_template_that_builds_on_itself(resolve: Resolve) -> None:
    found = problem_of(resolve("templates: {a: {template: a}}\njobs: {system: {clients: all, template: a}}"))
    assert found.startswith("templates build on each other in a circle: a builds on a (fleet.yml:1:27)")


def test_a_whole_template_may_be_an_expression(resolve: Resolve) -> None:
    text = "templates: {a: '{{ a }}'}\njobs: {system: {clients: all, template: a}}"
    problems = resolve(text, {"a": {"compression": "zip", "rpo": "1h"}}).problems
    assert "templates.a.compression is 'zip' (from '{{ a }}')" in str(problems[0])
    assert problem_of(resolve(text)).startswith("the value of templates.a cannot be evaluated")
    assert problem_of(resolve(text, {"a": 7})) == "templates.a is 7, but a map of values is expected"
