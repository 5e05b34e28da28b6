# SPDX-License-Identifier: GPL-3.0-or-later
"""One client's desired state: chosen jobs, resolved values, and where each comes from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import SupportsIndex, overload

import pytest

from fleetkeep.fleet import Declarations, Inventory, Resolved, literal, resolve_client
from fleetkeep.fleet.load import Vaulted
from fleetkeep.fleet.resolve import Provided
from fleetkeep.model import SchedulerChoice

Resolve = Callable[..., Resolved]

FLEET = """
storages:
  vault1: {host: vault1, path: /srv/borg, quota: 2T}
repositories:
  offsite: {storage: vault1, passphrase: '{{ secret }}', append_only: true}
  shared: {path: /mnt/shared, per: fleet, passphrase: {command: [pass, shared]}}
schedules:
  nightly: {cron: 0 2 * * *}
retention:
  standard: {daily: 7}
templates:
  server:
    sources: {paths: [/etc]}
    retention: standard
jobs:
  on-web: {clients: web, template: server, repositories: [offsite], schedule: {use: nightly, jitter: 1m}}
  on-db: {clients: "{{ pattern }}", template: server, repositories: [shared], sources: {paths: ["{{ folder }}"]}}
"""
VARIABLES = {"secret": "S3CRET", "pattern": "db", "folder": "/var/lib/db"}


def test_a_client_has_what_chooses_it(resolve: Resolve) -> None:
    state = resolve(FLEET, VARIABLES).state
    assert state is not None
    assert (state.client, list(state.jobs), list(state.repositories)) == ("web1", ["on-web"], ["offsite"])
    assert state.repositories["offsite"].location == "ssh://borg@vault1:22/srv/borg/offsite/web1"
    other = resolve(FLEET, VARIABLES, "db1").state
    assert other is not None
    assert (list(other.jobs), other.repositories["shared"].location) == (["on-db"], "/mnt/shared")


def test_each_value_knows_where_it_comes_from(resolve: Resolve) -> None:
    provenance = resolve(FLEET, VARIABLES).provenance

    def told(*path: str | int) -> str:
        provided = provenance.of(path)
        return f"{provided.source} {provided.origin}" if provided else "default"

    job, repository = ("jobs", "on-web"), ("repositories", "offsite")
    assert told(*job, "retention", "daily") == "retention.standard fleet.yml:10:21"
    assert told(*job, "schedule", "cron") == "schedules.nightly fleet.yml:8:19"
    assert told(*job, "schedule", "jitter") == "jobs.on-web fleet.yml:16:102"
    assert told(*job, "schedule", "timezone") == "default"
    assert told(*job, "sources", "paths", 0, "path") == "templates.server fleet.yml:13:23"
    assert told(*repository, "location") == "storages.vault1 fleet.yml:3:32"
    assert told(*repository, "quota") == "storages.vault1 fleet.yml:3:50"
    assert told(*repository, "passphrase") == "repositories.offsite fleet.yml:5:42"
    assert told(*repository, "encryption") == "default"


def test_an_expression_is_part_of_where_a_value_comes_from(resolve: Resolve) -> None:
    provenance = resolve(FLEET, VARIABLES, "db1").provenance
    folder = provenance.of(("jobs", "on-db", "sources", "paths", 0, "path"))
    assert folder is not None
    assert folder.expression == "{{ folder }}"


def test_the_expression_of_a_passphrase_is_not_kept(resolve: Resolve) -> None:
    passphrase = resolve(FLEET, VARIABLES).provenance.of(("repositories", "offsite", "passphrase"))
    assert isinstance(passphrase, Provided)
    assert passphrase.expression is None


def test_only_what_the_client_uses_is_templated(declare: Callable[[str], Declarations]) -> None:
    seen: list[object] = []

    def template(value: object) -> object:
        seen.append(value)
        return VARIABLES.get(value.strip("{ }"), value) if isinstance(value, str) else value

    resolve_client(declare(FLEET), "db1", frozenset({"db"}), {"all": ["db1"], "db": ["db1"]}, template)
    assert "{{ folder }}" in seen
    assert "{{ secret }}" not in seen
    assert "vault1" not in seen


def test_the_same_input_gives_the_same_state(resolve: Resolve) -> None:
    first, second = resolve(FLEET, VARIABLES), resolve(FLEET, VARIABLES)
    assert first == second
    assert first.state is not None
    assert second.state is not None
    assert first.state.digest == second.state.digest


def test_a_client_without_jobs_has_an_empty_state(resolve: Resolve) -> None:
    state = resolve("jobs: {a: {clients: nobody}}").state
    assert state is not None
    assert (state.jobs, state.repositories) == ({}, {})


def test_the_scheduler_is_passed_on(declare: Callable[[str], Declarations]) -> None:
    members = {"all": ["web1"]}
    resolved = resolve_client(declare("jobs:"), "web1", frozenset(), members, literal, SchedulerChoice.AGENT)
    assert resolved.state is not None
    assert resolved.state.scheduler is SchedulerChoice.AGENT


@pytest.mark.parametrize(
    ("jobs", "problem"),
    [
        (
            "a: {template: x}",
            "fleet.yml:1:8: jobs.a has no clients; write clients: all, or another Ansible host pattern",
        ),
        (
            "a: {clients: }",
            "fleet.yml:1:21: jobs.a.clients is empty, but a host pattern is expected; write clients: all",
        ),
        (
            "a: {clients: ' '}",
            "fleet.yml:1:21: jobs.a.clients is ' ', but a host pattern is expected; write clients: all",
        ),
        ("a: {clients: [web]}", "fleet.yml:1:21: jobs.a.clients is a list, but a host pattern is expected; write"),
        ("a: {clients: 'web,~('}", "fleet.yml:1:21: jobs.a.clients is 'web,~(': '~(' is not a readable expression"),
        (
            "a: {clients: 'all[7]'}",
            "fleet.yml:1:21: jobs.a.clients is 'all[7]': 'all[7]' counts past the end: all has 2 hosts",
        ),
        ("a: {clients: '{{ nothing }}'}", "fleet.yml:1:21: the value of jobs.a.clients cannot be evaluated: 'nothing'"),
        ("a: '{{ number }}'", "fleet.yml:1:11: jobs.a is 7, but a map of values is expected"),
        ("a: '{{ nothing }}'", "fleet.yml:1:11: the value of jobs.a cannot be evaluated: 'nothing' is undefined"),
    ],
)
def test_a_wrong_choice_of_clients_is_one_problem(resolve: Resolve, jobs: str, problem: str) -> None:
    resolved = resolve(f"jobs: {{{jobs}}}", {"number": 7})
    assert resolved.state is None
    assert [str(found)[: len(problem)] for found in resolved.problems] == [problem]


@pytest.mark.parametrize(
    ("own", "problem"),
    [
        (
            "repositories: [lokal]",
            "jobs.system.repositories[0] names the repository 'lokal', which is not declared; did you",
        ),
        ("repositories: [local, local]", "jobs.system.repositories[1] names the repository 'local' a second time"),
        ("repositories: [7]", "jobs.system.repositories[0] is 7, but text is expected"),
        ("repositories: local", "jobs.system.repositories is 'local', but a list is expected"),
        ("repositories: []", "jobs.system.repositories is empty; name at least one declared repository"),
        ("repositories: ", "jobs.system.repositories is empty; name at least one declared repository"),
        ("sources: ", "jobs.system.sources is empty; say what is backed up"),
        ("sources: {paths: }", "jobs.system.sources.paths is empty; list at least one absolute path"),
    ],
)
def test_a_wrong_job_is_one_problem(resolve_job: Resolve, own: str, problem: str) -> None:
    resolved = resolve_job(own)
    assert resolved.state is None
    assert [str(found).partition(": ")[2][: len(problem)] for found in resolved.problems] == [problem]


def test_all_problems_come_at_once_and_in_order(resolve_job: Resolve) -> None:
    problems = resolve_job(
        "rpo: soon\n    compression: zip\n    retension: x\n    schedule: {cron: x, jitter: y}"
    ).problems
    assert [str(problem).split(": ")[0] for problem in problems] == [
        f"fleet.yml:{place}" for place in ("9:10", "10:18", "11:5", "12:22", "12:33")
    ]


def test_a_vaulted_value_that_is_wrong_is_not_shown(declare: Callable[[str], Declarations]) -> None:
    text = FLEET.replace("cron: 0 2 * * *", "cron: !vault x")
    opened = lambda value: "S3CRET" if isinstance(value, Vaulted) else value  # noqa: E731
    members = {"all": ["web1"], "web": ["web1"]}
    (problem,) = resolve_client(declare(text), "web1", frozenset({"web"}), members, opened).problems
    assert str(problem).startswith("fleet.yml:8:19: schedules.nightly.cron: ")
    assert "S3CRET" not in str(problem)


class Watched(Sequence[str]):
    """Hosts that count how often somebody walks over them."""

    def __init__(self, hosts: list[str]) -> None:
        self.hosts = hosts
        self.walks = 0

    @overload
    def __getitem__(self, index: SupportsIndex) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[str]: ...
    def __getitem__(self, index: SupportsIndex | slice) -> str | Sequence[str]:
        self.walks += 1
        return self.hosts[index]

    def __len__(self) -> int:
        return len(self.hosts)


def test_a_large_fleet_is_walked_over_once_at_most(declare: Callable[[str], Declarations]) -> None:
    hosts = Watched([f"web{number}" for number in range(5000)])
    jobs = "\n".join(f"  job{n}: {{clients: 'web:&prod:!~web{n}$:web7'}}" for n in range(50))
    inventory = Inventory({"all": hosts, "web": hosts, "prod": hosts})
    declarations = declare(f"jobs:\n{jobs}")
    for client in ("web77", "web78"):
        resolve_client(declarations, client, frozenset({"web", "prod"}), inventory, literal)
    assert hosts.walks <= 5001


#: A fleet of one repository; a test adds its jobs.
SMALL = """\
repositories: {local: {path: /srv/backups, passphrase: {generate: true}}}
retention: {standard: {daily: 7}}
"""


def test_what_a_drill_asserts_comes_through_templates_and_knows_its_place(resolve):
    text = (
        SMALL
        + """\
