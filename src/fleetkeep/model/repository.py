# SPDX-License-Identifier: GPL-3.0-or-later
"""Where archives are kept."""

from __future__ import annotations

from enum import Enum

from pydantic import field_validator, model_validator
from typing_extensions import Self

from .base import Bytes, Model, Name
from .storage import StorageHost


class Encryption(str, Enum):
    """The encryption modes of Borg 1.4 that are fit for new repositories."""

    REPOKEY_BLAKE2 = "repokey-blake2"
    KEYFILE_BLAKE2 = "keyfile-blake2"
    REPOKEY = "repokey"
    KEYFILE = "keyfile"
    AUTHENTICATED_BLAKE2 = "authenticated-blake2"
    AUTHENTICATED = "authenticated"
    NONE = "none"

    @property
    def hides_content(self) -> bool:
        """Whether who has no key cannot read the content; Borg asks before it opens an unknown one that does not."""
        return self not in (Encryption.AUTHENTICATED, Encryption.AUTHENTICATED_BLAKE2, Encryption.NONE)


class PassphraseKind(str, Enum):
    """Where a passphrase comes from."""

    GIVEN = "given"
    """Declared as a value (from Vault, say) and kept on the client in a file that only root reads."""

    GENERATED = "generated"
    """Made on the client at the first apply."""

    COMMAND = "command"
    """Printed by a command on the client at each use."""

    NONE = "none"
    """The repository is not encrypted."""


class Repository(Model):
    """A repository as one client sees it."""

    name: Name
    """The name it is declared by."""

    location: str
    """An absolute path on the client, or `ssh://user@host:port/path`."""

    encryption: Encryption = Encryption.REPOKEY_BLAKE2
    """Borg's encryption mode."""

    passphrase: PassphraseKind = PassphraseKind.GIVEN
    """Where the passphrase comes from; never the passphrase itself."""

    passphrase_command: tuple[str, ...] = ()
    """With passphrase `command`: program and arguments whose first line of output is the passphrase."""

    append_only: bool = False
    """Whether what a client deletes stays in the repository; on a storage host that Fleetkeep keeps, the host sees to
    it, elsewhere the repository is created so."""

    quota: Bytes | None = None
    """The most that the repository may hold; a storage host that Fleetkeep keeps sees to it, elsewhere it is set when
    the repository is created."""

    storage: StorageHost | None = None
    """The storage host that holds it, where Fleetkeep keeps the access to it; the client then has a key for it."""

    @field_validator("location")
    @classmethod
    def _has_no_braces(cls, value: str) -> str:
        if "{" in value or "}" in value:
            raise ValueError("Borg reads braces in a location as placeholders; use a path without { and }")
        return value

    @model_validator(mode="after")
    def _passphrase_fits_encryption(self) -> Self:
        if (self.encryption is Encryption.NONE) != (self.passphrase is PassphraseKind.NONE):
            raise ValueError("encryption none goes without a passphrase, every other encryption needs one")
        if (self.passphrase is PassphraseKind.COMMAND) != bool(self.passphrase_command):
            raise ValueError("a passphrase by command needs its command")
        return self

    @property
    def is_local(self) -> bool:
        """Whether the location is a path on the client."""
        return self.location.startswith("/")


__all__ = ["Encryption", "PassphraseKind", "Repository"]
