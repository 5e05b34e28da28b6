# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from builders import DAY, HOUR, NOW, Sender, make_archive, make_verification, received

from fleetkeep.catalog import messages
from fleetkeep.catalog import verifications as table
from fleetkeep.catalog.database import Catalog
from fleetkeep.clock import FixedClock
from fleetkeep.director.embedded import EmbeddedDirector
from fleetkeep.director.history import list_archives
from fleetkeep.director.verifications import list_verifications, open_rounds, with_checks
from fleetkeep.link import ArchivesDeleted, Message, VerificationFinished
from fleetkeep.model import Outcome, Verification, VerificationKind

ONE, TWO = make_archive("one"), make_archive("two")
KINDS = tuple(VerificationKind)


class World:
    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self._senders: dict[str, Sender] = {}

    def tell(self, *told: Message, client: str = "web1") -> None:
        say = self._senders.setdefault(client, Sender(client))
        EmbeddedDirector(self.catalog, FixedClock(NOW)).deliver([say(message) for message in told])

    def check(self, identity: str, **changes: object) -> Verification:
        verification = make_verification(identity, **changes)
        self.tell(VerificationFinished(verification=verification), client=verification.client)
        return verification

    def of(self, archive, identity: str, **changes: object) -> Verification:
        named = {"archive_id": archive.id, "archive_name": archive.name, "kind": VerificationKind.DATA}
        return self.check(identity, **named | changes)

    def quarantined(self) -> dict[str, int]:
        with self.catalog.read() as connection:
            return messages.count_quarantined(connection)


@pytest.fixture
def world(catalog: Catalog) -> World:
    world = World(catalog)
    world.tell(received(ONE), received(TWO))
    return world


def test_a_verification_comes_back_as_it_was_told(world):
    evidence = {"items": 7, "compared": True, "damaged": ("a", "b"), "word": "x"}
    told = world.of(ONE, "c1", outcome=Outcome.FAILED, reason="bad", evidence=evidence, is_complete=False)
    assert list_verifications(world.catalog) == [told]


def test_it_is_recorded_once_and_a_later_telling_changes_nothing(world):
    told = world.check("c1")
    world.check("c1", outcome=Outcome.FAILED)
    assert list_verifications(world.catalog) == [told]


def test_an_unknown_archive_and_another_client_go_into_quarantine(world):
    world.check("c1", archive_id="f" * 64)
    world.tell(VerificationFinished(verification=make_verification("c2", client="web2")))
    assert list_verifications(world.catalog) == []
    assert sum(world.quarantined().values()) == 2


def test_a_clock_that_is_ahead_proves_nothing_for_the_future(world):
    world.check("c1", finished_at=NOW + DAY)
    assert [one.finished_at for one in list_verifications(world.catalog)] == [NOW]


def test_they_are_listed_by_what_they_are_about(world):
    world.check("c1")
    world.of(ONE, "c2")
    world.of(TWO, "c3", kind=VerificationKind.ARCHIVE)
    world.check("c4", client="web2", repository="other")

    def ids(**wanted: object) -> list[str]:
        return [one.id for one in list_verifications(world.catalog, **wanted)]

    assert ids() == ["c4", "c3", "c2", "c1"]
    assert ids(limit=1) == ["c4"]
    assert ids(client="web2") == ids(repository="other") == ["c4"]
    assert ids(archive_id=ONE.id) == ["c2"]
    assert ids(kinds=[VerificationKind.DATA, VerificationKind.ARCHIVE]) == ["c3", "c2"]


def test_open_rounds_are_the_last_complete_ones_and_the_parts_after_them(world):
    world.check("old")
    world.check("whole")
    world.check("part1", is_complete=False)
    world.check("part2", is_complete=False)
    world.of(ONE, "one-part", is_complete=False)
    world.of(TWO, "two-whole")
    world.check("other-client", client="web2")
    found = [one.id for one in open_rounds(world.catalog, "web1", "offsite")]
    assert found == ["two-whole", "one-part", "part2", "part1", "whole"]
    gone = ArchivesDeleted(at=NOW, repository="offsite", repository_id=ONE.repository_id, archive_ids=(ONE.id,))
    world.tell(gone)
    assert "one-part" not in [one.id for one in open_rounds(world.catalog, "web1", "offsite")]


def test_an_archive_shows_the_last_result_of_each_kind_and_a_good_part_is_none(world):
    world.of(ONE, "c1", finished_at=NOW - DAY)
    world.of(ONE, "c2", finished_at=NOW - HOUR, is_complete=False)
    world.of(ONE, "c3", kind=VerificationKind.ARCHIVE, outcome=Outcome.FAILED, is_complete=False)
    points = with_checks(world.catalog, list_archives(world.catalog))
    checks = {point.archive.name: point.checks for point in points}
    assert [(check.kind.value, check.outcome.value, check.at) for check in checks["one"]] == [
        ("archive", "failed", NOW),
        ("data", "succeeded", NOW - DAY),
    ]
    assert checks["two"] == ()


def test_the_result_that_stands_is_the_last_whole_or_failed_one(world):
    world.check("c1", outcome=Outcome.FAILED, is_complete=False)
    world.check("c2", is_complete=False)
    world.of(ONE, "c3", outcome=Outcome.FAILED)
    world.of(ONE, "c4")

    def standing() -> dict[tuple[str, str], list[str]]:
        with world.catalog.read() as connection:
            found = table.standing_results(connection, KINDS)
        return {key: [one.id for _, one in results] for key, results in found.items()}

    assert standing() == {("web1", "offsite"): ["c4", "c1"]}
    world.check("c5")
    assert standing() == {("web1", "offsite"): ["c5", "c4"]}
