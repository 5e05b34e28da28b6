# SPDX-License-Identifier: GPL-3.0-or-later
"""Good values that do harm together: repositories and sources inside each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations

from fleetkeep.errors import FleetFileProblem
from fleetkeep.model import Job

from .locations import contains
from .problems import problem, render_value
from .repositories import ResolvedRepository
from .setting import Setting, locate

#: Prefixes of Borg patterns that, without glob characters, name a folder and all below it.
_PATTERN_PREFIXES = ("", "fm:", "sh:", "pp:")
_GLOB = set("*?[")


def overlap_problems(
    jobs: Mapping[str, Job], settings: Mapping[str, Setting], repositories: Mapping[str, ResolvedRepository]
) -> list[FleetFileProblem]:
    """Sources that hold a repository of their own job or lie in one, and repositories that lie in each other.

    ``settings``: job name to its merged declaration, for the places. A source that leaves out the repository's folder
    is fine.
    """
    found = list(_nested_repositories(repositories))
    for name, job in jobs.items():
        used = [repositories[each] for each in job.repositories if each in repositories]
        for index, source in enumerate(job.sources.paths):
            setting, _ = locate(settings[name], ("sources", "paths", index, "path"))
            for repository in (each for each in used if each.model.is_local):
                what = _source_problem(job, source.path, repository)
                if what:
                    found.append(problem(setting.origin, f"{setting.address} is {render_value(source.path)}, {what}"))
    return found


def _source_problem(job: Job, source: str, repository: ResolvedRepository) -> str | None:
    location, name = repository.model.location, repository.model.name
    where = _declared_place(repository)
    if contains(location, source):
        return f"which lies in the repository {name}{where}; back up another folder, or move the repository"
    if contains(source, location) and not any(_leaves_out(pattern, location) for pattern in job.sources.exclude):
        return (
            f"which holds the repository {name}{where}, so that each backup would back up the ones before;"
            " move the repository, or exclude its folder"
        )
    return None


def _leaves_out(pattern: str, location: str) -> bool:
    """Whether an exclude pattern names the folder of a repository or one above it."""
    for prefix in _PATTERN_PREFIXES:
        path = pattern.removeprefix(prefix)
        if path.startswith("/") and not _GLOB & set(path):
            return contains(path, location)
    return False


def _nested_repositories(repositories: Mapping[str, ResolvedRepository]) -> Iterator[FleetFileProblem]:
    for first, second in combinations(sorted(repositories.values(), key=lambda found: found.model.name), 2):
        outer, inner = sorted((first, second), key=lambda found: len(found.model.location))
        if outer.model.location == inner.model.location:
            relation = "lies at the same place as"
        elif outer.model.is_local and inner.model.is_local and contains(outer.model.location, inner.model.location):
            relation = "lies inside"
        else:
            continue
        setting = inner.settings["location"]
        what = f"the repository {inner.model.name} {relation} the repository {outer.model.name}{_declared_place(outer)}"
        yield problem(setting.origin, f"{what}; give it a folder of its own")


def _declared_place(repository: ResolvedRepository) -> str:
    origin = repository.settings["location"].origin
    return f" ({origin})" if origin else ""


__all__ = ["overlap_problems"]
