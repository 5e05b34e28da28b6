# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from fleetkeep.agent.repository_session import outcome_of, plain_name
from fleetkeep.agent.retain import deletable, leftovers
from fleetkeep.borg.answers import ArchiveName
from fleetkeep.borg.process import BorgResult
from fleetkeep.model import ListedArchive, Outcome

LISTED = [ArchiveName("1", "a"), ArchiveName("2", "b"), ArchiveName("3", "c"), ArchiveName("4", "d.checkpoint")]


def planned(*pairs: tuple[str, str]) -> list[ListedArchive]:
    return [ListedArchive(id=each, name=name) for each, name in pairs]


def test_only_the_very_same_name_and_id_is_deleted() -> None:
    plan = planned(("1", "a"), ("9", "b"), ("2", "zzz"), ("7", "gone"))
    assert deletable(plan, LISTED, "3") == [ArchiveName("1", "a")]


def test_the_archive_just_made_and_checkpoints_are_never_deleted_by_a_plan() -> None:
    assert deletable(planned(("3", "c"), ("4", "d.checkpoint")), LISTED, "3") == []


def test_leftovers_are_those_of_the_same_job_alone() -> None:
    own = "web1-system-20261121T020000Z-0123456789ab.checkpoint"
    names = [
        own,
        f"{own}.2",
        own.removesuffix(".checkpoint"),
        own.replace("web1", "web2"),
        own.replace("system", "system-x"),
        "web1-system-notes.checkpoint",
    ]
    listed = [ArchiveName(str(number), name) for number, name in enumerate(names)]
    assert [entry.name for entry in leftovers(listed, "web1-system-")] == [own, f"{own}.2"]


def test_a_client_name_is_plain_in_an_archive_name() -> None:
    assert plain_name("db-1.example.net") == "db-1.example.net"
    assert plain_name("a/b::{now} \u00fc") == "a_b___now___"


def test_how_a_process_ended() -> None:
    assert outcome_of(BorgResult(0)) is Outcome.SUCCEEDED
    assert outcome_of(BorgResult(107)) is Outcome.WARNING
    assert outcome_of(BorgResult(2)) is Outcome.FAILED
    assert outcome_of(BorgResult(143, cancelled=True)) is Outcome.CANCELLED
