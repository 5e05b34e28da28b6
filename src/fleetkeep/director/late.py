# SPDX-License-Identifier: GPL-3.0-or-later
"""The Director of this host, opened only when it is spoken to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fleetkeep.clock import Clock
from fleetkeep.link import Envelope
from fleetkeep.model import DeletionPlan, DeletionRequest, IndexOrder, IndexRequest

if TYPE_CHECKING:
    from .embedded import EmbeddedDirector


class LateDirector:
    """An ``EmbeddedDirector`` whose catalog is opened at the first word.

    So a catalog that is broken costs no backup, and work that has nothing to tell does not even import a database.
    """

    def __init__(self, catalog: Path, clock: Clock, patience_seconds: float | None = None) -> None:
        self._catalog = catalog
        self._clock = clock
        self._patience_seconds = patience_seconds
        self._director: EmbeddedDirector | None = None

    def deliver(self, envelopes: Sequence[Envelope]) -> int:
        return self._opened().deliver(envelopes)

    def deletion_plan(self, request: DeletionRequest) -> DeletionPlan:
        return self._opened().deletion_plan(request)

    def index_order(self, request: IndexRequest) -> IndexOrder:
        return self._opened().index_order(request)

    def _opened(self) -> EmbeddedDirector:
        if self._director is None:
            from fleetkeep.catalog.database import open_catalog

            from .embedded import EmbeddedDirector

            self._director = EmbeddedDirector(open_catalog(self._catalog, self._patience_seconds), self._clock)
        return self._director


__all__ = ["LateDirector"]
