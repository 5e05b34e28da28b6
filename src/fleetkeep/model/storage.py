# SPDX-License-Identifier: GPL-3.0-or-later
"""Storage hosts that Fleetkeep keeps: who may write to which repository there, and by which key a client knows them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from .base import Bytes, Model, Name

HostKey = Annotated[str, StringConstraints(pattern=r"^(ssh|ecdsa|sk)-[a-z0-9@.-]+ [A-Za-z0-9+/]+={0,3}$")]
"""A public key as in ``/etc/ssh/ssh_host_ed25519_key.pub``, without the comment: ``ssh-ed25519 AAAA...``."""

Account = Annotated[str, StringConstraints(pattern=r"^[a-z_][a-z0-9_-]{0,31}$")]
"""The name of an account of the system."""


class StorageHost(Model):
    """The storage host of a repository, as a client sees it; Fleetkeep keeps the access to it."""

    name: Name
    """The name of the declared storage."""

    inventory_host: str
    """The inventory host that it is."""

    host_keys: tuple[HostKey, ...] = ()
    """Its declared public host keys; without them they are learned through the controller when access is given."""


class Grant(Model):
    """What one client may do on a storage host: write to one repository, and nothing else."""

    client: str = Field(pattern=r"^\S+$")
    """The client, by its name in the inventory."""

    repository: Name
    """The declared name of the repository."""

    folder: str = Field(pattern=r"^/")
    """The repository's absolute folder on the storage host."""

    quota: Bytes | None = None
    """The most that the repository may hold."""

    append_only: bool = True
    """Whether what the client deletes stays until the storage host itself frees the space."""

    @property
    def label(self) -> str:
        """How it is named in ``authorized_keys`` and to people, such as ``web1:offsite``."""
        return f"{self.client}:{self.repository}"


class Storage(Model):
    """A storage as its own host has it: an account, a folder, and who may write where."""

    name: Name
    """The name it is declared by."""

    path: str = Field(pattern=r"^/")
    """The folder below which its repositories lie."""

    user: Account
    """The account by which clients come in; it can do nothing but serve Borg."""

    grants: tuple[Grant, ...] = ()
    """Who may write where, sorted by client and repository; every other key goes."""


__all__ = ["Account", "Grant", "HostKey", "Storage", "StorageHost"]
