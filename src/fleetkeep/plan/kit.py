# SPDX-License-Identifier: GPL-3.0-or-later
"""What a recovery kit holds, and how each of its values is written so that it can be typed back.

A value stands on one line with its label and a checksum of both. What is hard to read is written as JSON, and of a
passphrase with such letters the bytes stand there as well.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from fleetkeep.borg.keys import KeyExport
from fleetkeep.borg.passphrase import Passphrase
from fleetkeep.model import Encryption, Kit

#: The version of the form of a kit.
FORM = "1"

_GROUP = 8


@dataclass(frozen=True)
class KitContent:
    """Everything that a recovery kit tells."""

    id: str
    """Its identifier."""

    made_at: datetime
    """When it was made, in UTC, to the second."""

    owner: str
    """The person who keeps it."""

    place: str
    """Where it is kept."""

    client: str
    """The client whose view of the repository it holds."""

    repository: str
    """The declared name of the repository."""

    location: str
    """Where the repository is, as the client says it."""

    repository_id: str
    """Borg's id of it."""

    encryption: Encryption
    """Borg's encryption mode."""

    borg: str
    """The release of Borg that opened it when the kit was made."""

    key: KeyExport | None = None
    """The encrypted key; ``None`` without encryption."""

    passphrase: Passphrase | None = field(default=None, repr=False)
    """The passphrase; ``None`` without encryption."""

    @property
    def record(self) -> Kit:
        """What is recorded of it; no secret."""
        return Kit(
            id=self.id,
            client=self.client,
            repository=self.repository,
            repository_id=self.repository_id,
            made_at=self.made_at,
            owner=self.owner,
            place=self.place,
            fingerprint=fingerprint(self.repository_id, self.key),
        )


def fingerprint(repository_id: str, key: KeyExport | None) -> str:
    """Tells one state of a repository's key from another; it changes with the passphrase and tells nothing of it."""
    content = b"" if key is None else key.blob
    return hashlib.sha256(b"fleetkeep-key/1\0" + repository_id.encode("ascii") + b"\0" + content).hexdigest()


def checksum(label: str, value: str) -> str:
    """Four characters that a typing error changes.

    >>> checksum("place", "the safe")
    '5275'
    """
    return hashlib.sha256(f"{label}={value}".encode()).hexdigest()[:4]


def is_plain(value: str, *, ascii_only: bool = False) -> bool:
    """Whether a value can be written as it is and read by a person without doubt."""
    return (
        value != ""
        and value.isprintable()
        and " ".join(value.split()) == value
        and not value.startswith('"')
        and (value.isascii() or not ascii_only)
    )


def write_value(value: str, *, ascii_only: bool = False) -> str:
    r"""A value as it stands in a kit.

    >>> write_value("the safe"), write_value(" two  spaces")
    ('the safe', '" two  spaces"')
    """
    return value if is_plain(value, ascii_only=ascii_only) else json.dumps(value, ensure_ascii=True)


def read_value(text: str) -> str:
    """The value that was written so. Raises ``ValueError``."""
    if not text.startswith('"'):
        return text
    value = json.loads(text)
    if not isinstance(value, str):
        raise ValueError("it is no text")
    return value


def labelled_values(kit: KitContent) -> Sequence[tuple[str, str]]:
    """The values of a kit with their labels, in the order in which they stand there."""
    values = [
        ("format", FORM),
        ("kit", kit.id),
        ("made", f"{kit.made_at:%Y-%m-%dT%H:%M:%SZ}"),
        ("owner", kit.owner),
        ("place", kit.place),
        ("client", kit.client),
        ("repository", kit.repository),
        ("location", kit.location),
        ("repository-id-1", kit.repository_id[:32]),
        ("repository-id-2", kit.repository_id[32:]),
        ("encryption", kit.encryption.value),
        ("borg", kit.borg),
    ]
    if kit.passphrase is not None:
        secret = kit.passphrase.reveal()
        values.append(("passphrase", secret))
        if not is_plain(secret, ascii_only=True):
            values.append(("passphrase-bytes", secret.encode().hex()))
    return values


def value_line(label: str, value: str, *, ascii_only: bool = False) -> str:
    """One line of a kit.

    >>> value_line("place", "the safe")
    'place:             the safe - 5275'
    """
    shown = grouped(value) if label in GROUPED else write_value(value, ascii_only=ascii_only)
    return f"{label + ':':<19}{shown} - {checksum(label, value)}"


def grouped(text: str) -> str:
    """Hexadecimal digits in groups that the eye can follow."""
    return " ".join(text[start : start + _GROUP] for start in range(0, len(text), _GROUP))


#: The labels of values that are hexadecimal digits in groups.
GROUPED = ("repository-id-1", "repository-id-2", "passphrase-bytes")

__all__ = [
    "FORM",
    "GROUPED",
    "KitContent",
    "checksum",
    "fingerprint",
    "grouped",
    "is_plain",
    "labelled_values",
    "read_value",
    "value_line",
    "write_value",
]