templates:
  base:
    drill: {files: 30, assertions: [{file_exists: /etc/hosts}]}
jobs:
  system:
    clients: web
    template: base
    sources: {paths: [/etc]}
    repositories: [local]
    retention: standard
    drill: {files: 40}
"""
    )
    resolved = resolve(text)
    assert resolved.problems == ()
    drill = resolved.state.jobs["system"].drill
    assert (drill.files, [str(each) for each in drill.assertions]) == (40, ["file_exists /etc/hosts"])


@pytest.mark.parametrize(
    ("drill", "sentence"),
    [
        ("{files: 5000}", "files is 5000, but a whole number of at most 1000 is expected"),
        ("{fles: 5}", "drill has the unknown key 'fles'; did you mean files?"),
        (
            "{assertions: [{}]}",
            "assertions[0]: an assertion has exactly one of file_exists, sha256, size_ratio, command",
        ),
        (
            "{assertions: [{file_exists: etc}]}",
            "assertions[0].file_exists is 'etc': a path is absolute, as the file was",
        ),
        (
            "{assertions: [{file_exist: /etc}]}",
            "assertions[0] has the unknown key 'file_exist'; did you mean file_exists",
        ),
        ("{assertions: [{sha256: {path: /a, is: x}}]}", "sha256.is is 'x', but 64 hexadecimal digits is expected"),
        (
            "{assertions: [{sha256: {path: /a}}]}",
            "sha256 has no is; write the SHA-256 of the content, as sha256sum prints",
        ),
        (
            "{assertions: [{command: [./evil]}]}",
            "assertions[0]: the program is a name in PATH or an absolute path of the",
        ),
        ("{assertions: [{size_ratio: {min: big}}]}", "size_ratio.min is 'big', but a number is expected"),
    ],
)
def test_what_a_drill_cannot_assert_is_said_with_its_line(resolve, drill, sentence):
    text = (
        SMALL
        + f"""\
jobs:
  system:
    clients: web
    sources: {{paths: [/etc]}}
    repositories: [local]
    retention: standard
    drill: {drill}
"""
    )
    problems = [str(found) for found in resolve(text).problems]
    assert any(sentence in found for found in problems), problems
    assert all(found.startswith("fleet.yml:9:") for found in problems), problems
