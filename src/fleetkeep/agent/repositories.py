# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds out what lies at a repository's place, and makes repositories. Nothing here ever deletes one."""

from __future__ import annotations

import configparser
import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from errno import EEXIST, ENOTEMPTY
from pathlib import Path

from fleetkeep.borg.access import BorgAccess
from fleetkeep.borg.command import info_arguments, init_arguments, list_arguments
from fleetkeep.borg.failures import failure_of
from fleetkeep.borg.process import run_borg
from fleetkeep.errors import (
    BorgFailed,
    FleetkeepError,
    NotARepository,
    RepositoryKeyMissing,
    RepositoryMissing,
    RepositoryReplaced,
    RepositoryWrongEncryption,
    RepositoryWrongPassphrase,
)
from fleetkeep.model import Encryption, Repository

from .files import make_folder, sync_folder

_QUESTION_SECONDS = 300
#: Borg's exit code when ``init`` finds a repository.
_ALREADY_EXISTS = 10
_NO_KEY_FILE = 42
#: Borg's exit code for an unencrypted repository that was to be opened with a key.
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

    ``access`` is ``None`` when no passphrase exists yet. Changes nothing on this host: Borg's notes of what it saw go
    into a folder that is thrown away, see ``adopt_repository``. Raises ``NotARepository``,
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
        with _without_memory(access) as fresh:
            return _opened_id(repository, fresh)
    except (BorgFailed, RepositoryKeyMissing, RepositoryWrongPassphrase) as error:
        if (found := _encryption_betrayed_by(error, repository.encryption)) is None:
            raise
        raise _wrong_encryption(repository, found) from None


def _encryption_betrayed_by(error: FleetkeepError, declared: Encryption) -> str | None:
    """What encryption a repository has that could not be opened as declared; ``None`` where that was not the reason."""
    if error.details.get("exit_code") == _NOT_ENCRYPTED:
        return Encryption.NONE.value
    if isinstance(error, RepositoryKeyMissing) and declared not in (Encryption.KEYFILE, Encryption.KEYFILE_BLAKE2):
        return Encryption.KEYFILE.value
    if isinstance(error, RepositoryWrongPassphrase) and declared is Encryption.NONE:
        return "repokey-blake2 or another with a passphrase"
    return None


def _wrong_encryption(repository: Repository, found: str) -> RepositoryWrongEncryption:
    declared = repository.encryption.value
    return RepositoryWrongEncryption(
        repository=repository.name, location=repository.location, found=found, declared=declared
    )


def adopt_repository(repository: Repository, access: BorgAccess) -> str:
    """Have Borg on this host know a repository that exists, at the place where it is now; gives its id.

    Borg refuses a repository that it knows from another place; here the declaration says that it moved.
    Raises ``RepositoryMissing`` and other Borg failures.
    """
    environment = {**access.environment, "BORG_RELOCATED_REPO_ACCESS_IS_OK": "yes"}
    found = _opened_id(repository, replace(access, environment=environment))
    if found is None:
        raise RepositoryMissing(repository=repository.name, location=repository.location)
    return found


def repository_statistics(repository: Repository, access: BorgAccess) -> dict[str, int]:
    """How much a repository holds: ``original_bytes``, ``compressed_bytes`` and ``deduplicated_bytes``.

    Raises ``RepositoryMissing`` and the other Borg failures.
    """
    result = run_borg(access, info_arguments(access.location), deadline_seconds=_QUESTION_SECONDS)
    if result.exit_code:
        raise failure_of(result, "info", repository.name, repository.location)
    stats = json.loads(result.stdout)["cache"]["stats"]
    names = {"original_bytes": "total_size", "compressed_bytes": "total_csize", "deduplicated_bytes": "unique_csize"}
    return {name: int(stats[borgs]) for name, borgs in names.items()}


