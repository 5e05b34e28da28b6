# SPDX-License-Identifier: GPL-3.0-or-later
"""What this host has of what it should have, and of what applies created before; changes nothing."""

from __future__ import annotations

import stat
from collections.abc import Callable, Mapping
from pathlib import Path

from fleetkeep.borg.access import BorgAccess
from fleetkeep.errors import FleetkeepError, PassphraseMissing, Problems
from fleetkeep.model import Owned, PassphraseKind, Repository
from fleetkeep.plan.resource import Actual, FileState, RepositoryState, Resources, sha256_of

from .paths import Paths
from .repositories import check_known, find_repository
from .state import load_owned, load_repository
from .systemd import enabled_timers

AccessTo = Callable[[Repository], "BorgAccess | None"]
"""Gives the access to a repository, with the passphrase that is declared now, or ``None`` when none exists yet."""


def observe(
    desired: Resources, paths: Paths, secrets: Mapping[str, str], access_to: AccessTo, *, systemd: bool
) -> Actual:
    """What this host has.

    Repositories that this host knows are looked at only where that is cheap; others are opened. All problems come at
    once. Raises ``Problems`` (or the single error).
    """
    owned = load_owned(paths)
    files = {name: _read(paths.prefix / name) for name in {file.path for file in desired.files} | set(owned.files)}
    problems: list[FleetkeepError] = []
    repositories: dict[str, RepositoryState] = {}
    for repository in desired.repositories:
        try:
            repositories[repository.name] = _observe_repository(repository, paths, secrets, owned, access_to)
        except FleetkeepError as error:
            problems.append(error)
    if problems:
        raise problems[0] if len(problems) == 1 else Problems(problems)
    return Actual(
        owned=owned,
        files={name: state for name, state in files.items() if state},
        timers=enabled_timers(paths) if systemd else frozenset(),
        repositories=repositories,
    )


def _observe_repository(
    repository: Repository, paths: Paths, secrets: Mapping[str, str], owned: Owned, access_to: AccessTo
) -> RepositoryState:
    _check_passphrase_exists(repository, paths, secrets)
    known = owned.repositories.get(repository.name)
    if known is None or known.location != repository.location:
        return RepositoryState(id=find_repository(repository, access_to(repository)))
    check_known(repository, known.id)
    if _passphrase_changes(repository, paths, secrets) or _kind_changes(repository, paths):
        # A passphrase that does not open the repository must never replace one that does; nor may an encryption be
        # on record that the repository does not have.
        find_repository(repository, access_to(repository))
    return RepositoryState(id=known.id)


def _check_passphrase_exists(repository: Repository, paths: Paths, secrets: Mapping[str, str]) -> None:
    path = paths.passphrase(repository.name)
    if repository.passphrase is PassphraseKind.GIVEN and repository.name not in secrets and not path.exists():
        raise PassphraseMissing(repository=repository.name, path=path)


def _passphrase_changes(repository: Repository, paths: Paths, secrets: Mapping[str, str]) -> bool:
    state = _read(paths.passphrase(repository.name))
    given = secrets.get(repository.name)
    return repository.passphrase is PassphraseKind.GIVEN and given is not None and (not state or state.content != given)


def _kind_changes(repository: Repository, paths: Paths) -> bool:
    """Whether it was applied with another encryption or another kind of passphrase, or nobody can tell any more."""
    try:
        applied = load_repository(paths, repository.name)
    except FleetkeepError:
        return True
    return _opening(applied) != _opening(repository)


def _opening(repository: Repository) -> tuple[object, ...]:
    return repository.encryption, repository.passphrase, repository.passphrase_command


def _read(path: Path) -> FileState | None:
    try:
        content = path.read_bytes().decode("utf-8", "surrogateescape")
        mode = stat.S_IMODE(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return FileState(sha256=_digest(content), mode=mode, content=content)


def _digest(content: str) -> str:
    return sha256_of(content.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))


__all__ = ["AccessTo", "observe"]
