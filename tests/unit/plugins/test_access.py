# SPDX-License-Identifier: GPL-3.0-or-later
"""What the controller carries between hosts of which it trusts none."""

from __future__ import annotations

import pytest
from ansible_collections.fleetkeep.backup.plugins.plugin_utils._access import collect_granted, offered_keys, visits_of

from fleetkeep.model import DesiredState, Grant, PassphraseKind, Repository, Storage, StorageHost

KEY, OTHER = "ssh-ed25519 AAAA", "ssh-ed25519 BBBB"


def storage_state() -> DesiredState:
    grants = tuple(Grant(client=name, repository="offsite", folder=f"/srv/offsite/{name}") for name in ("web1", "web2"))
    return DesiredState(
        client="vault", storages={"vault1": Storage(name="vault1", path="/srv", user="borg", grants=grants)}
    )


def client_state() -> DesiredState:
    return DesiredState(
        client="web1",
        repositories={
            name: Repository(
                name=name,
                location=f"ssh://borg@{host}/srv/{name}/web1",
                passphrase=PassphraseKind.GENERATED,
                storage=StorageHost(name=f"{host}1", inventory_host=host),
            )
            for name, host in {"offsite": "vault", "second": "cellar"}.items()
        },
    )


def test_a_key_counts_for_the_client_that_was_asked_whatever_it_calls_itself():
    rogue = {"plan": {"client": "web2"}, "public_keys": {"offsite": KEY}}
    assert offered_keys({"web1": rogue}, storage_state()) == {"web1:offsite": KEY}


@pytest.mark.parametrize(
    "key",
    [f"{KEY}\n{OTHER}", f"{KEY}\n", f'command="sh" {KEY}', f"{KEY} comment", "", "ssh-ed25519", None, ["x"], {"a": 1}],
)
def test_what_is_more_than_a_key_is_none(key):
    assert offered_keys({"web1": {"public_keys": {"offsite": key}}}, storage_state()) == {}


def test_a_client_that_failed_offers_nothing():
    assert offered_keys({"web1": {"failed": True, "public_keys": {"offsite": KEY}}}, storage_state()) == {}


def test_a_storage_has_a_say_on_its_own_repositories_alone():
    rogue = {"item": "cellar", "grants": {"web1:offsite": True, "web1:second": True}, "server_host_keys": [OTHER]}
    assert collect_granted([rogue], client_state()).host_keys == {"second": [OTHER]}
    good = {"item": "vault", "grants": {"web1:offsite": True, "web2:offsite": True}, "server_host_keys": [KEY]}
    assert collect_granted([rogue, good], client_state()).host_keys == {"second": [OTHER], "offsite": [KEY]}


@pytest.mark.parametrize(
    "result",
    [
        {"grants": {"web1:offsite": False}, "server_host_keys": [KEY]},
        {"grants": {"web1:offsite": "yes"}, "server_host_keys": [KEY]},
        {"grants": {"web1:offsite": True}, "server_host_keys": []},
        {"grants": {"web1:offsite": True}, "server_host_keys": [f"{KEY}\n* {OTHER}"]},
        {"grants": {"web1:offsite": True}},
    ],
)
def test_without_a_yes_and_a_host_key_there_is_no_access(result):
    assert collect_granted([{"item": "vault", **result}], client_state()).host_keys == {}


def test_what_went_wrong_is_told():
    granted = collect_granted([{"item": "vault", "unreachable": True, "msg": "No route to host"}], client_state())
    assert (granted.host_keys, granted.reason) == ({}, "No route to host.")
    assert collect_granted([], client_state()).reason == "its storage host was not reached."


def test_only_storages_of_what_waits_are_visited():
    assert visits_of(client_state(), ["second"]) == ["cellar"]
    assert visits_of(client_state(), ["offsite", "second"]) == ["cellar", "vault"]
