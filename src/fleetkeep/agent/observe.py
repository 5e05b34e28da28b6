# SPDX-License-Identifier: GPL-3.0-or-later
"""What this host has of what it should have, and of what applies created before; changes nothing."""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from fleetkeep.borg.access import BorgAccess
from fleetkeep.errors import (
    FleetkeepError,
    PassphraseInUse,
    PassphraseLost,
    PassphraseMissing,
    Problems,
    RepositoryMissing,
    RepositoryReplaced,
)
from fleetkeep.model import Owned, PassphraseKind, Repository
from fleetkeep.plan.resource import AccountState, Actual, FileState, RepositoryState, Resources, sha256_of

from .accounts import observe_account
from .paths import Paths
from .repositories import check_known, find_repository
from .state import applied_repository, load_owned
from .systemd import enabled_timers

AccessTo = Callable[[Repository], "BorgAccess | None"]
"""Gives the access to a repository, with the passphrase that is declared now, or ``None`` when none exists yet."""


def observe(
    desired: Resources,
    paths: Paths,
    secrets: Mapping[str, str],
    access_to: AccessTo,
    *,
    systemd: bool,
    waiting: Collection[str] = (),
) -> Actual:
    """What this host has.

    Repositories that this host knows are looked at only where that is cheap; others are opened, except those that are
    ``waiting`` for access. All problems come at once. Raises ``Problems`` (or the single error).
    """
    owned = load_owned(paths)
    files = {name: _read(paths.prefix / name) for name in {file.path for file in desired.files} | set(owned.files)}
    problems: list[FleetkeepError] = []
    repositories: dict[str, RepositoryState] = {}
    for repository in desired.repositories:
        try:
            opener = _closed if repository.name in waiting else access_to
            repositories[repository.name] = _observe_repository(repository, paths, secrets, owned, opener)
        except FleetkeepError as error:
            problems.append(error)
    accounts: dict[str, AccountState] = {}
    for account in desired.accounts:
        try:
            accounts[account.name] = observe_account(account, paths)
        except FleetkeepError as error:
            problems.append(error)
    if problems:
        raise problems[0] if len(problems) == 1 else Problems(problems)
    return Actual(
        owned=owned,
        files={name: state for name, state in files.items() if state},
        timers=enabled_timers(paths) if systemd else frozenset(),
        repositories=repositories,
        accounts=accounts,
    )


def _closed(_repository: Repository) -> BorgAccess | None:
    """No access yet; what lies there is seen once there is one."""
    return None


def _observe_repository(
    repository: Repository, paths: Paths, secrets: Mapping[str, str], owned: Owned, access_to: AccessTo
) -> RepositoryState:
    known = owned.repositories.get(repository.name)
    is_known = known is not None and known.location == repository.location
    _check_passphrase_exists(repository, paths, secrets, is_known=is_known)
    _check_no_key_is_lost(repository, paths, secrets, owned)
    if known is None or not is_known:
        return RepositoryState(id=find_repository(repository, access_to(repository)))
    check_known(repository, known.id)
    if access_to is not _closed and _opens_otherwise(repository, paths, secrets):
        # What does not open the repository must never replace what does.
        _check_opens(repository, access_to(repository), known.id)
    return RepositoryState(id=known.id)


def _check_passphrase_exists(
    repository: Repository, paths: Paths, secrets: Mapping[str, str], *, is_known: bool
) -> None:
    path = paths.passphrase(repository.name)
    if path.exists():
        return
    if repository.passphrase is PassphraseKind.GIVEN and repository.name not in secrets:
        raise PassphraseMissing(repository=repository.name, path=path)
    if repository.passphrase is PassphraseKind.GENERATED and is_known:
        raise PassphraseLost(repository=repository.name, location=repository.location, path=path)


def _check_no_key_is_lost(repository: Repository, paths: Paths, secrets: Mapping[str, str], owned: Owned) -> None:
    """Refuse to write over a passphrase that exists nowhere else while a repository at another place needs it."""
    if repository.name not in owned.generated_passphrases or not _passphrase_changes(repository, paths, secrets):
        return
    for other in (*owned.repositories.values(), *owned.orphans):
        if other.name == repository.name and other.location != repository.location:
            raise PassphraseInUse(repository=repository.name, location=other.location)


def _opens_otherwise(repository: Repository, paths: Paths, secrets: Mapping[str, str]) -> bool:
    """Whether a known repository will be opened in another way than the last apply made sure of."""
    applied = applied_repository(paths, repository.name)
    return (
        applied is None
        or applied.encryption is not repository.encryption
        or applied.passphrase is not repository.passphrase
        or applied.passphrase_command != repository.passphrase_command
        or _passphrase_changes(repository, paths, secrets)
    )


def _check_opens(repository: Repository, access: BorgAccess | None, known_id: str) -> None:
    found = find_repository(repository, access)
    if found is None:
        raise RepositoryMissing(repository=repository.name, location=repository.location)
    if found != known_id:
        raise RepositoryReplaced(
            repository=repository.name, location=repository.location, found=found, expected=known_id
        )


def _passphrase_changes(repository: Repository, paths: Paths, secrets: Mapping[str, str]) -> bool:
    state = _read(paths.passphrase(repository.name))
    given = secrets.get(repository.name)
    return (
        repository.passphrase is PassphraseKind.GIVEN
        and given is not None
        and (not state or state.sha256 != sha256_of(given))
    )


def _read(path: Path) -> FileState | None:
    try:
        content = path.read_bytes()
        mode = stat.S_IMODE(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return FileState(sha256=hashlib.sha256(content).hexdigest(), mode=mode, content=content.decode(errors="replace"))


__all__ = ["AccessTo", "observe"]
