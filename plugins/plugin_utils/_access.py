# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the controller carries between clients and storage hosts: public keys there, host keys back. Pure.

Neither side is trusted: a client may be in somebody else's hands, and so may a storage host. What one returns counts
only for itself, by the name that the inventory has for it, never by one that it says.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_NOT_VISITED = "its storage host was not reached."
_KEY = re.compile(r"(ssh|ecdsa|sk)-[a-z0-9@.-]+ [A-Za-z0-9+/]+={0,3}")


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

    ``applied`` holds the result of each client's task by its inventory name; ``state`` is the storage host's. A key
    that is more than a key is none: it would be written into a file in which a line can open everything.

    >>> from types import SimpleNamespace as S
    >>> state = S(storages={"vault1": S(grants=[S(label="web1:offsite"), S(label="web2:offsite")])})
    >>> offered_keys({"web1": {"public_keys": {"offsite": "ssh-rsa AAAA", "other": "ssh-rsa BBBB"}}}, state)
    {'web1:offsite': 'ssh-rsa AAAA'}
    """
    labels = {grant.label for storage in state.storages.values() for grant in storage.grants}
    offered = {
        f"{client}:{repository}": key
        for client, result in applied.items()
        if not result.get("failed")
        for repository, key in (result.get("public_keys") or {}).items()
    }
    return {label: key for label, key in offered.items() if label in labels and is_key(key)}


def is_key(text):
    r"""Whether a text is one public key and nothing else.

    >>> is_key("ssh-ed25519 AAAA"), is_key("ssh-ed25519 AAAA\nssh-ed25519 BBBB"), is_key('command="x" ssh-rsa AAAA')
    (True, False, False)
    """
    return isinstance(text, str) and _KEY.fullmatch(text) is not None


def collect_granted(results, state):
    """What the visits of storage hosts came to for the client whose ``state`` is given.

    Each result has the visited host as ``item``; it has a say on the repositories that lie on that host alone.
    """
    granted = Granted()
    for result in results:
        if result.get("failed") or result.get("unreachable"):
            granted.reason = str(result.get("msg") or _NOT_VISITED).strip().rstrip(".") + "."
            continue
        keys = [key for key in result.get("server_host_keys") or [] if is_key(key)]
        for name, repository in state.repositories.items():
            is_there = repository.storage is not None and repository.storage.inventory_host == result.get("item")
            if is_there and keys and (result.get("grants") or {}).get(f"{state.client}:{name}") is True:
                granted.host_keys[name] = keys
    return granted


__all__ = ["Granted", "collect_granted", "is_key", "offered_keys", "visits_of"]
