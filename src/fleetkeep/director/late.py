# SPDX-License-Identifier: GPL-3.0-or-later
"""The Director of this host, opened only when it is spoken to, and begun anew where its catalog is broken."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from fleetkeep.clock import Clock
from fleetkeep.errors import CatalogCorrupt
from fleetkeep.link import Envelope
from fleetkeep.model import DeletionPlan, DeletionRequest, IndexOrder, IndexRequest

if TYPE_CHECKING:
    from fleetkeep.catalog.database import Catalog

    from .embedded import EmbeddedDirector

Answer = TypeVar("Answer")


def ignore(aside: Path) -> None:
    """Tell nobody that a broken catalog was kept aside."""


class LateDirector:
    """An ``EmbeddedDirector`` whose catalog is opened at the first word.

    So a catalog that is broken costs no backup, and work that has nothing to tell does not even import a database. A
    broken file is kept aside and a new catalog begun; ``on_aside`` is then told where the old one is, before the new
    one hears its first word.
    """

    def __init__(
        self,
        catalog: Path,
        clock: Clock,
        patience_seconds: float | None = None,
        on_aside: Callable[[Path], None] = ignore,
    ) -> None:
        self._path = catalog
        self._clock = clock
        self._patience_seconds = patience_seconds
        self._on_aside = on_aside
        self._catalog: Catalog | None = None
        self._inode = 0

    def deliver(self, envelopes: Sequence[Envelope]) -> int:
        return self._ask(lambda director: director.deliver(envelopes))

    def deletion_plan(self, request: DeletionRequest) -> DeletionPlan:
        return self._ask(lambda director: director.deletion_plan(request))

    def index_order(self, request: IndexRequest) -> IndexOrder:
        return self._ask(lambda director: director.index_order(request))

    def close(self) -> None:
        """Let go of the file."""
        if self._catalog is not None:
            self._catalog.close()
            self._catalog = None

    def _ask(self, question: Callable[[EmbeddedDirector], Answer]) -> Answer:
        try:
            return question(self._opened())
        except CatalogCorrupt:
            self._begin_anew()
            return question(self._opened())

    def _begin_anew(self) -> None:
        from fleetkeep.catalog.database import put_aside

        self.close()
        aside = put_aside(self._path, self._inode)
        if aside is not None:
            self._on_aside(aside)

    def _opened(self) -> EmbeddedDirector:
        from fleetkeep.catalog.database import open_catalog

        from .embedded import EmbeddedDirector

        if self._catalog is None:
            self._inode = self._path.stat().st_ino if self._path.exists() else 0
            self._catalog = open_catalog(self._path, self._patience_seconds)
        return EmbeddedDirector(self._catalog, self._clock)


__all__ = ["LateDirector"]
