# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole inventory is checked at once."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fleetkeep.fleet import Declarations, TemplateFailure, validate_fleet

Declare = Callable[[str], Declarations]

HOSTS = {
    "web1": frozenset({"web"}),
    "web2": frozenset({"web"}),
    "web3": frozenset({"web"}),
    "web4": frozenset({"web"}),
    "db1": frozenset({"db"}),
}
GOOD = """\
repositories: {local: {path: /srv/backups, passphrase: {generate: true}}}
retention: {standard: {daily: 7}}
templates: {base: {repositories: [local], sources: {paths: [/etc]}, retention: standard}}
"""


def told(found: list[object]) -> list[str]:
    return [str(problem) for problem in found]


def test_a_good_fleet_has_no_problem(declare: Declare) -> None:
    assert validate_fleet(declare(GOOD + "jobs: {a: {clients: all, template: base}}"), HOSTS) == []


@pytest.mark.parametrize(
    ("declaration", "problem"),
    [
        ("storages: {a: {path: x}}", "storages.a.path is 'x', but an absolute path is expected"),
        ("schedules: {a: {cron: x}}", "schedules.a.cron is 'x': "),
        (
            "jobs: {a: {clients: web, template: base, schedule: nightly}}",
            "jobs.a.schedule names the schedule 'nightly'",
        ),
    ],
)
def test_what_no_host_uses_is_checked_as_well(declare: Declare, declaration: str, problem: str) -> None:
    found = validate_fleet(declare(GOOD + declaration), HOSTS)
    assert [text.partition(": ")[2][: len(problem)] for text in map(str, found)] == [problem]


@pytest.mark.parametrize(
    ("template", "problems"),
    [
        ("{retention: standard}", []),
        ("{retention: {minimum: 3}, sources: {exclude: [a]}, schedule: {jitter: 1m}, hooks: {}}", []),
        ("{retention: {daily: x}}", ["templates.a.retention.daily is 'x', but a whole number is expected"]),
        (
            "{repositories: [lokal]}",
            ["templates.a.repositories[0] names the repository 'lokal', which is not declared;"],
        ),
        ("{clients: all}", ["templates.a has the unknown key 'clients'; known are"]),
        ("'{{ x }}'", []),
        ("{sources: '{{ x }}', schedule: '{{ x }}', retention: {use: '{{ x }}'}, template: '{{ x }}'}", []),
    ],
)
def test_a_template_may_be_a_part(declare: Declare, template: str, problems: list[str]) -> None:
    text = GOOD.replace("templates: {", f"templates: {{a: {template}, ")
    found = [str(problem).partition(": ")[2] for problem in validate_fleet(declare(text), HOSTS)]
    assert [one[: len(start)] for one, start in zip(found, problems, strict=True)] == problems


def test_expressions_are_left_alone(declare: Declare) -> None:
    text = """
    repositories: {r: {path: "{{ x }}", passphrase: "{{ x }}", quota: "{{ x }}", encryption: "{{ x }}"}, s: "{{ x }}"}
    schedules: {s: {cron: "{{ x }}"}}
    retention: {r: {daily: "{{ x }}"}}
    templates: {t: {sources: "{{ x }}"}}
    jobs:
      a: {clients: "{{ x }}", template: t, sources: {exclude: [a]}, repositories: "{{ x }}", retention: "{{ x }}"}
      b: {clients: all, sources: {paths: ["{{ x }}"]}, repositories: ["{{ x }}", r], retention: r, schedule: "{{ x }}"}
      c: {clients: all, template: "{{ x }}"}
      d: "{{ x }}"
    """
    assert validate_fleet(declare(text), HOSTS) == []


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("all", None),
        ("web:!web1", None),
        ("web[3]", None),
        (
            "wbe",
            "jobs.a.clients is 'wbe', which matches no host: 'wbe' is neither a group nor a host; did you mean web?",
        ),
        (
            "web0",
            "jobs.a.clients is 'web0', which matches no host: 'web0' is neither a group nor a host; did you mean web",
        ),
        (
            "web:&db",
            "jobs.a.clients is 'web:&db', which matches no host; choose other groups or hosts, or take the job out",
        ),
        ("x*", "jobs.a.clients is 'x*', which matches no host; choose other groups"),
        ("web[4]", "jobs.a.clients is 'web[4]': 'web[4]' counts past the end: web has 4 hosts"),
        ("~(", "jobs.a.clients is '~(': '~(' is not a readable expression"),
    ],
)
def test_a_host_pattern_matches_something(declare: Declare, pattern: str, problem: str | None) -> None:
    text = GOOD + f"jobs: {{a: {{clients: '{pattern}', template: base}}}}"
    found = [str(one).partition(": ")[2] for one in validate_fleet(declare(text), HOSTS)]
    assert [one[: len(problem or "")] for one in found] == ([problem] if problem else [])


def test_an_inventory_without_hosts(declare: Declare) -> None:
    (found,) = validate_fleet(declare(GOOD + "jobs: {a: {clients: all, template: base}}"), {})
    assert str(found).endswith("jobs.a.clients is 'all', which matches no host; the inventory has none")


def test_a_problem_of_some_hosts_names_them(declare: Declare) -> None:
    text = GOOD + "jobs: {a: {clients: all, template: base, rpo: '{{ rpo }}', compression: zip}}"

    def template_of(host: str) -> Callable[[object], object]:
        def template(value: object) -> object:
            if value != "{{ rpo }}":
                return value
            if host == "db1":
                raise TemplateFailure("'rpo' is undefined")
            return "soon"

        return template

    found = [
        str(problem).partition("jobs.a.")[2] for problem in validate_fleet(declare(text), HOSTS, None, template_of)
    ]
    assert found == [
        "rpo is 'soon' (from '{{ rpo }}'): write a duration as a number with s, m, h, d or w, such as 45m, 26h or 7d"
        " (on web1, web2 and 2 more)",
        "rpo cannot be evaluated: 'rpo' is undefined (on db1)",
        "compression is 'zip', but a compression such as lz4, zstd,3 or auto,zstd,9 is expected",
    ]


def test_a_repository_inside_a_source_is_found_without_any_host(declare: Declare) -> None:
    (found,) = validate_fleet(
        declare(GOOD + "jobs: {a: {clients: all, template: base, sources: {paths: [/srv]}}}"), HOSTS
    )
    assert "which holds the repository local" in str(found)
