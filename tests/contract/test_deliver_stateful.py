# SPDX-License-Identifier: GPL-3.0-or-later
"""Random histories of deliveries, held against a model of twenty lines: each message counts exactly once.

Messages come doubled, in another order, from spools that began anew, in batches whose transaction dies, and the
catalog is closed and opened in between.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from builders import NOW, Sender, make_archive, make_part, make_run, received
from empty_catalog import put_empty_catalog
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from fleetkeep.catalog import messages
from fleetkeep.catalog.database import open_catalog
from fleetkeep.clock import FixedClock
from fleetkeep.director import history
from fleetkeep.director.embedded import EmbeddedDirector
from fleetkeep.link import ArchiveReceived, ArchivesDeleted, Envelope, RunFinished, RunStarted
from fleetkeep.model import Outcome

CLIENTS = ["web1", "web2"]
NAMES = ["a", "b", "c"]
REPOSITORIES = ["offsite", "local"]


class Killed(Exception):
    """The process died."""


class Dying(Sequence[Envelope]):
    """A batch during which the process dies."""

    def __init__(self, envelopes: Sequence[Envelope]) -> None:
        self._envelopes = envelopes

    def __getitem__(self, place: object) -> Envelope:  # type: ignore[override]
        raise NotImplementedError

    def __len__(self) -> int:
        return len(self._envelopes)

    def __iter__(self) -> Iterator[Envelope]:
        yield from self._envelopes
        raise Killed


class Model:
    """What must be in the catalog."""

    def __init__(self) -> None:
        self.taken: set[tuple[str, str]] = set()
        self.receipts: dict[tuple[str, str, str], datetime] = {}
        self.deleted: set[tuple[str, str, str]] = set()
        self.runs: dict[tuple[str, str], Outcome] = {}
        self.quarantined = 0

    def take(self, envelope: Envelope, now: datetime) -> None:
        client, message = envelope.client, envelope.message
        if (client, envelope.token) in self.taken:
            return
        self.taken.add((client, envelope.token))
        if isinstance(message, ArchiveReceived):
            self.receipts.setdefault((client, message.archive.repository, message.archive.id), now)
        elif isinstance(message, ArchivesDeleted):
            known = {(client, message.repository, identity) for identity in message.archive_ids}
            self.deleted |= known & self.receipts.keys()
        elif isinstance(message, (RunStarted, RunFinished)):
            self._take_run(client, message, now)

    def _take_run(self, client: str, message: RunStarted | RunFinished, now: datetime) -> None:
        run = message.run
        if run.client != client:
            self.quarantined += 1
        elif self.runs.get((client, run.id), Outcome.RUNNING) is Outcome.RUNNING:
            self.runs[client, run.id] = run.outcome
            for part in run.repositories:
                if part.archive:
                    self.receipts.setdefault((client, part.repository, part.archive.id), now)


class Deliveries(RuleBasedStateMachine):
    """Two clients with a spool each, one Director."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="fleetkeep-test-"))
        put_empty_catalog(self.folder / "catalog.sqlite")
        self.clock, self.model, self.spools = FixedClock(NOW), Model(), 0
        self.senders = {client: Sender(client) for client in CLIENTS}
        self.pending: dict[str, list[Envelope]] = {client: [] for client in CLIENTS}
        self.told: list[Envelope] = []
        self.open()

    def open(self) -> None:
        self.catalog = open_catalog(self.folder / "catalog.sqlite")
        self.director = EmbeddedDirector(self.catalog, self.clock)

    def say(self, client: str, message: object) -> None:
        envelope = self.senders[client](message)  # type: ignore[arg-type]
        self.pending[client].append(envelope.model_copy(update={"token": f"{self.spools}-{envelope.token}"}))

    # --- what clients say ---

    @rule(client=st.sampled_from(CLIENTS), name=st.sampled_from(NAMES), repository=st.sampled_from(REPOSITORIES))
    def make(self, client: str, name: str, repository: str) -> None:
        self.say(client, received(make_archive(name, repository=repository)))

    @rule(client=st.sampled_from(CLIENTS), names=st.sets(st.sampled_from(NAMES)))
    def delete(self, client: str, names: set[str]) -> None:
        made = [make_archive(name) for name in sorted(names)]
        self.say(
            client,
            ArchivesDeleted(
                at=NOW,
                repository="offsite",
                repository_id=make_archive().repository_id,
                archive_ids=tuple(archive.id for archive in made),
            ),
        )

    @rule(
        client=st.sampled_from(CLIENTS), speaks_for=st.sampled_from([*CLIENTS, None]), identity=st.sampled_from("xyz")
    )
    def start(self, client: str, speaks_for: str | None, identity: str) -> None:
        run = make_run(identity, client=speaks_for or client, outcome=Outcome.RUNNING, finished_at=None)
        self.say(client, RunStarted(run=run))

    @rule(
        client=st.sampled_from(CLIENTS),
        identity=st.sampled_from("xyz"),
        outcome=st.sampled_from([Outcome.SUCCEEDED, Outcome.FAILED]),
        name=st.sampled_from(NAMES),
    )
    def finish(self, client: str, identity: str, outcome: Outcome, name: str) -> None:
        part = make_part(outcome=outcome, archive=make_archive(name))
        self.say(client, RunFinished(run=make_run(identity, client=client, outcome=outcome, repositories=(part,))))

    # --- how it arrives ---

    @precondition(lambda self: any(self.pending.values()))
    @rule(acknowledged=st.booleans(), random=st.randoms(use_true_random=False))
    def deliver(self, acknowledged: bool, random: object) -> None:
        """Both clients' messages, mixed; an acknowledgement may be lost."""
        batch = [envelope for client in CLIENTS for envelope in self.pending[client]]
        random.shuffle(batch)  # type: ignore[attr-defined]
        self.take(batch)
        if acknowledged:
            self.told += batch
            self.pending = {client: [] for client in CLIENTS}

    @precondition(lambda self: self.told)
    @rule(data=st.data())
    def deliver_again(self, data: st.DataObject) -> None:
        self.take(data.draw(st.lists(st.sampled_from(self.told), max_size=4)))

    @precondition(lambda self: any(self.pending.values()))
    @rule()
    def die_while_delivering(self) -> None:
        batch = Dying([envelope for client in CLIENTS for envelope in self.pending[client]])
        try:
            self.director.deliver(batch)
        except Killed:
            return
        raise AssertionError("the batch was not read to its end")

    @rule(client=st.sampled_from(CLIENTS))
    def begin_spool_anew(self, client: str) -> None:
        self.spools += 1
        self.senders[client] = Sender(client)

    @rule()
    def restart(self) -> None:
        self.catalog.close()
        self.open()

    @rule(seconds=st.integers(-7200, 90_000))
    def step_clock(self, seconds: int) -> None:
        self.clock.advance(seconds)

    def take(self, batch: Sequence[Envelope]) -> None:
        committed = self.director.deliver(batch)
        assert committed == max((envelope.sequence for envelope in batch), default=0)
        for envelope in batch:
            self.model.take(envelope, self.clock.now())

    # --- what must hold ---

    @invariant()
    def catalog_is_as_the_model(self) -> None:
        if not hasattr(self, "catalog"):
            return
        points = history.list_archives(self.catalog, deleted=True, limit=None)
        keys = {(p.client, p.archive.repository, p.archive.id): p for p in points}
        assert len(keys) == len(points)
        assert {key: point.received_at for key, point in keys.items()} == self.model.receipts
        assert {key for key, point in keys.items() if point.deleted_at} == self.model.deleted
        assert {(run.client, run.id): run.outcome for run in history.list_runs(self.catalog)} == self.model.runs
        with self.catalog.read() as connection:
            assert sum(messages.count_quarantined(connection).values()) == self.model.quarantined

    def teardown(self) -> None:
        if hasattr(self, "catalog"):
            self.catalog.close()
            shutil.rmtree(self.folder)


def test_each_message_counts_exactly_once() -> None:
    case = Deliveries.TestCase
    case.settings = settings(
        max_examples=15, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
    )
    case("runTest").runTest()
