# SPDX-License-Identifier: GPL-3.0-or-later
"""The same version of a file in several repositories of one job, told once."""

from __future__ import annotations

from collections.abc import Iterable

from fleetkeep.model import FileState, FileVersion


def group_versions(versions: Iterable[FileVersion]) -> list[FileState]:
    """What paths were, the newest first; what several repositories of a job hold alike is one.

    Versions are alike when they are the same and were seen in the same run or at the same time: a file that went away
    and came back as it was remains two.
    """
    groups: list[list[FileVersion]] = []
    for version in sorted(versions, key=lambda each: (each.first_seen_at, each.last_seen_at)):
        group = next((group for group in groups if any(_are_alike(version, other) for other in group)), None)
        if group is None:
            groups.append([version])
        else:
            group.append(version)
    states = [_state(group) for group in groups]
    return sorted(states, key=lambda state: (state.last_seen_at, state.first_seen_at), reverse=True)


def _are_alike(one: FileVersion, other: FileVersion) -> bool:
    if one.repository == other.repository or (one.client, one.job, one.path) != (other.client, other.job, other.path):
        return False
    if one.status != other.status:
        return False
    same_run = {one.first_archive, one.last_archive} & {other.first_archive, other.last_archive}
    same_time = one.first_seen_at <= other.last_seen_at and other.first_seen_at <= one.last_seen_at
    return bool(same_run) or same_time


def _state(group: list[FileVersion]) -> FileState:
    oldest = min(group, key=lambda version: version.first_seen_at)
    newest = max(group, key=lambda version: version.last_seen_at)
    return FileState(
        client=newest.client,
        job=newest.job,
        path=newest.path,
        status=newest.status,
        repositories=tuple(sorted({version.repository for version in group})),
        first_archive=oldest.first_archive,
        last_archive=newest.last_archive,
        first_seen_at=oldest.first_seen_at,
        last_seen_at=newest.last_seen_at,
        archives=max(version.archives for version in group),
        is_present=any(version.is_present for version in group),
    )


__all__ = ["group_versions"]
