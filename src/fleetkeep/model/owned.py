# SPDX-License-Identifier: GPL-3.0-or-later
"""The ownership journal: what applies created on a host. Only what stands in it is ever changed back or removed."""

from __future__ import annotations

from pydantic import AwareDatetime

from .base import Model, Name


class OwnedFile(Model):
    """A file that an apply wrote."""

    kind: str
    """What it is, as a plan names it: passphrase, repository, job, unit."""

    name: str
    """The name of the declared thing it belongs to."""

    sha256: str
    """The SHA-256 of what was written, in hexadecimal: another content means that somebody edited it since."""


class OwnedRepository(Model):
    """A repository that this host knows; no apply ever deletes it."""

    name: Name
    """The name it is or was declared by."""

    id: str
    """Borg's id of it, 64 hexadecimal characters."""

    location: str
    """Where it was when this host last used it."""

    known_since: AwareDatetime
    """When an apply created or adopted it."""


class Owned(Model):
    """Everything that applies created on this host."""

    files: dict[str, OwnedFile] = {}
    """By path below the prefix, without a leading slash."""

    timers: tuple[str, ...] = ()
    """Timers that an apply enabled."""

    repositories: dict[Name, OwnedRepository] = {}
    """The repositories in use, by declared name."""

    orphans: tuple[OwnedRepository, ...] = ()
    """Repositories that are declared no longer, or at another place; their archives are all still there."""

    generated_passphrases: tuple[Name, ...] = ()
    """The repositories whose passphrase was made on this host and exists nowhere else; such a file is never removed."""

    access: dict[Name, str] = {}
    """The fingerprint of the key that a storage host let in, by repository."""

    sshd_is_stale: bool = False
    """Whether the SSH server has yet to read the settings that an apply wrote."""

    digest: str = ""
    """The digest of the desired state that was last applied whole."""


__all__ = ["Owned", "OwnedFile", "OwnedRepository"]
