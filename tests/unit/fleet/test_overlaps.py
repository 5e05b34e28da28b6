# SPDX-License-Identifier: GPL-3.0-or-later
"""Repositories and sources inside each other."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fleetkeep.fleet import Resolved

Resolve = Callable[..., Resolved]


def problems_of(resolve: Resolve, paths: str, more: str = "", repository: str = "/srv/backups") -> list[str]:
    resolved = resolve(
        f"""
        repositories: {{it: {{path: {repository}, passphrase: {{generate: true}}}}}}
        jobs: {{job: {{clients: all, repositories: [it], retention: {{last: 1}}, sources: {{paths: [{paths}]{more}}}}}}}
        """
    )
    return [str(problem).partition(": ")[2] for problem in resolved.problems]


@pytest.mark.parametrize("path", ["/", "/srv", "/srv/backups", "//srv/", "{path: /srv}"])
def test_a_source_that_holds_the_repository_is_refused(resolve: Resolve, path: str) -> None:
    (problem,) = problems_of(resolve, path)
    assert (
        "which holds the repository it (fleet.yml:2:27), so that each backup would back up the ones before" in problem
    )


@pytest.mark.parametrize("path", ["/srv/backups/web1", "/srv/backups/web1/data"])
def test_a_source_in_the_repository_is_refused(resolve: Resolve, path: str) -> None:
    (problem,) = problems_of(resolve, path)
    assert problem.startswith("jobs.job.sources.paths[0]")
    assert f"is '{path}', which lies in the repository it (fleet.yml:2:27); back up another folder" in problem


@pytest.mark.parametrize("path", ["/srv2", "/srv/backup", "/srv/backups/web2", "/etc"])
def test_a_source_beside_the_repository_is_fine(resolve: Resolve, path: str) -> None:
    assert problems_of(resolve, path) == []


def test_a_remote_repository_holds_no_local_source(resolve: Resolve) -> None:
    assert problems_of(resolve, "/", repository="ssh://nas/srv") == []


@pytest.mark.parametrize("pattern", ["/srv/backups", "/srv", "sh:/srv/backups/web1", "fm:/srv/", "pp:/srv/backups"])
def test_a_source_that_leaves_the_repository_out_is_fine(resolve: Resolve, pattern: str) -> None:
    assert problems_of(resolve, "/", f", exclude: [a, '{pattern}']") == []


@pytest.mark.parametrize(
    "pattern", ["srv", "/srv/backups/web1/x", "/srv/back*", "re:/srv", "pf:/srv/backups", "/other"]
)
def test_a_pattern_that_may_not_leave_it_out_does_not_count(resolve: Resolve, pattern: str) -> None:
    assert len(problems_of(resolve, "/", f", exclude: ['{pattern}']")) == 1


def test_it_is_told_together_with_other_problems(resolve: Resolve) -> None:
    assert len(problems_of(resolve, "/srv, relative, 7", ", exclude: [7]")) == 4


@pytest.mark.parametrize(
    ("first", "second", "problem"),
    [
        (
            "/srv",
            "/srv",
            "fleet.yml:4:13: the repository b lies at the same place as the repository a (fleet.yml:3:13);",
        ),
        ("ssh://n/x", "ssh://n/x", "fleet.yml:4:13: the repository b lies at the same place as the repository a"),
        ("/srv/web1/x", "/srv", "fleet.yml:3:13: the repository a lies inside the repository b (fleet.yml:4:13);"),
        ("/srv", "/srv2", None),
        ("ssh://n/x", "ssh://n/x/web1", None),
    ],
)
def test_repositories_in_each_other(resolve: Resolve, first: str, second: str, problem: str | None) -> None:
    resolved = resolve(
        f"""
        repositories:
          a: {{path: {first}, passphrase: {{generate: true}}}}
          b: {{path: {second}, passphrase: {{generate: true}}}}
        jobs:
          job: {{clients: all, repositories: [a, b], retention: {{last: 1}}, sources: {{paths: [/etc]}}}}
        """
    )
    assert [str(found)[: len(problem or "")] for found in resolved.problems] == ([problem] if problem else [])
