# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import sqlite3
import stat
import threading
import time
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime, timezone
from pathlib import Path

import pytest

from fleetkeep.agent import spool as spool_module
from fleetkeep.agent.ledger import Ledger
from fleetkeep.agent.spool import Spool, drain
from fleetkeep.borg.process import Cancellation
from fleetkeep.clock import FixedClock
from fleetkeep.errors import DirectorUnreachable, SpoolUnsafe
from fleetkeep.link import Envelope, RunStarted
from fleetkeep.model import DeletionPlan, DeletionRequest, Outcome, Retention, Run, Trigger

MOMENT = datetime(2026, 11, 21, 2, tzinfo=timezone.utc)
CLOCK = FixedClock(MOMENT)


def message(run_id: str = "r1") -> RunStarted:
    return RunStarted(
        run=Run(
            id=run_id, client="web1", job="system", trigger=Trigger.HAND, outcome=Outcome.RUNNING, started_at=MOMENT
        )
    )


class Ledgerkeeper:
    """A Director that commits at most ``capacity`` messages and then fails."""

    def __init__(self, capacity: int = 1_000_000) -> None:
        self.taken: list[Envelope] = []
        self.capacity = capacity

    def deliver(self, envelopes: Sequence[Envelope]) -> int:
        for envelope in envelopes:
            if len(self.taken) >= self.capacity:
                break
            self.taken.append(envelope)
        if not self.taken:
            raise ConnectionError("the Director is down.")
        return self.taken[-1].sequence

    def deletion_plan(self, request: DeletionRequest) -> DeletionPlan:
        if not self.capacity:
            raise ConnectionError
        return DeletionPlan()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "spool.sqlite"


def test_messages_come_back_in_their_order_until_they_are_acknowledged(path: Path) -> None:
    spool = Spool(path)
    assert spool.is_empty()
    made = [spool.append(message(f"r{number}"), "web1", CLOCK) for number in range(3)]
    assert [envelope.sequence for envelope in made] == [1, 2, 3]
    assert spool.pending() == made
    assert spool.pending(2) == made[:2]
    spool.acknowledge(2)
    assert spool.pending() == made[2:]
    spool.close()


def test_what_was_appended_is_there_after_the_process_ended(path: Path) -> None:
    first = Spool(path)
    made = first.append(message(), "web1", CLOCK)
    first.close()
    second = Spool(path)
    assert second.pending() == [made]
    assert second.set_aside is None
    second.close()


def test_a_number_is_never_used_twice_and_a_token_never_at_all(path: Path) -> None:
    tokens = set()
    for expected in range(1, 6):
        spool = Spool(path)
        envelope = spool.append(message(), "web1", CLOCK)
        assert envelope.sequence == expected
        tokens.add(envelope.token)
        spool.acknowledge(envelope.sequence)
        spool.close()
    assert len(tokens) == 5


def test_two_processes_may_append_at_once(path: Path) -> None:
    one, two = Spool(path), Spool(path)
    numbers = [spool.append(message(), "web1", CLOCK).sequence for spool in (one, two, one, two)]
    assert numbers == [1, 2, 3, 4]
    assert len(two.pending()) == 4
    one.close()
    two.close()


def test_only_its_owner_reads_it_and_every_commit_is_synced(path: Path) -> None:
    spool = Spool(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    connection = spool._connection
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
    spool.close()


def test_a_spool_that_would_not_be_durable_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool_module, "_FULL", 3)
    with pytest.raises(SpoolUnsafe, match="journal wal, synchronous 2"):
        Spool(path)


