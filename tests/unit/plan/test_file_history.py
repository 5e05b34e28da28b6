# SPDX-License-Identifier: GPL-3.0-or-later
"""The same version in several repositories is told once, and nothing else is."""

from __future__ import annotations

from typing import Any

from builders import HOUR, NOW
from listings import file_of

from fleetkeep.model import FileVersion
from fleetkeep.plan.file_history import group_versions


def version(first: int, last: int, repository: str = "offsite", size: int = 1, **changes: Any) -> FileVersion:
    values: dict[str, Any] = {
        "client": "web1",
        "job": "system",
        "repository": repository,
        "path": "etc/hosts",
        "status": file_of(size),
        "first_archive": f"run{first}",
        "last_archive": f"run{last}",
        "first_seen_at": NOW + first * HOUR,
        "last_seen_at": NOW + last * HOUR,
        "archives": last - first + 1,
        "is_present": False,
    }
    return FileVersion(**values | changes)


def told(*versions: FileVersion) -> list[tuple[str, str, int, str]]:
    return [
        (state.first_archive, state.last_archive, state.archives, ",".join(state.repositories))
        for state in group_versions(versions)
    ]


def test_the_same_runs_are_one() -> None:
    assert told(version(1, 2), version(1, 2, "local")) == [("run1", "run2", 2, "local,offsite")]


def test_a_run_that_failed_in_one_repository_leaves_them_one() -> None:
    assert told(version(1, 3), version(2, 2, "local")) == [("run1", "run3", 3, "local,offsite")]
    assert told(version(1, 3), version(2, 5, "local")) == [("run1", "run5", 4, "local,offsite")]


def test_archives_of_one_run_are_the_same_though_the_second_began_later() -> None:
    later = version(1, 1, "local", first_seen_at=NOW + 1.5 * HOUR, last_seen_at=NOW + 1.5 * HOUR)
    assert told(version(1, 1), later) == [("run1", "run1", 1, "local,offsite")]


def test_what_went_and_came_back_is_two_in_the_order_of_time() -> None:
    versions = [version(first, last, where) for where in ("offsite", "local") for first, last in ((1, 2), (4, 5))]
    assert told(*versions) == [("run4", "run5", 2, "local,offsite"), ("run1", "run2", 2, "local,offsite")]


def test_what_differs_stays_apart() -> None:
    for other in (
        version(1, 2, "local", size=2),
        version(1, 2, "local", job="database"),
        version(1, 2, "local", client="web2"),
        version(1, 2, "local", path="etc/host"),
        version(3, 4, "local"),
    ):
        assert len(group_versions([version(1, 2), other])) == 2


def test_it_is_there_when_any_repository_has_it() -> None:
    states = group_versions([version(1, 2), version(1, 2, "local", is_present=True)])
    assert [state.is_present for state in states] == [True]
