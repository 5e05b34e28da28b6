# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host should have and what it has, as plain values that can be compared."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from fleetkeep.model import Owned, Repository

from .change import Kind


@dataclass(frozen=True)
class FileResource:
    """A file that the host should have.

    ``content`` is ``None`` for a passphrase or key that the host makes for itself once, and for host keys that it has
    learned: any content that is there is right.
    """

    kind: Kind
    name: str
    path: str
    content: str | None = field(repr=False)
    mode: int = 0o600
    secret: bool = False
    summary: str = ""


@dataclass(frozen=True)
class Account:
    """An account of the system that serves Borg to clients, and the folders that it needs."""

    name: str
    home: str
    folders: tuple[str, ...] = ()
    """The absolute folders that belong to the account; those above them belong to root."""

    summary: str = ""


@dataclass(frozen=True)
class Resources:
    """Everything that one host should have."""

    client: str
    files: tuple[FileResource, ...] = ()
    timers: tuple[str, ...] = ()
    repositories: tuple[Repository, ...] = ()
    accounts: tuple[Account, ...] = ()


@dataclass(frozen=True)
class FileState:
    """A file as the host has it."""

    sha256: str
    mode: int
    content: str = field(repr=False)


@dataclass(frozen=True)
class RepositoryState:
    """A repository as the host finds it: ``id`` is ``None`` where there is none yet."""

    id: str | None


@dataclass(frozen=True)
class AccountState:
    """An account as the host has it."""

    exists: bool
    missing_folders: tuple[str, ...] = ()


@dataclass(frozen=True)
class Actual:
    """Everything of interest that one host has."""

    owned: Owned
    files: dict[str, FileState] = field(default_factory=dict)
    timers: frozenset[str] = frozenset()
    repositories: dict[str, RepositoryState] = field(default_factory=dict)
    accounts: dict[str, AccountState] = field(default_factory=dict)


def sha256_of(text: str) -> str:
    """The SHA-256 of a text in UTF-8, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


__all__ = [
    "Account",
    "AccountState",
    "Actual",
    "FileResource",
    "FileState",
    "RepositoryState",
    "Resources",
    "sha256_of",
]