def _opened_id(repository: Repository, access: BorgAccess) -> str | None:
    """The id that opening a repository tells. Listing does that; describing it would first fetch its whole index."""
    result = run_borg(access, list_arguments(access.location), deadline_seconds=_QUESTION_SECONDS)
    if result.exit_code == _NO_KEY_FILE:
        raise RepositoryKeyMissing(repository=repository.name, location=repository.location)
    if result.exit_code:
        failure = failure_of(result, "list", repository.name, repository.location)
        if isinstance(failure, RepositoryMissing):
            return None
        raise failure
    answer = json.loads(result.stdout)
    found = str(answer["encryption"]["mode"])
    if found != repository.encryption.value:
        raise _wrong_encryption(repository, found)
    return str(answer["repository"]["id"])


@contextmanager
def _without_memory(access: BorgAccess) -> Iterator[BorgAccess]:
    """An access that leaves no trace on this host; one to an unencrypted repository says so instead of refusing."""
    with tempfile.TemporaryDirectory(prefix="fleetkeep-") as folder:
        environment = {
            **access.environment,
            "BORG_BASE_DIR": folder,
            "BORG_CACHE_DIR": f"{folder}/cache",
            "BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK": "yes",
        }
        if not Path(environment.get("BORG_KEYS_DIR", folder)).is_dir():
            environment["BORG_KEYS_DIR"] = f"{folder}/keys"
        yield replace(access, environment=environment)


def create_repository(repository: Repository, access: BorgAccess) -> str:
    """Make a repository and return its id; a local one appears whole or not at all.

    One that somebody else made there meanwhile is opened instead: hosts that share a repository apply at once.
    Raises Borg failures, ``OSError``.
    """
    if repository.is_local:
        return _create_local(repository, access, Path(repository.location).resolve())
    _init(repository, access)
    return adopt_repository(repository, access)


def _create_local(repository: Repository, access: BorgAccess, place: Path) -> str:
    """Made beside its place and renamed into it: a cut in between leaves no half repository.

    Borg remembers where it saw a repository, and asks about one that moved; so the making has a base folder of its own.
    Nothing can be renamed onto a mount point: there it is made in place.
    """
    if place.is_mount():
        _init(repository, access)
        return adopt_repository(repository, access)
    make_folder(place.parent)
    workshop = Path(tempfile.mkdtemp(dir=place.parent, prefix=f".{place.name}.creating-"))
    try:
        environment = {**access.environment, "BORG_BASE_DIR": str(workshop / "base")}
        environment |= {"BORG_CACHE_DIR": str(workshop / "cache")}
        _init(repository, replace(access, location=str(workshop / "repository"), environment=environment))
        made = local_repository_id(workshop / "repository")
        if made and _rename_unless_taken(workshop / "repository", place):
            return made
    finally:
        shutil.rmtree(workshop, ignore_errors=True)
    return adopt_repository(repository, access)


def _rename_unless_taken(made: Path, place: Path) -> bool:
    """Whether the place was free or an empty folder, and now holds what was made."""
    try:
        made.rename(place)
    except OSError as error:
        if error.errno in (EEXIST, ENOTEMPTY):
            return False
        raise
    sync_folder(place.parent)
    return True


def _init(repository: Repository, access: BorgAccess) -> None:
    arguments = init_arguments(
        access.location,
        encryption=repository.encryption.value,
        # A storage host that Fleetkeep keeps enforces both in the client's key, and can change them later.
        append_only=repository.append_only and repository.storage is None,
        quota_bytes=repository.quota if repository.storage is None else None,
    )
    result = run_borg(access, arguments, deadline_seconds=_QUESTION_SECONDS)
    if result.exit_code not in (0, _ALREADY_EXISTS):
        raise failure_of(result, "init", repository.name, repository.location)


def _something_is_at(place: Path) -> bool:
    """Whether a path is taken; an empty folder is not something."""
    if place.is_dir():
        return any(place.iterdir())
    return place.exists() or place.is_symlink()


__all__ = [
    "adopt_repository",
    "check_known",
    "create_repository",
    "find_repository",
    "local_repository_id",
    "repository_statistics",
]
