# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages between agent and Director, without a socket; both sides import them."""

from __future__ import annotations

from .messages import (
    ArchiveFound,
    ArchiveReceived,
    ArchivesDeleted,
    ArchivesVanished,
    DrillFinished,
    Envelope,
    FilesIndexed,
    KeyChanged,
    KitMade,
    KitTested,
    Message,
    RestoreFinished,
    RunFinished,
    RunStarted,
    StateApplied,
    VerificationFinished,
)

__all__ = [
    "ArchiveFound",
    "ArchiveReceived",
    "ArchivesDeleted",
    "ArchivesVanished",
    "DrillFinished",
    "Envelope",
    "FilesIndexed",
    "KeyChanged",
    "KitMade",
    "KitTested",
    "Message",
    "RestoreFinished",
    "RunFinished",
    "RunStarted",
    "StateApplied",
    "VerificationFinished",
]
