# SPDX-License-Identifier: GPL-3.0-or-later
"""The content of one small file of an archive, in memory."""

from __future__ import annotations

from fleetkeep.borg.access import BorgAccess
from fleetkeep.borg.command import extract_arguments
from fleetkeep.borg.failures import failure_of
from fleetkeep.borg.process import Cancellation, run_borg
from fleetkeep.errors import ArchiveReplaced, Cancelled
from fleetkeep.model import ArchiveFacts

from .restore import look_up_archive


def read_content(
    access: BorgAccess, archive: ArchiveFacts, path: str, *, cancellation: Cancellation | None = None
) -> bytes:
    """The content of a regular file as an archive holds it; ask for small ones.

    Arguments:
        access: How to reach the repository.
        archive: The archive, as it was recorded.
        path: The stored path; of a hard link the first one, which has the content.
        cancellation: Stops when somebody asks to.

    Raises ArchiveReplaced, UnknownArchive, Cancelled, and the errors of a repository that cannot be read.
    """
    listed = look_up_archive(access, archive.repository, archive.name, cancellation=cancellation)
    if listed.id != archive.id:
        raise ArchiveReplaced(archive=archive.name, repository=archive.repository, found=listed.id, expected=archive.id)
    arguments = extract_arguments(access.location, archive.name, [f"pf:{path}"], to_standard_output=True)
    result = run_borg(access, arguments, cancellation=cancellation)
    if result.cancelled:
        raise Cancelled(what="The comparison")
    if not result.is_success:
        raise failure_of(result, "extract", archive.repository, access.location)
    return result.stdout


__all__ = ["read_content"]
