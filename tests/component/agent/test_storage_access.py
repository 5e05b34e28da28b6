# SPDX-License-Identifier: GPL-3.0-or-later
"""What waits for access to a storage host, and what is refused there."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import pytest

from fleetkeep.agent.paths import Paths
from fleetkeep.agent.resources import Given
from fleetkeep.agent.ssh_keys import fingerprint, new_private_key, public_key
from fleetkeep.agent.storage_access import check_host_keys, client_keys, find_waiting, grant_keys
from fleetkeep.errors import HostKeysChanged, HostKeysUnknown
from fleetkeep.model import (
    DesiredState,
    Grant,
    Owned,
    OwnedRepository,
    PassphraseKind,
    Repository,
    Storage,
    StorageHost,
)

PLACE = "ssh://borg@vault/srv/borg/offsite/web1"


def desired(location: str = PLACE, host_keys: tuple[str, ...] = ()) -> DesiredState:
    storage = StorageHost(name="vault1", inventory_host="vault", host_keys=host_keys)
    repository = Repository(name="offsite", location=location, passphrase=PassphraseKind.GENERATED, storage=storage)
    return DesiredState(client="web1", repositories={"offsite": repository})


def owned(key: str, location: str = PLACE) -> Owned:
    known = OwnedRepository(
        name="offsite", id="a" * 64, location=location, known_since=datetime(2026, 11, 25, tzinfo=timezone.utc)
    )
    return Owned(repositories={"offsite": known}, access={"offsite": fingerprint(key)})


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path)


@pytest.fixture
def key(paths: Paths) -> str:
    place = paths.repository_key("offsite")
    place.parent.mkdir(parents=True)
    place.write_text(new_private_key("fleetkeep:web1:offsite"))
    place.chmod(0o600)
    return client_keys(desired(), paths)["offsite"]


def test_a_key_is_made_here_and_its_public_half_is_read_from_it(paths: Paths, key: str) -> None:
    assert key.startswith("ssh-ed25519 AAAA") and key.count(" ") == 1
    assert "PRIVATE KEY" in paths.repository_key("offsite").read_text()
    assert public_key(paths.repository_key("other")) is None


def test_what_is_in_use_with_its_key_does_not_wait(paths: Paths, key: str) -> None:
    assert find_waiting(desired(), owned(key), {"offsite": key}, granted=()) == ()


def test_what_waits(paths: Paths, key: str) -> None:
    other = public_key_of_another(paths)
    for known, keys in [
        (Owned(), {}),  # a new host
        (Owned(), {"offsite": key}),  # one whose first apply was cut
        (owned(key), {}),  # its key was lost
        (owned(key), {"offsite": other}),  # its key was made anew
        (owned(key, "ssh://borg@old/srv"), {"offsite": key}),  # it moves to another storage
    ]:
        assert find_waiting(desired(), known, keys, granted=()) == ("offsite",)
        assert find_waiting(desired(), known, keys, granted={"offsite"}) == ()


def public_key_of_another(paths: Paths) -> str:
    place = paths.prefix / "another"
    place.write_text(new_private_key("another"))
    place.chmod(0o600)
    return public_key(place) or ""


def test_a_storage_with_other_host_keys_is_refused_with_both_fingerprints(paths: Paths, key: str) -> None:
    other = public_key_of_another(paths)
    file = paths.storage_host_keys("vault1")
    file.parent.mkdir(parents=True)
    file.write_text(f"vault1 {key}\n")
    check_host_keys(desired(), Given(host_keys={"offsite": [key, other]}), paths)
    with pytest.raises(HostKeysChanged) as refused:
        check_host_keys(desired(), Given(host_keys={"offsite": [other]}), paths)
    assert fingerprint(other) in str(refused.value) and fingerprint(key) in str(refused.value)
    check_host_keys(desired(host_keys=(other,)), Given(host_keys={"offsite": [other]}), paths)


@pytest.mark.parametrize("key", ["ssh-ed25519 AAAA\nssh-ed25519 BBBB", 'command="sh" ssh-ed25519 AAAA', "nothing"])
def test_what_is_no_key_is_never_written(paths: Paths, key: str) -> None:
    grant = Grant(client="web1", repository="offsite", folder="/srv/offsite/web1")
    state = DesiredState(
        client="vault", storages={"vault1": Storage(name="vault1", path="/srv", user="borg", grants=(grant,))}
    )
    assert grant_keys(state, Given(keys={"web1:offsite": key}), paths) == {}
    with pytest.raises(HostKeysUnknown):
        check_host_keys(desired(), Given(host_keys={"offsite": [key]}), paths)
