# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the controller carries between clients and storage hosts: public keys there, host keys back. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

_NOT_VISITED = "its storage host was not reached."


@dataclass
class Granted:
    """What storage hosts said to one client."""

    host_keys: dict = field(default_factory=dict)
    """The host keys of the storage, by the repository that the client may come in to."""

    reason: str = _NOT_VISITED
    """Why a repository is not among them."""


def visits_of(state, waiting):
    """The inventory hosts of the storages that the ``waiting`` repositories of a client lie on."""
    return sorted({state.repositories[name].storage.inventory_host for name in waiting})


def offered_keys(applied, state):
    """The public keys for the grants of a storage host, by label, from what its clients returned.

    ``applied`` holds the results of the clients' tasks; ``state`` is the storage host's.

    >>> from types import SimpleNamespace as S
    >>> state = S(storages={"vault1": S(grants=[S(label="web1:offsite"), S(label="web2:offsite")])})
    >>> offered_keys([{"plan": {"client": "web1"}, "public_keys": {"offsite": "ssh-rsa AAAA", "other": "x"}}], state)
    {'web1:offsite': 'ssh-rsa AAAA'}
    """
    labels = {grant.label for storage in state.storages.values() for grant in storage.grants}
    offered = {
        f"{result['plan']['client']}:{repository}": key
        for result in applied
        if not result.get("failed") and "plan" in result
        for repository, key in (result.get("public_keys") or {}).items()
    }
    return {label: key for label, key in offered.items() if label in labels}


def collect_granted(results, client):
    """What the visits of storage hosts came to for one client.

    >>> good = {"grants": {"web1:offsite": True, "web2:offsite": True}, "server_host_keys": ["ssh-ed25519 AAAA"]}
    >>> collect_granted([good], "web1").host_keys
    {'offsite': ['ssh-ed25519 AAAA']}
    >>> collect_granted([{"failed": True, "msg": "No route to host"}], "web1").reason
    'No route to host.'
    """
    granted = Granted()
    for result in results:
        if result.get("failed") or result.get("unreachable"):
            granted.reason = str(result.get("msg") or _NOT_VISITED).strip().rstrip(".") + "."
        for label, is_in in (result.get("grants") or {}).items():
            owner, _colon, repository = label.rpartition(":")
            if is_in and owner == client:
                granted.host_keys[repository] = result["server_host_keys"]
    return granted


__all__ = ["Granted", "collect_granted", "offered_keys", "visits_of"]
