# SPDX-License-Identifier: GPL-3.0-or-later
"""Good values that do harm together: repositories and sources inside each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations
from pathlib import PurePosixPath

from fleetkeep.errors import FleetFileProblem

from .locations import contains
from .problems import problem, render_value
from .repositories import ResolvedRepository
from .setting import Setting

#: Prefixes of Borg patterns that, without glob characters, name a folder and all below it.
_PATTERN_PREFIXES = ("", "fm:", "sh:", "pp:")
_GLOB = set("*?[")


def overlap_problems(
    jobs: Mapping[str, Setting], repositories: Mapping[str, ResolvedRepository]
) -> Iterator[FleetFileProblem]:
    """Sources that hold a repository of their own job or lie in one, and repositories that lie in each other.

    ``jobs``: job name to its merged and templated declaration, which may be wrong in other ways. A source that leaves
    out the repository's folder is fine.
    """
    yield from _nested_repositories(repositories)
    for job in jobs.values():
        excluded = [exclude for exclude, _ in _texts(_listed(job, "sources", "exclude"))]
        used = [name for name, _ in _texts(job.get("repositories"))]
        local = [repositories[name] for name in used if name in repositories and repositories[name].model.is_local]
        for path, setting in _texts(_listed(job, "sources", "paths"), "path"):
            for what in (_source_problem(path, excluded, repository) for repository in local):
                if what:
                    yield problem(setting.origin, f"{setting.address} is {render_value(path)}, {what}")


def _listed(job: Setting, outer: str, inner: str) -> Setting | None:
    parent = job.get(outer)
    return parent.get(inner) if parent else None


def _texts(listed: Setting | None, key: str | None = None) -> Iterator[tuple[str, Setting]]:
    """The texts of a list, or those at ``key`` of its maps; what is no text is passed over."""
    for item in (listed.items() if listed else None) or ():
        found = item.get(key) if key else item
        if found is not None and isinstance(found.value, str):
            yield str(found.value), found


def _source_problem(path: str, excluded: list[str], repository: ResolvedRepository) -> str | None:
    if not path.startswith("/"):
        return None
    source = str(PurePosixPath("/" + path.lstrip("/")))
    location, told = repository.model.location, f"{repository.model.name}{_declared_place(repository)}"
    if contains(location, source):
        return f"which lies in the repository {told}; back up another folder, or move the repository"
    if contains(source, location) and not any(_leaves_out(pattern, location) for pattern in excluded):
        return (
            f"which holds the repository {told}, so that each backup would back up the ones before;"
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
