# SPDX-License-Identifier: GPL-3.0-or-later
"""The only file that makes random identifiers."""

from __future__ import annotations

import secrets


def new_id() -> str:
    """Twelve lower-case hexadecimal characters: short enough to type, unique within a fleet's history."""
    return secrets.token_hex(6)


def new_passphrase() -> str:
    """A passphrase of 256 random bits, safe in any shell and any file."""
    return secrets.token_urlsafe(32)


__all__ = ["new_id", "new_passphrase"]
