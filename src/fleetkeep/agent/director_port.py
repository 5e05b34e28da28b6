# SPDX-License-Identifier: GPL-3.0-or-later
"""The Director as the agent sees it: a ledger that takes messages and answers what may be deleted.

Standalone it is the embedded one in the same process; in a fleet it is at the other end of the link.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from fleetkeep.link import Envelope
from fleetkeep.model import DeletionPlan, DeletionRequest, IndexOrder, IndexRequest


class Director(Protocol):
    """What an agent may ask of its Director."""

    def deliver(self, envelopes: Sequence[Envelope]) -> int:
        """Record messages in their order, each exactly once, and return the highest sequence that is committed.

        Idempotent: a message that was recorded before is acknowledged again and changes nothing.
        """
        ...

    def deletion_plan(self, request: DeletionRequest) -> DeletionPlan:
        """What retention says of the archives that a repository lists now, decided from receipt times."""
        ...

    def index_order(self, request: IndexRequest) -> IndexOrder:
        """Which archives the catalog does not know from the inside, and what the first of them is compared with."""
        ...


__all__ = ["Director"]
