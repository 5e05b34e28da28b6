# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds out what lies at a repository's place, and makes repositories. Nothing here ever deletes one."""

from __future__ import annotations

import configparser
import json
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from fleetkeep.borg.access import BorgAccess
from fleetkeep.borg.command import info_arguments, init_arguments
from fleetkeep.borg.failures import failure_of
from fleetkeep.borg.process import run_borg
from fleetkeep.errors import (
    BorgFailed,
    FleetkeepError,
    NotARepository,
    RepositoryMissing,
    RepositoryReplaced,
    RepositoryWrongEncryption,
    RepositoryWrongPassphrase,
)
from fleetkeep.model import Encryption, Repository

from .files import make_folder, sync_folder

#: Exit codes of Borg 1.4 for a repository that is encrypted in another way than it should be.
_NO_KEY_FILE = 42
_NOT_ENCRYPTED = 60


def local_repository_id(location: Path) -> str | None:
    """The id in a local repository's ``config``, or ``None`` where there is none; needs no key.

    Source: Borg 1.4, internals, data structures: ``config`` is an INI file with ``[repository] id``.
    """
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string((location / "config").read_text(encoding="utf-8"))
        return parser.get("repository", "id").strip()
    except (OSError, UnicodeDecodeError, configparser.Error):
        return None


def check_known(repository: Repository, known_id: str) -> None:
    """Refuse a known local repository that is gone or that another one replaced; says nothing of remote ones.

    An empty mount point looks just like a new place: making a repository there would hide the lost one.
    Raises ``RepositoryMissing``, ``RepositoryReplaced``.
    """
    if not repository.is_local:
        return
    found = local_repository_id(Path(repository.location))
    if found is None:
        raise RepositoryMissing(repository=repository.name, location=repository.location)
    if found != known_id:
        raise RepositoryReplaced(
            repository=repository.name, location=repository.location, found=found, expected=known_id
        )


def find_repository(repository: Repository, access: BorgAccess | None) -> str | None:
    """The id of the repository at a place that this host does not know yet, or ``None`` where there is none.

    ``access`` is ``None`` when no passphrase exists yet. Changes nothing. Raises ``NotARepository``,
    ``RepositoryWrongPassphrase``, ``RepositoryWrongEncryption``, ``RepositoryUnreachable`` and other Borg failures.
    """
    if repository.is_local and not _something_is_at(Path(repository.location)):
        return None
    if repository.is_local and local_repository_id(Path(repository.location)) is None:
        raise NotARepository(repository=repository.name, location=repository.location)
    if access is None:
        if not repository.is_local:
            return None
        raise RepositoryWrongPassphrase(repository=repository.name, location=repository.location)
    try:
        return _opened_id(repository, access)
    except (BorgFailed, RepositoryWrongPassphrase) as error:
        if (found := _encryption_betrayed_by(error, repository.encryption)) is None:
            raise
        raise _wrong_encryption(repository, found) from None


def _encryption_betrayed_by(error: FleetkeepError, declared: Encryption) -> str | None:
    """What encryption a repository has that could not be opened as declared; ``None`` where that was not the reason."""
    code = error.details.get("exit_code")
    if code == _NOT_ENCRYPTED:
        return Encryption.NONE.value
    if code == _NO_KEY_FILE and declared not in (Encryption.KEYFILE, Encryption.KEYFILE_BLAKE2):
        return Encryption.KEYFILE.value
    if isinstance(error, RepositoryWrongPassphrase) and declared is Encryption.NONE:
        return "repokey-blake2 or another with a passphrase"
    return None


def _wrong_encryption(repository: Repository, found: str) -> RepositoryWrongEncryption:
    declared = repository.encryption.value
    return RepositoryWrongEncryption(
        repository=repository.name, location=repository.location, found=found, declared=declared
    )


def repository_statistics(repository: Repository, access: BorgAccess) -> dict[str, int]:
    """How much a repository holds: ``original_bytes``, ``compressed_bytes`` and ``deduplicated_bytes``.

    Raises ``RepositoryMissing`` and the other Borg failures.
    """
    stats = _ask(repository, access)["cache"]["stats"]
    names = {"original_bytes": "total_size", "compressed_bytes": "total_csize", "deduplicated_bytes": "unique_csize"}
    return {name: int(stats[borgs]) for name, borgs in names.items()}


def _ask(repository: Repository, access: BorgAccess) -> Any:
    """What Borg says of a repository. Raises Borg failures."""
    result = run_borg(access, info_arguments(access.location), deadline_seconds=120)
    if result.exit_code:
        raise failure_of(result, "info", repository.name, repository.location)
    return json.loads(result.stdout)


def _opened_id(repository: Repository, access: BorgAccess) -> str | None:
    try:
        answer = _ask(repository, access)
    except RepositoryMissing:
        return None
    found = str(answer["encryption"]["mode"])
    if found != repository.encryption.value:
        raise _wrong_encryption(repository, found)
    return str(answer["repository"]["id"])


def create_repository(repository: Repository, access: BorgAccess) -> str:
    """Make a repository and return its id; a local one appears whole or not at all.

    Raises Borg failures, ``OSError``.
    """
    if not repository.is_local:
        _init(repository, access)
        found = _opened_id(repository, access)
        if found is None:
            raise RepositoryMissing(repository=repository.name, location=repository.location)
        return found
    return _create_local(repository, access, Path(repository.location))


def _create_local(repository: Repository, access: BorgAccess, place: Path) -> str:
    """Made beside its place and renamed into it: a cut in between leaves no half repository.

    Borg remembers where it saw a repository, and asks about one that moved; so the making has a base folder of its own.
    """
    make_folder(place.parent)
    workshop = Path(tempfile.mkdtemp(dir=place.parent, prefix=f".{place.name}.creating-"))
    try:
        environment = {**access.environment, "BORG_BASE_DIR": str(workshop / "base")}
        environment |= {"BORG_CACHE_DIR": str(workshop / "cache")}
        _init(repository, replace(access, location=str(workshop / "repository"), environment=environment))
        found = local_repository_id(workshop / "repository")
        if found is None:
            raise RepositoryMissing(repository=repository.name, location=repository.location)
        (workshop / "repository").rename(place)
        sync_folder(place.parent)
        return found
    finally:
        shutil.rmtree(workshop, ignore_errors=True)


def _init(repository: Repository, access: BorgAccess) -> None:
    arguments = init_arguments(
        access.location,
        encryption=repository.encryption.value,
        append_only=repository.append_only,
        quota_bytes=repository.quota,
    )
    result = run_borg(access, arguments, deadline_seconds=300)
    if result.exit_code:
        raise failure_of(result, "init", repository.name, repository.location)


def _something_is_at(place: Path) -> bool:
    """Whether a path is taken; an empty folder is not something."""
    if place.is_dir():
        return any(place.iterdir())
    return place.exists() or place.is_symlink()


__all__ = ["check_known", "create_repository", "find_repository", "local_repository_id", "repository_statistics"]
