# SPDX-License-Identifier: GPL-3.0-or-later
"""Declared repositories and storages as one client sees them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fleetkeep.fleet import Declarations, Resolved, literal
from fleetkeep.fleet.repositories import ResolvedRepository, check_storage, resolve_repository
from fleetkeep.fleet.setting import Renderer

Declare = Callable[[str], Declarations]
STORAGES = "storages: {near: {path: /srv/borg}, far: {host: vault1, path: /srv/borg, quota: 1T}, bad: {path: srv}}\n"


def resolved(declare: Declare, repository: str) -> tuple[ResolvedRepository | None, list[str]]:
    renderer = Renderer(literal)
    found = resolve_repository(declare(f"{STORAGES}repositories:\n  it: {repository}"), renderer, "it", "web1")
    return found, [str(problem) for problem in renderer.problems]


@pytest.mark.parametrize(
    ("repository", "location", "quota"),
    [
        ("{path: /srv/x}", "/srv/x/web1", None),
        ("{path: /srv/x, per: fleet}", "/srv/x", None),
        ("{path: ssh://nas/x, quota: 2G}", "ssh://nas/x/web1", 2 * 10**9),
        ("{storage: near}", "/srv/borg/it/web1", None),
        ("{storage: far}", "ssh://borg@vault1:22/srv/borg/it/web1", 10**12),
        ("{storage: far, per: fleet, quota: 5G}", "ssh://borg@vault1:22/srv/borg/it", 5 * 10**9),
        ("{storage: near, path: }", "/srv/borg/it/web1", None),
    ],
)
def test_places(declare: Declare, repository: str, location: str, quota: int | None) -> None:
    found, problems = resolved(declare, repository.replace("}", ", passphrase: {generate: true}}"))
    assert not problems
    assert found is not None
    assert (found.model.location, found.model.quota) == (location, quota)


@pytest.mark.parametrize(
    ("repository", "problems"),
    [
        ("{path: srv}", ["3:14: repositories.it.path is refused: a repository path is absolute"]),
        ("{}", ["3:3: repositories.it: give either path or storage"]),
        ("{path: /a, storage: near}", ["3:3: repositories.it: give either path or storage"]),
        (
            "{storage: fra}",
            ["3:17: repositories.it.storage names the storage 'fra', which is not declared; did you mean far?"],
        ),
        ("{storage: bad}", ["1:98: storages.bad.path is 'srv', but an absolute path is expected"]),
        ("{path: 7}", ["3:14: repositories.it.path is 7, but text is expected"]),
        ("{path: /a, per: host}", ["3:23: repositories.it.per is 'host', but one of client or fleet is expected"]),
        ("{path: /a, kota: 1T}", ["3:18: repositories.it has the unknown key 'kota'; did you mean quota?"]),
        (
            "{path: a, encryption: x, quota: y}",
            [
                "3:14: repositories.it.path is refused",
                "3:29: repositories.it.encryption is 'x', but one of repokey-blake2,",
                "3:39: repositories.it.quota is 'y': write a size",
            ],
        ),
    ],
)
def test_problems(declare: Declare, repository: str, problems: list[str]) -> None:
    comma = "" if repository == "{}" else ", "
    found, told = resolved(declare, repository.replace("}", f"{comma}passphrase: {{generate: true}}}}", 1))
    assert found is None
    told = sorted(text.removeprefix("fleet.yml:") for text in told)
    assert [text[: len(start)] for text, start in zip(told, problems, strict=True)] == problems


def test_an_expression_for_a_whole_repository_is_left_alone_when_it_is_not_known(declare: Declare) -> None:
    assert resolved(declare, '"{{ company_repository }}"') == (None, [])


def test_an_expression_for_a_whole_repository_gives_a_map(resolve: Callable[..., Resolved]) -> None:
    text = """
    repositories: {it: "{{ it }}"}
    jobs: {job: {clients: all, repositories: [it], retention: {last: 1}, sources: {paths: [/etc]}}}
    """
    state = resolve(text, {"it": {"path": "/srv", "passphrase": "S3CRET"}}).state
    assert state is not None
    assert state.repositories["it"].location == "/srv/web1"
    (problem,) = resolve(text, {"it": "S3CRET"}).problems
    assert str(problem) == "fleet.yml:2:20: repositories.it has a wrong value (not shown), but a map is expected"


@pytest.mark.parametrize(
    ("storage", "client", "problem"),
    [
        ("{path: /a/../b}", "web1", "storages.s.path is refused: a repository path has no .."),
        ("{path: /a, host: x@y}", "web1", "storages.s.path is refused: the host and user of a storage are plain names"),
        ("{path: /a}", "web/1", "storages.s.path is refused: the client name 'web/1' cannot be the name of a folder"),
    ],
)
def test_a_storage_that_gives_no_place(declare: Declare, storage: str, client: str, problem: str) -> None:
    renderer = Renderer(literal)
    text = f"storages: {{s: {storage}}}\nrepositories: {{it: {{storage: s, passphrase: {{generate: true}}}}}}"
    assert resolve_repository(declare(text), renderer, "it", client) is None
    assert [str(found).partition(": ")[2][: len(problem)] for found in renderer.problems] == [problem]


def test_a_passphrase_is_checked_even_when_other_values_are_wrong(declare: Declare) -> None:
    _, problems = resolved(declare, "{path: a, qota: 1T, passphrase: ''}")
    assert len(problems) == 3


def test_storages_are_checked(declare: Declare) -> None:
    renderer = Renderer(literal)
    declarations = declare(STORAGES)
    assert check_storage(declarations, renderer, "far") is not None
    assert check_storage(declarations, renderer, "none") is None
    assert not renderer.problems
    assert check_storage(declarations, renderer, "bad") is None
    assert len(renderer.problems) == 1
