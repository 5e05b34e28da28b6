# SPDX-License-Identifier: GPL-3.0-or-later
"""Proves that a recovery kit opens its repository, with nothing but what stands in the kit.

Borg works in a folder that is thrown away: it neither reads nor writes what this host knows of the repository, its key
files among them. Nothing is restored; the content of one file is read and counted.
"""

from __future__ import annotations

import shlex
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from fleetkeep.borg.access import BorgAccess
from fleetkeep.borg.answers import parse_repository
from fleetkeep.borg.command import extract_arguments, list_arguments
from fleetkeep.borg.failures import failure_of
from fleetkeep.borg.interpreter import interpreter_of
from fleetkeep.borg.items import ArchiveItem
from fleetkeep.borg.process import Cancellation, run_borg
from fleetkeep.borg.program import BorgProgram
from fleetkeep.clock import Clock
from fleetkeep.errors import (
    BorgFailed,
    Cancelled,
    FleetkeepError,
    KitDoesNotOpen,
    KitNotProvable,
    RepositoryWrongPassphrase,
)
from fleetkeep.model import Encryption, KitProof
from fleetkeep.plan.kit import KitContent

from .files import write_file
from .items import stream_items
from .kit import export_key

QUESTION_SECONDS = 300

#: So many entries of an archive are looked at for a file whose content can be read.
ENTRIES_LOOKED_AT = 10_000

#: The largest file whose content is read.
LARGEST_READ_BYTES = 1 << 20

_KEYFILE = (Encryption.KEYFILE, Encryption.KEYFILE_BLAKE2)

#: Borg's exit codes for a repository whose own copy of the key is gone, and for one without encryption.
_NO_KEY_IN_REPOSITORY = 44
_NOT_ENCRYPTED = (46, 60)

#: Borg's exit codes that say that a key does not belong to a repository, or is none.
_WRONG_KEY = (40, 41, 42, 44, 48, 90, 92, 95, 96, 97)

#: What the traceback ends with when what is stored was not written with the key; its exit code says less.
_NOT_AUTHENTIC = "IntegrityError"

#: Runs Borg with the key of the kit in the place of the one that lies in the repository. Fails where Borg changed so
#: much that this is not possible any more.
_WITH_KEY_OF_KIT = """\
import os, sys
import borg.remote, borg.repository
from borg.archiver import main
with open(os.environ["FLEETKEEP_KIT_KEY"]) as file:
    key = "".join(file.readlines()[1:]).strip().encode()
for kind in (borg.remote.RemoteRepository, borg.repository.Repository):
    assert callable(kind.load_key)
    kind.load_key = lambda self: key
sys.exit(main())
"""


@dataclass(frozen=True)
class KitPlace:
    """With what a kit is tested."""

    program: BorgProgram
    """The borg of this host."""

    environment: Mapping[str, str]
    """The environment of its processes: how to reach storage over SSH, and nothing of what this host knows."""

    location: str = ""
    """Where the repository is now; empty: where the kit says."""


def prove_kit(kit: KitContent, place: KitPlace, clock: Clock, cancellation: Cancellation | None = None) -> KitProof:
    """Open the repository with key and passphrase of the kit alone, and read something of its newest archive.

    A kit that does not open it gives a proof with a reason. Raises what has nothing to do with the kit, such as
    ``RepositoryUnreachable`` and ``RepositoryMissing``, ``KitNotProvable`` and ``Cancelled``.
    """
    location = place.location or kit.location
    proof = KitProof(
        kit=kit.id,
        client=kit.client,
        repository=kit.repository,
        repository_id=kit.repository_id,
        location=location,
        tested_at=clock.now(),
        opens=False,
    )
    with _scratch_access(kit, place, location) as access:
        try:
            is_current = _is_current(kit, access)
            access = access if is_current else _with_own_key(kit, access)
            archives = _open(kit, access)
            if not archives:
                return proof.model_copy(update={"opens": True, "is_current": is_current})
            path, size = _read_something(kit, access, archives[-1], cancellation)
        except KitDoesNotOpen as error:
            return proof.model_copy(update={"reason": error.details["reason"]})
    return proof.model_copy(
        update={
            "opens": True,
            "is_current": is_current,
            "archives": len(archives),
            "archive": archives[-1],
            "read_path": path,
            "read_bytes": size,
        }
    )


@contextmanager
def _scratch_access(kit: KitContent, place: KitPlace, location: str) -> Iterator[BorgAccess]:
    """An access that knows only what the kit says, in a folder that goes away."""
    with tempfile.TemporaryDirectory(prefix="fleetkeep-kit-", ignore_cleanup_errors=True) as folder:
        unencrypted = "no" if kit.encryption.hides_content else "yes"
        environment = {
            **place.environment,
            "BORG_BASE_DIR": folder,
            "BORG_CACHE_DIR": f"{folder}/cache",
            "BORG_KEYS_DIR": f"{folder}/keys",
            "BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK": unencrypted,
        }
        if kit.key is not None:
            key_file = Path(folder) / "key"
            write_file(key_file, kit.key.as_file())
            environment["FLEETKEEP_KIT_KEY"] = str(key_file)
            if kit.encryption in _KEYFILE:
                environment["BORG_KEY_FILE"] = str(key_file)
        yield BorgAccess(place.program.path, location, kit.passphrase, environment)