DAMAGES = {
    "another file": lambda content: b"not a database, but as long as one".ljust(4096, b"!"),
    "torn": lambda content: content[:4096] + b"\xa5" * (len(content) - 4096),
    "with pages exchanged": lambda content: (
        content[: 8 * 4096] + content[9 * 4096 : 10 * 4096] + content[8 * 4096 : 9 * 4096] + content[10 * 4096 :]
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_broken_spool_is_kept_aside_and_a_new_one_begun(path: Path, damage: str) -> None:
    spool = Spool(path)
    for number in range(200):
        spool.append(message(f"r{number}"), "web1", CLOCK)
    spool.close()
    broken = DAMAGES[damage](path.read_bytes())
    path.write_bytes(broken)
    again = Spool(path)
    assert again.set_aside == path.with_name("spool.sqlite.broken-1")
    assert again.set_aside.read_bytes() == broken
    assert again.is_empty()
    assert again.append(message(), "web1", CLOCK).sequence == 1
    again.close()
    path.write_bytes(broken)
    third = Spool(path)
    assert third.set_aside == path.with_name("spool.sqlite.broken-2")
    third.close()


def test_what_belongs_to_a_broken_spool_is_kept_beside_it(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"x" * 4096)
    path.with_name("spool.sqlite-wal").write_bytes(b"log")
    spool_module._put_aside(path)  # SQLite itself removes a log that it cannot read when it gets at it first
    assert path.with_name("spool.sqlite.broken-1-wal").read_bytes() == b"log"


def test_a_spool_that_cannot_be_opened_is_not_put_aside(tmp_path: Path) -> None:
    (tmp_path / "spool.sqlite").mkdir()
    with pytest.raises(sqlite3.OperationalError):
        Spool(tmp_path / "spool.sqlite")
    assert [entry.name for entry in tmp_path.iterdir()] == ["spool.sqlite"]


def test_a_message_that_cannot_be_read_does_not_hold_up_the_others(path: Path) -> None:
    spool = Spool(path)
    spool.append(message("r1"), "web1", CLOCK)
    spool._connection.execute('INSERT INTO message (envelope) VALUES (\'{"from": "a later release"}\')')
    last = spool.append(message("r3"), "web1", CLOCK)
    assert [envelope.sequence for envelope in spool.pending()] == [1, 3]
    spool.acknowledge(last.sequence)
    assert spool.is_empty()
    assert spool._connection.execute("SELECT sequence FROM unreadable").fetchall() == [(2,)]
    spool.close()


def test_draining_delivers_everything(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool_module.Spool.pending, "__defaults__", (2,))
    spool, director = Spool(path), Ledgerkeeper()
    made = [spool.append(message(), "web1", CLOCK) for _ in range(5)]
    drain(spool, director)
    assert director.taken == made
    assert spool.is_empty()
    spool.close()


def test_what_the_director_did_not_commit_stays(path: Path) -> None:
    spool, director = Spool(path), Ledgerkeeper(capacity=2)
    for _ in range(5):
        spool.append(message(), "web1", CLOCK)
    drain(spool, director)
    assert [envelope.sequence for envelope in spool.pending()] == [3, 4, 5]
    spool.close()


REQUEST = DeletionRequest(client="web1", job="system", repository="local", retention=Retention(daily=7), listed=())


def test_a_ledger_tells_at_once(path: Path) -> None:
    director = Ledgerkeeper()
    ledger = Ledger(path, director, "web1", CLOCK)
    ledger.tell(message())
    assert [envelope.client for envelope in director.taken] == ["web1"]
    assert ledger.is_told()
    assert ledger.deletion_plan(REQUEST) == DeletionPlan()
    assert ledger.problem == ""
    ledger.close()


def test_a_director_that_is_down_is_a_problem_and_no_error(path: Path) -> None:
    ledger = Ledger(path, Ledgerkeeper(capacity=0), "web1", CLOCK)
    ledger.tell(message())
    assert not ledger.is_told()
    assert "the Director is down. It waits in the spool" in ledger.problem
    with pytest.raises(DirectorUnreachable, match="the Director is down"):
        ledger.deletion_plan(REQUEST)
    ledger.close()


def test_what_is_told_soon_is_written_at_once_and_delivered_before_the_end(path: Path) -> None:
    director = Ledgerkeeper()
    ledger = Ledger(path, director, "web1", CLOCK)
    ledger.tell_soon(message("first"))
    ledger.tell(message("second"))
    ledger.close()
    assert [envelope.message.run.id for envelope in director.taken] == ["first", "second"]  # type: ignore[union-attr]


def test_a_problem_is_over_when_the_director_is_back(path: Path) -> None:
    director = Ledgerkeeper(capacity=0)
    ledger = Ledger(path, director, "web1", CLOCK)
    ledger.tell_soon(message())
    ledger.tell(message())
    assert ledger.problem
    director.capacity = 9
    ledger.tell(message())
    assert ledger.problem == ""
    assert len(director.taken) == 3
    ledger.close()


def test_messages_of_another_process_do_not_keep_a_ledger_from_asking(path: Path) -> None:
    ledger = Ledger(path, Ledgerkeeper(), "web1", CLOCK)
    ledger.tell(message())
    other = Spool(path)
    other.append(message("other"), "web1", CLOCK)
    assert ledger.is_told()
    assert ledger.deletion_plan(REQUEST) == DeletionPlan()
    other.close()
    ledger.close()


def test_a_question_that_fails_is_one_error(path: Path) -> None:
    ledger = Ledger(path, Ledgerkeeper(capacity=0), "web1", CLOCK)
    with pytest.raises(DirectorUnreachable, match="ConnectionError"):
        ledger.deletion_plan(REQUEST)
    ledger.close()


def test_a_spool_that_cannot_be_opened_costs_the_record_and_not_the_backup(tmp_path: Path) -> None:
    (tmp_path / "spool.sqlite").mkdir()
    ledger = Ledger(tmp_path / "spool.sqlite", Ledgerkeeper(), "web1", CLOCK)
    ledger.tell(message())
    ledger.tell_soon(message())
    assert "Nothing can be recorded in" in ledger.problem
    assert not ledger.is_told()
    with pytest.raises(DirectorUnreachable):
        ledger.deletion_plan(REQUEST)
    ledger.close()


def test_a_spool_that_takes_no_more_is_a_problem(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = Ledger(path, Ledgerkeeper(), "web1", CLOCK)

    def full(*arguments: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(Spool, "append", full)
    ledger.tell(message())
    assert "database or disk is full" in ledger.problem
    ledger.close()


def test_a_ledger_says_when_a_spool_was_broken(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"x" * 4096)
    ledger = Ledger(path, Ledgerkeeper(), "web1", CLOCK)
    assert "spool.sqlite.broken-1; a new one was begun" in ledger.problem
    assert ledger.loss == ledger.problem
    ledger.close()


def test_after_a_cancellation_nobody_waits_for_a_director_that_hangs(path: Path) -> None:
    class Hanging(Ledgerkeeper):
        def deliver(self, envelopes: Sequence[Envelope]) -> int:
            over.wait(30)
            return super().deliver(envelopes)

    over, cancellation, director = threading.Event(), Cancellation(), Hanging()
    ledger = Ledger(path, director, "web1", CLOCK, cancellation)
    threading.Timer(0.2, cancellation.cancel).start()
    began = time.monotonic()
    ledger.tell(message("first"))
    ledger.tell(message("second"))
    ledger.close()
    assert time.monotonic() - began < 5
    with closing(Spool(path)) as spool:
        assert [envelope.message.run.id for envelope in spool.pending()] == ["first", "second"]  # type: ignore[union-attr]
    over.set()
    for courier in ledger._couriers:
        courier.join()
    ledger.close()
