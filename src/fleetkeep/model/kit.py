# SPDX-License-Identifier: GPL-3.0-or-later
"""Recovery kits that were handed out. No secret is in what is recorded of them."""

from __future__ import annotations

from pydantic import AwareDatetime

from .base import Model, Name


class Kit(Model):
    """A recovery kit, as it is recorded."""

    id: str
    """Its identifier, which is printed on it."""

    client: str
    """The client that made it."""

    repository: Name
    """The declared name of the repository that it opens."""

    repository_id: str
    """Borg's id of that repository."""

    made_at: AwareDatetime
    """When it was made."""

    owner: str
    """The person who keeps it."""

    place: str
    """Where it is kept."""

    fingerprint: str
    """Tells whether the key is still encrypted as it was: SHA-256 of the encrypted key, in hexadecimal."""

    tested_at: AwareDatetime | None = None
    """When it last opened the repository."""

    retired_at: AwareDatetime | None = None
    """Since when it is stale: passphrase or key changed, or it did not open the repository."""

    @property
    def is_stale(self) -> bool:
        """Whether another kit should take its place."""
        return self.retired_at is not None


class KitProof(Model):
    """What a test of a kit found."""

    kit: str
    """The kit's identifier."""

    client: str
    """The client that made it."""

    repository: Name
    """The declared name of the repository."""

    repository_id: str
    """Borg's id of the repository."""

    location: str
    """Where the repository was opened."""

    tested_at: AwareDatetime
    """When."""

    opens: bool
    """Whether key and passphrase of the kit open the repository."""

    is_current: bool = False
    """Whether they are those that the repository has now; an older key opens it only after an import."""

    archives: int = 0
    """How many archives it lists."""

    archive: str = ""
    """The archive that was read; empty when there is none."""

    read_path: str = ""
    """The file of it whose content was read; empty when only its listing was."""

    read_bytes: int = 0
    """How much of that was read."""

    reason: str = ""
    """Why it does not open the repository."""


__all__ = ["Kit", "KitProof"]
