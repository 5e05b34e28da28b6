# SPDX-License-Identifier: GPL-3.0-or-later
"""How to reach one repository with Borg."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .passphrase import Passphrase


@dataclass(frozen=True)
class BorgAccess:
    """Everything that a borg process needs besides its arguments."""

    program: str
    """The path of the borg binary."""

    location: str
    """An absolute path, or ``ssh://user@host:port/path``."""

    passphrase: Passphrase | None
    """The passphrase; ``None`` for a repository without encryption."""

    environment: Mapping[str, str]
    """The whole environment of the process; never a secret."""


__all__ = ["BorgAccess"]
