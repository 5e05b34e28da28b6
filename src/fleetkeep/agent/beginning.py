# SPDX-License-Identifier: GPL-3.0-or-later
"""The beginning of one file of an archive, into memory; nothing is written."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from typing import IO

from fleetkeep.borg.access import BorgAccess
from fleetkeep.borg.command import extract_arguments
from fleetkeep.borg.events import clean_text
from fleetkeep.borg.failures import failure_of
from fleetkeep.borg.process import BorgResult, Cancellation, run_borg
from fleetkeep.errors import Cancelled, PathNotInArchive

from .cancel import StepCancellation

#: A person waits for it, so it does not wait long for others.
LOCK_WAIT_SECONDS = 10

_BLOCK_BYTES = 65_536
_NEVER_MATCHED = "never matched"


@dataclass(frozen=True)
class FileContent:
    """The content of a file, or its beginning."""

    data: bytes
    is_whole: bool


def read_beginning(
    access: BorgAccess,
    repository: str,
    archive: str,
    path: str,
    limit_bytes: int,
    *,
    cancellation: Cancellation | None = None,
) -> FileContent:
    """The content of a file in an archive, at most its first ``limit_bytes``; then Borg is ended.

    Arguments:
        access: How to reach the repository.
        repository: Its declared name, for messages.
        archive: The archive's name.
        path: The file's stored path.
        limit_bytes: So much is enough.
        cancellation: Ends the reading when somebody asks to.

    Raises PathNotInArchive, Cancelled, and the errors of a repository that cannot be read.
    """
    arguments = extract_arguments(
        access.location, archive, [f"pf:{path}"], to_standard_output=True, lock_wait_seconds=LOCK_WAIT_SECONDS
    )
    step = StepCancellation(cancellation)
    outcome: list[BorgResult | BaseException] = []
    readable, writable = os.pipe()

    def extract(pipe: IO[bytes]) -> None:
        try:
            outcome.append(run_borg(access, arguments, cancellation=step, standard_output=pipe))
        except BaseException as error:  # handed to the thread that reads
            outcome.append(error)
        finally:
            pipe.close()

    thread = threading.Thread(target=extract, args=(os.fdopen(writable, "wb"),), name="borg-extract", daemon=True)
    thread.start()
    with os.fdopen(readable, "rb") as output:
        data = output.read(limit_bytes + 1)
        is_whole = len(data) <= limit_bytes
        if not is_whole:
            step.cancel()
        while output.read(_BLOCK_BYTES):
            pass
    thread.join()
    _check(outcome[0], access, repository, archive, path, step)
    return FileContent(data=data[:limit_bytes], is_whole=is_whole)


def _check(
    outcome: BorgResult | BaseException,
    access: BorgAccess,
    repository: str,
    archive: str,
    path: str,
    step: StepCancellation,
) -> None:
    if isinstance(outcome, BaseException):
        raise outcome
    if step.is_whole_cancelled:
        raise Cancelled(what="The reading")
    if not outcome.is_success and not outcome.cancelled:
        raise failure_of(outcome, "extract", repository, access.location)
    if any(_NEVER_MATCHED in message.message for message in outcome.log):
        raise PathNotInArchive(archive=archive, path=clean_text(path))


__all__ = ["FileContent", "read_beginning"]
