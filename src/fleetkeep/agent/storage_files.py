# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a storage host: who may come in, to which repository, and how the SSH server treats them; pure.

Source: sshd(8), "AUTHORIZED_KEYS FILE FORMAT"; Borg 1.4, ``borg serve`` and "Hosting repositories".
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from fleetkeep.model import Grant, Storage
from fleetkeep.plan.change import Kind
from fleetkeep.plan.resource import Account, FileResource
from fleetkeep.plan.words import render_count

from .paths import Paths

#: A dead connection frees its repository's lock within half a minute.
ALIVE = {"ClientAliveInterval": "10", "ClientAliveCountMax": "3"}

_HEAD = "# Written by Fleetkeep; a key that the fleet files do not declare goes with the next apply.\n"
_WAITING = "# {label}: its key is not known yet"
_LINE = re.compile(r"^restrict,.* ((?:ssh|ecdsa|sk)-\S+ \S+) fleetkeep:(\S+)$", re.MULTILINE)


def storage_accounts(storages: Iterable[Storage]) -> tuple[Account, ...]:
    """The accounts that storages need, each once."""
    accounts = []
    for user, shared in _by_user(storages).items():
        grants = [grant for storage in shared for grant in storage.grants]
        clients = {grant.client for grant in grants}
        summary = f"{', '.join(storage.path for storage in shared)} for {render_count(len(clients), 'client')}"
        accounts.append(Account(user, shared[0].path, tuple(sorted({grant.folder for grant in grants})), summary))
    return tuple(accounts)


def storage_files(
    storages: Iterable[Storage], paths: Paths, keys: Mapping[str, str], borg: str
) -> Iterable[FileResource]:
    """The files of a host that is some storages.

    ``keys``: the public key of each grant, as ``ssh-ed25519 AAAA...``, by its label; a grant without one lets nobody in
    yet. ``borg``: the program that serves.
    """
    by_user = _by_user(storages)
    for user, shared in by_user.items():
        grants = sorted((grant for storage in shared for grant in storage.grants), key=lambda grant: grant.label)
        yield FileResource(
            kind=Kind.ACCESS,
            name=user,
            path=_below(paths, paths.authorized_keys(user)),
            content=render_authorized_keys(grants, keys, borg),
            mode=0o644,
            summary=f"{render_count(len(grants), 'key')} for {', '.join(storage.name for storage in shared)}",
        )
    if by_user:
        yield FileResource(
            kind=Kind.SSHD,
            name="settings",
            path=_below(paths, paths.sshd_settings),
            content=render_sshd_settings(sorted(by_user), paths),
            mode=0o644,
            summary=f"{', '.join(sorted(by_user))}: keys only, no shell, no forwarding",
        )


def render_authorized_keys(grants: Sequence[Grant], keys: Mapping[str, str], borg: str) -> str:
    """The whole file of an account: one line for each grant whose key is known.

    >>> grant = Grant(client="web1", repository="offsite", folder="/srv/borg/offsite/web1", quota=500)
    >>> print(render_authorized_keys([grant], {"web1:offsite": "ssh-ed25519 AAAA"}, "/opt/borg").splitlines()[1])
    restrict,command="/opt/borg serve --umask=077 --append-only --restrict-to-repository /srv/borg/offsite/web1 --storage-quota 500" ssh-ed25519 AAAA fleetkeep:web1:offsite
    """  # noqa: E501 - one line is one line
    lines = []
    for grant in grants:
        key = keys.get(grant.label)
        if key is None:
            lines.append(_WAITING.format(label=grant.label))
        else:
            forced = _quoted(serve_command(grant, borg))
            lines.append(f"restrict,command={forced} {key} fleetkeep:{grant.label}")
    return _HEAD + "".join(f"{line}\n" for line in lines)


def serve_command(grant: Grant, borg: str) -> str:
    """What a client's key starts, whatever the client asks for; a shell reads it."""
    words = [borg, "serve", "--umask=077"]
    if grant.append_only:
        words.append("--append-only")
    words += ["--restrict-to-repository", grant.folder]
    if grant.quota is not None:
        words += ["--storage-quota", str(grant.quota)]
    return shlex.join(words)


def parse_authorized_keys(text: str) -> dict[str, str]:
    """The public key of each grant in a file that ``render_authorized_keys`` made, by its label.

    >>> parse_authorized_keys('restrict,command="x" ssh-ed25519 AAAA fleetkeep:web1:offsite')
    {'web1:offsite': 'ssh-ed25519 AAAA'}
    """
    return {label: key for key, label in _LINE.findall(text)}


def render_sshd_settings(users: Sequence[str], paths: Paths) -> str:
    """The SSH server's settings for the accounts of storages; they concern nobody else."""
    settings = {
        "AuthorizedKeysFile": str(paths.authorized_keys("%u")),
        "AuthenticationMethods": "publickey",
        "PasswordAuthentication": "no",
        "KbdInteractiveAuthentication": "no",
        "DisableForwarding": "yes",
        "PermitTTY": "no",
        "PermitUserRC": "no",
        **ALIVE,
    }
    lines = [f"Match User {','.join(users)}", *(f"    {name} {value}" for name, value in settings.items()), "Match all"]
    return "# Written by Fleetkeep for the accounts of its storages.\n" + "".join(f"{line}\n" for line in lines)


def _by_user(storages: Iterable[Storage]) -> dict[str, list[Storage]]:
    found: dict[str, list[Storage]] = {}
    for storage in storages:
        found.setdefault(storage.user, []).append(storage)
    return found


def _quoted(command: str) -> str:
    r"""A command as sshd reads it in double quotes.

    >>> _quoted('a "b"')
    '"a \\"b\\""'
    """
    return '"' + command.replace('"', '\\"') + '"'


def _below(paths: Paths, path: Path) -> str:
    return str(path.relative_to(paths.prefix))


__all__ = [
    "ALIVE",
    "parse_authorized_keys",
    "render_authorized_keys",
    "render_sshd_settings",
    "serve_command",
    "storage_accounts",
    "storage_files",
]
