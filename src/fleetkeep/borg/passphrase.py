# SPDX-License-Identifier: GPL-3.0-or-later
"""A secret that cannot be printed by accident."""

from __future__ import annotations

import hmac
from typing import NoReturn


class Passphrase:
    """A repository's passphrase; every way of printing it gives ``***``."""

    __slots__ = ("_secret",)

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def reveal(self) -> str:
        """The passphrase itself; only for the file descriptor that Borg reads."""
        return self._secret

    def __repr__(self) -> str:
        return "***"

    def __format__(self, specification: str) -> str:
        return "***"

    def __bool__(self) -> bool:
        return bool(self._secret)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Passphrase) and hmac.compare_digest(self._secret.encode(), other._secret.encode())

    def __hash__(self) -> NoReturn:
        raise TypeError("a passphrase has no hash")

    def __reduce__(self) -> NoReturn:
        raise TypeError("a passphrase cannot be copied or pickled")


__all__ = ["Passphrase"]
