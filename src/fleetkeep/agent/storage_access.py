# SPDX-License-Identifier: GPL-3.0-or-later
"""Access to storage hosts: the client makes a key, the controller carries its public half to the storage, and the host
keys of the storage back. Until then, what needs the storage waits.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from fleetkeep.errors import HostKeysChanged, HostKeysUnknown
from fleetkeep.model import DesiredState, Owned
from fleetkeep.plan.change import Kind

from . import sshd
from .accounts import is_private
from .paths import Paths
from .resources import Given
from .ssh_keys import fingerprint, is_public_key, public_key
from .storage_files import parse_authorized_keys

#: What needs no access to a storage, and what access needs.
EARLY = (Kind.ACCOUNT, Kind.ACCESS, Kind.SSHD, Kind.IDENTITY)


def client_keys(desired: DesiredState, paths: Paths) -> dict[str, str]:
    """The public keys of this host, by the repository that each opens; only those that were made already."""
    names = [repository.name for repository in desired.repositories.values() if repository.storage]
    found = {name: public_key(paths.repository_key(name)) for name in names}
    return {name: key for name, key in found.items() if key}


def find_waiting(
    desired: DesiredState, owned: Owned, keys: Mapping[str, str], granted: Collection[str]
) -> tuple[str, ...]:
    """The repositories whose storage has yet to let this host in, as far as the host knows."""
    return tuple(_waiting(desired, owned, keys, granted))


def _waiting(desired: DesiredState, owned: Owned, keys: Mapping[str, str], granted: Collection[str]) -> Iterator[str]:
    for repository in desired.repositories.values():
        if repository.storage is None or repository.name in granted:
            continue
        known, key = owned.repositories.get(repository.name), keys.get(repository.name)
        is_where_it_was = known is not None and known.location == repository.location
        if not is_where_it_was or key is None or owned.access.get(repository.name) != fingerprint(key):
            yield repository.name


def check_host_keys(desired: DesiredState, given: Given, paths: Paths) -> None:
    """Refuse a storage that is known by other keys than it has now, unless its keys are declared.

    Raises ``HostKeysChanged``, and ``HostKeysUnknown`` for keys that are none.
    """
    for name, learned in given.host_keys.items():
        repository = desired.repositories.get(name)
        if repository is None or repository.storage is None or repository.storage.host_keys:
            continue
        if not all(map(is_public_key, learned)):
            raise HostKeysUnknown(storage=repository.storage.name, repository=name)
        known = _known_host_keys(paths.storage_host_keys(repository.storage.name))
        if known and learned and not known & set(learned):
            raise HostKeysChanged(
                storage=repository.storage.name, found=_fingerprints(learned), known=_fingerprints(known)
            )


def grant_keys(desired: DesiredState, given: Given, paths: Paths) -> dict[str, str]:
    """The public keys of grants on this host: those that are given, else those that come in already."""
    found: dict[str, str] = {}
    for user in {storage.user for storage in desired.storages.values()}:
        try:
            found |= parse_authorized_keys(paths.authorized_keys(user).read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            continue
    return found | {label: key for label, key in given.keys.items() if is_public_key(key)}


def grant_labels(desired: DesiredState) -> tuple[str, ...]:
    """The labels of all grants on this host."""
    return tuple(grant.label for storage in desired.storages.values() for grant in storage.grants)


def server_host_keys(paths: Paths) -> tuple[str, ...]:
    """The public keys by which this host's SSH server is known. Raises ``SshdRefused``, ``ToolMissing``."""
    if is_private(paths):
        return sshd.read_host_keys(sorted((paths.prefix / "etc/ssh").glob("ssh_host_*_key.pub")))
    return sshd.host_keys()


def _known_host_keys(file: Path) -> set[str]:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return set()
    return {" ".join(line.split()[1:3]) for line in lines if line.strip()}


def _fingerprints(keys: Collection[str]) -> str:
    return ", ".join(sorted(f"{key.split()[0]} {fingerprint(key)}" for key in keys))


__all__ = [
    "EARLY",
    "check_host_keys",
    "client_keys",
    "find_waiting",
    "grant_keys",
    "grant_labels",
    "server_host_keys",
]