def _is_current(kit: KitContent, access: BorgAccess) -> bool:
    """Whether the repository has the very key of the kit, so that opening it as it is proves the kit.

    A key file lies in no repository: there Borg has only the one of the kit.
    """
    if kit.key is None or kit.encryption in _KEYFILE:
        return True
    try:
        found = export_key(access, kit.repository)
    except BorgFailed as error:
        if error.details["exit_code"] == _NO_KEY_IN_REPOSITORY:
            return False
        raise _closed(kit, access, error) or error from None
    if found.repository_id != kit.repository_id:
        raise _another_repository(kit, found.repository_id, access)
    return found == kit.key


def _with_own_key(kit: KitContent, access: BorgAccess) -> BorgAccess:
    """An access in which Borg takes the key of the kit instead of the one in the repository."""
    interpreter = interpreter_of(access.program)
    if interpreter is None:
        raise KitNotProvable(kit=kit.id, repository=kit.repository, program=access.program)
    folder = Path(access.environment["BORG_BASE_DIR"])
    write_file(folder / "with_key_of_kit.py", _WITH_KEY_OF_KIT)
    program = folder / "borg"
    words = shlex.join([*interpreter, str(folder / "with_key_of_kit.py")])
    write_file(program, f'#!/bin/sh\nexec {words} "$@"\n', 0o700)
    return replace(access, program=str(program))


def _open(kit: KitContent, access: BorgAccess) -> list[str]:
    """The names of the archives, the oldest first. Raises ``KitDoesNotOpen`` and other errors."""
    result = run_borg(access, list_arguments(access.location), deadline_seconds=QUESTION_SECONDS)
    if result.exit_code:
        failure = failure_of(result, "list", kit.repository, access.location)
        raise _closed(kit, access, failure) or failure
    answer = parse_repository(result.stdout)
    if answer is None:
        reason = "What it printed is no list of archives."
        raise BorgFailed(command="list", repository=kit.repository, exit_code=0, reason=reason)
    if answer.id != kit.repository_id:
        raise _another_repository(kit, answer.id, access)
    if answer.encryption != kit.encryption.value:
        reason = f"It has encryption {answer.encryption}, but the kit says {kit.encryption.value}."
        raise _does_not_open(kit, access, reason)
    return [archive.name for archive in answer.archives]


def _closed(kit: KitContent, access: BorgAccess, failure: FleetkeepError) -> KitDoesNotOpen | None:
    """The failure in the words of a kit, if it is the kit that fails."""
    if isinstance(failure, RepositoryWrongPassphrase):
        return _does_not_open(kit, access, "The passphrase of the kit does not open the key.")
    if failure.details.get("exit_code") in _NOT_ENCRYPTED:
        return _does_not_open(kit, access, "It is not encrypted, but the kit holds a key.")
    if failure.details.get("exit_code") in _WRONG_KEY or _NOT_AUTHENTIC in failure.details.get("reason", ""):
        return _does_not_open(kit, access, f"The key of the kit does not open it ({failure.details['reason']})")
    return None


def _another_repository(kit: KitContent, found: str, access: BorgAccess) -> KitDoesNotOpen:
    return _does_not_open(kit, access, f"Another repository is there: its id is {found}, not {kit.repository_id}.")


def _does_not_open(kit: KitContent, access: BorgAccess, reason: str) -> KitDoesNotOpen:
    return KitDoesNotOpen(kit=kit.id, repository=kit.repository, location=access.location, reason=reason)


def _read_something(
    kit: KitContent, access: BorgAccess, archive: str, cancellation: Cancellation | None
) -> tuple[str, int]:
    """The path and size of a small file whose content was read; an empty path where only the listing was."""
    try:
        with closing(stream_items(access, kit.repository, archive, cancellation=cancellation)) as items:
            item = next(filter(_is_readable, islice(items, ENTRIES_LOOKED_AT)), None)
    except BorgFailed as error:
        raise _closed(kit, access, error) or error from None
    if item is None:
        return "", 0
    arguments = extract_arguments(access.location, archive, [f"pf:{item.path}"], to_standard_output=True)
    result = run_borg(access, arguments, cancellation=cancellation)
    if result.cancelled:
        raise Cancelled(what="The test of the kit")
    if result.exit_code or len(result.stdout) != item.size_bytes:
        raise failure_of(result, "extract", kit.repository, access.location)
    return item.path, item.size_bytes


def _is_readable(item: ArchiveItem) -> bool:
    """Whether an item is a small file with a name that Borg takes back as it gave it."""
    small = item.is_file and 0 < item.size_bytes <= LARGEST_READ_BYTES
    return small and item.is_faithful and item.path.isprintable() and item.path.isascii()


__all__ = ["KitPlace", "prove_kit"]
