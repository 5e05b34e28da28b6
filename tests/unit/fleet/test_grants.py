# SPDX-License-Identifier: GPL-3.0-or-later
"""What the fleet files mean for a storage host."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fleetkeep.fleet import Declarations, StorageShare, literal, resolve_storages, validate_fleet

Declare = Callable[[str], Declarations]

GROUPS = {
    "vault": frozenset({"all"}),
    "web1": frozenset({"all", "web"}),
    "web2": frozenset({"all", "web"}),
    "db1": frozenset({"all"}),
}
MEMBERS = {"all": list(GROUPS), "web": ["web1", "web2"]}
FLEET = """
storages: {vault1: {host: v.example.net, inventory_host: vault, path: /srv/borg/, quota: 2G}}
repositories: {offsite: {storage: vault1, passphrase: {generate: true}}}
jobs: {files: {clients: web, sources: {paths: [/srv]}, repositories: [offsite], retention: {daily: 7}}}
"""


def shares(declare: Declare, text: str, host: str = "vault") -> StorageShare:
    return resolve_storages(declare(text), host, lambda: GROUPS, MEMBERS, lambda _host: literal)


def test_each_client_of_a_job_gets_its_own_repository_and_no_other(declare: Declare) -> None:
    storage = shares(declare, FLEET).storages["vault1"]
    assert (storage.user, storage.path) == ("borg", "/srv/borg")
    assert [(g.label, g.folder, g.quota, g.append_only) for g in storage.grants] == [
        ("web1:offsite", "/srv/borg/offsite/web1", 2 * 10**9, True),
        ("web2:offsite", "/srv/borg/offsite/web2", 2 * 10**9, True),
    ]


def test_full_power_has_to_be_declared(declare: Declare) -> None:
    text = FLEET.replace("{storage: vault1,", "{storage: vault1, append_only: false,")
    assert [grant.append_only for grant in shares(declare, text).storages["vault1"].grants] == [False, False]


def test_a_host_that_is_no_storage_is_not_even_asked_for_the_inventory(declare: Declare) -> None:
    def refuse() -> dict[str, frozenset[str]]:
        raise AssertionError("the whole inventory was read for a client")

    share = resolve_storages(declare(FLEET), "web1", refuse, MEMBERS, lambda _host: literal)
    assert (share.storages, share.problems) == ({}, ())


def test_a_mistake_of_one_client_is_a_problem_of_its_storage(declare: Declare) -> None:
    text = FLEET.replace("paths: [/srv]", "paths: [srv]")
    share = shares(declare, text)
    assert share.problems and all("jobs.files.sources.paths[0]" in str(problem) for problem in share.problems)
    assert not share.storages["vault1"].grants


@pytest.mark.parametrize(
    ("storage", "problem"),
    [
        ("inventory_host: vualt", "is 'vualt', which is no host of the inventory; did you mean vault?"),
        ("inventory_host: vault, host_keys: [AAAA]", "host_keys[0] is 'AAAA'"),
        ("inventory_host: vault, user: Borg!", "storages.vault1.user"),
    ],
)
def test_what_is_wrong_with_a_storage_is_said_at_its_place(declare: Declare, storage: str, problem: str) -> None:
    declarations = declare(FLEET.replace("inventory_host: vault", storage))
    problems = validate_fleet(declarations, GROUPS, MEMBERS)
    problems += resolve_storages(declarations, "vault", lambda: GROUPS, MEMBERS, lambda _host: literal).problems
    assert any(problem in str(found) for found in problems), problems


def test_a_storage_that_is_kept_has_an_address(declare: Declare) -> None:
    (problem,) = validate_fleet(declare(FLEET.replace("host: v.example.net, ", "")), GROUPS, MEMBERS)[:1]
    assert "needs host as well, the address by which clients reach it" in str(problem)
