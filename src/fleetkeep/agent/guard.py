# SPDX-License-Identifier: GPL-3.0-or-later
"""The source guard: refuses to back up what is not there, so that an unmounted disk never becomes an empty archive.

``observe_sources`` looks, ``plan_guard`` decides; the decision is pure.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path, PurePosixPath

from fleetkeep.errors import SourceRefused
from fleetkeep.model import Allowance, Job, Repository, SourcePath

from .facts import Mount, RunFacts

MOUNTS = Path("/proc/self/mountinfo")
_OCTAL = re.compile(r"\\([0-7]{3})")


class Kind(str, Enum):
    """What lies at a source path."""

    MISSING = "missing"
    FOLDER = "folder"
    FILE = "file"
    LINK = "link"
    UNREADABLE = "unreadable"


@dataclass(frozen=True)
class Observation:
    """What was seen at one source path."""

    path: str
    kind: Kind
    is_empty: bool = False
    """Whether it is a folder without an entry."""

    detail: str = ""
    """The target of a link, or why it cannot be read."""

    mount: Mount | None = None
    """The mount it is on."""


@dataclass(frozen=True)
class GuardDecision:
    """What may be backed up."""

    paths: tuple[str, ...] = ()
    """The paths to give to Borg."""

    refusals: tuple[SourceRefused, ...] = ()
    """Why the run is refused; none means that it may go on."""

    left_out: tuple[str, ...] = ()
    """Paths that are missing and may be."""

    mounts: Mapping[str, Mount] = field(default_factory=dict)
    """The mount of each path, to be remembered when the run is good."""


def plan_guard(
    job: Job,
    observations: Mapping[str, Observation],
    before: RunFacts | None,
    repositories: Sequence[Repository] = (),
    *,
    accept_changes: bool = False,
) -> GuardDecision:
    """Decide which sources are backed up and whether the run is refused.

    Arguments:
        job: Its sources say what each path allows.
        observations: What was seen, by source path.
        before: The facts of the last good run; without them no mount is compared.
        repositories: The repositories of the job; none of them may lie inside a source.
        accept_changes: Take the mounts of now as the right ones.
    """
    known = before.mounts if before and not accept_changes else {}
    refusals, present, left_out = [], [], []
    for source in job.sources.paths:
        seen = observations[source.path]
        problem = _problem(source, seen, known.get(source.path))
        if problem:
            refusals.append(SourceRefused(path=source.path, job=job.name, problem=problem[0], next_step=problem[1]))
        elif seen.kind is Kind.MISSING:
            left_out.append(source.path)
        else:
            present.append(source.path)
    refusals += [_refuse_inside(job, *found) for found in repositories_inside(job, repositories)]
    if not present and not refusals:
        refusals.append(_refuse_nothing(job))
    mounts = {path: mount for path in present if (mount := observations[path].mount)}
    return GuardDecision(tuple(present), tuple(refusals), tuple(left_out), mounts)


def _problem(source: SourcePath, seen: Observation, known: Mount | None) -> tuple[str, str] | None:
    """What is wrong with a source and the next step, or ``None``."""
    override = "put it back, or declare `allow: [{}]` for it"
    if seen.kind is Kind.UNREADABLE:
        return f"cannot be read ({seen.detail})", "run as a user who may read it"
    if seen.kind is Kind.MISSING:
        return None if Allowance.MISSING in source.allow else ("is missing", override.format("missing"))
    if known and seen.mount and seen.mount != known and Allowance.MOVED not in source.allow:
        problem = f"lies on {_words(seen.mount)} now, but at the last good run on {_words(known)}"
        return problem, "mount it again, or run once with --accept-changes, or declare `allow: [moved]` for it"
    if Allowance.EMPTY in source.allow:
        return None
    if seen.kind is Kind.LINK:
        return f"is a link to {seen.detail}, and only the link would be backed up", "declare what it links to"
    if seen.is_empty:
        return "is empty", "mount or fill it, or declare `allow: [empty]` for it"
    return None


def _words(mount: Mount) -> str:
    return f"{mount.source} ({mount.kind}, mounted at {mount.point})"


def _refuse_nothing(job: Job) -> SourceRefused:
    return SourceRefused(
        path=job.sources.paths[0].path,
        job=job.name,
        problem="is missing, as every other source is",
        next_step="put at least one of them back",
    )


def _refuse_inside(job: Job, source: str, repository: Repository) -> SourceRefused:
    return SourceRefused(
        path=source,
        job=job.name,
        problem=f"holds repository {repository.name} ({repository.location}), which would be backed up into itself",
        next_step=f"exclude {repository.location}, or keep the repository elsewhere",
    )


def repositories_inside(job: Job, repositories: Sequence[Repository]) -> list[tuple[str, Repository]]:
    """Each source of a job with a local repository that lies inside it and is not left out by an ``exclude``."""
    return [
        (source.path, repository)
        for repository in repositories
        if repository.is_local and not _is_excluded(repository.location, job.sources.exclude)
        for source in job.sources.paths
        if is_inside(repository.location, source.path)
    ]


def is_inside(path: str, folder: str) -> bool:
    """Whether a path is a folder or lies below it.

    >>> is_inside("/srv/borg/x", "/srv"), is_inside("/srv2", "/srv")
    (True, False)
    """
    return PurePosixPath(path).is_relative_to(folder)


def _is_excluded(location: str, patterns: Sequence[str]) -> bool:
    """Whether an exclude names the location or a folder above it; a pattern with wildcards does not count."""
    literal = [pattern.partition(":")[2] if pattern[2:3] == ":" else pattern for pattern in patterns]
    return any(place.startswith("/") and is_inside(location, place.rstrip("/") or "/") for place in literal)


def observe_sources(job: Job, mounts: Path = MOUNTS) -> dict[str, Observation]:
    """Look at each source path of a job."""
    table = parse_mounts(mounts.read_bytes())
    return {source.path: observe_source(source.path, table) for source in job.sources.paths}


def observe_source(path: str, mounts: Sequence[Mount]) -> Observation:
    """Look at one path without following it, if it is a link."""
    place = Path(path)
    mount = mount_of(os.path.join(os.path.realpath(place.parent), place.name), mounts)  # noqa: PTH118
    try:
        mode = place.lstat().st_mode
        if stat.S_ISLNK(mode):
            return Observation(path, Kind.LINK, detail=str(place.readlink()), mount=mount)
        if not stat.S_ISDIR(mode):
            return Observation(path, Kind.FILE, mount=mount)
        with os.scandir(place) as entries:
            return Observation(path, Kind.FOLDER, is_empty=next(entries, None) is None, mount=mount)
    except (FileNotFoundError, NotADirectoryError):
        return Observation(path, Kind.MISSING)
    except OSError as error:
        return Observation(path, Kind.UNREADABLE, detail=error.strerror or str(error))


def parse_mounts(text: bytes) -> list[Mount]:
    r"""The mounts in a ``mountinfo`` file, in their order.

    Source: proc(5), ``/proc/pid/mountinfo``; blanks in it are written as octal numbers.

    >>> parse_mounts(b"36 35 8:1 / /mnt\\040a rw shared:1 - ext4 /dev/sda1 rw\n")[0].point
    '/mnt a'
    """
    found = []
    for line in os.fsdecode(text).splitlines():
        left, separator, right = line.partition(" - ")
        fields, origin = left.split(" "), right.split(" ")
        if separator and len(fields) >= 5 and len(origin) >= 2:
            found.append(Mount(point=_plain(fields[4]), kind=_plain(origin[0]), source=_plain(origin[1])))
    return found


def mount_of(path: str, mounts: Sequence[Mount]) -> Mount | None:
    """The mount that a resolved path is on: the deepest, and of several at one point the last."""
    above = [mount for mount in mounts if is_inside(path, mount.point)]
    return max(reversed(above), key=lambda mount: len(mount.point), default=None)


def _plain(field: str) -> str:
    text = _OCTAL.sub(lambda match: chr(int(match[1], 8)), field)
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


__all__ = [
    "GuardDecision",
    "Kind",
    "Observation",
    "is_inside",
    "mount_of",
    "observe_source",
    "observe_sources",
    "parse_mounts",
    "plan_guard",
    "repositories_inside",
]
