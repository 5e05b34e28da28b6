# SPDX-License-Identifier: GPL-3.0-or-later
"""The Director in the same process as the agent, over the catalog of this host.

It is what the agent knows as ``agent.director_port.Director``; a Director at the other end of a link does the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, InterfaceError, ProgrammingError, StatementError

from fleetkeep.catalog import archives, clients, file_index, messages
from fleetkeep.catalog.database import Catalog
from fleetkeep.clock import Clock
from fleetkeep.link import Envelope
from fleetkeep.model import DeletionPlan, DeletionRequest, IndexOrder, IndexRequest
from fleetkeep.plan.retention import plan_deletion

from . import promises
from .recording import Recorder

#: What a message itself can be to blame for. Anything else, such as a full disk, is no fault of the message.
_POISON = (DataError, IntegrityError, InterfaceError, ProgrammingError, ValueError, OverflowError, LookupError)


class EmbeddedDirector:
    """Takes messages and answers what may be deleted; threads may share it."""

    def __init__(self, catalog: Catalog, clock: Clock) -> None:
        self._catalog = catalog
        self._clock = clock

    def deliver(self, envelopes: Sequence[Envelope]) -> int:
        """Record messages in their order, all in one transaction, and return the highest sequence; 0 for none.

        Idempotent by client and token. A message that cannot be applied goes into quarantine and counts as taken, so
        that those behind it are not held up; ``fleet_status`` tells of it. Raises ``CatalogBusy``,
        ``CatalogUnreadable`` and ``StorageFull``; then nothing of the batch was recorded.
        """
        now = self._clock.now()
        with self._catalog.write() as connection:
            recorders: dict[str, Recorder] = {}
            for envelope in envelopes:
                if envelope.client not in recorders:
                    recorders[envelope.client] = _recorder(connection, envelope.client, now)
                _take(recorders[envelope.client], envelope)
        return max((envelope.sequence for envelope in envelopes), default=0)

    def deletion_plan(self, request: DeletionRequest) -> DeletionPlan:
        """What retention says of the archives that a repository lists now, decided from our receipts."""
        with self._catalog.read() as connection:
            points = archives.points_of_listing(connection, request)
        return plan_deletion(points, request, self._clock.now())

    def index_order(self, request: IndexRequest) -> IndexOrder:
        """Which archives of a job must be told with all their files, and from which one on."""
        with self._catalog.read() as connection:
            return file_index.plan_index(connection, request)


def _recorder(connection: Connection, name: str, now: datetime) -> Recorder:
    """For one sender, with its promises settled, so that there is one for each run it may tell of."""
    client = clients.hear_of_client(connection, name, now)
    promises.settle(connection, now, client=client)
    return Recorder(connection, client, name, now)


def _take(recorder: Recorder, envelope: Envelope) -> None:
    """Apply a message unless it was applied before."""
    connection, client = recorder.connection, recorder.client
    if messages.is_received(connection, client, envelope.token):
        return
    try:
        recorder.record(envelope.message)
    except (*_POISON, StatementError) as error:
        cause = error.orig if isinstance(error, StatementError) and not isinstance(error, DBAPIError) else error
        if not isinstance(cause, _POISON):
            raise
        messages.put_in_quarantine(connection, client, envelope, recorder.now, _reason(cause))
    messages.remember_received(connection, client, envelope, recorder.now)


def _reason(error: BaseException) -> str:
    """Why, without the statement and its values."""
    return f"{type(error).__name__}: {getattr(error, 'orig', None) or error}"


__all__ = ["EmbeddedDirector"]
