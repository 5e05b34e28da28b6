# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells the Director what is in the archives of a job, so that its catalog knows every file.

Nothing that goes wrong here costs a backup: what was not told is asked for again by the next run.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from itertools import islice
from pathlib import Path, PurePosixPath

from fleetkeep.borg.access import BorgAccess
from fleetkeep.borg.answers import ArchiveName
from fleetkeep.borg.items import ArchiveItem
from fleetkeep.borg.process import Cancellation
from fleetkeep.ids import new_id
from fleetkeep.link import ArchiveFound, ArchivesDeleted, ArchivesVanished, FilesIndexed
from fleetkeep.link.files import LINES_OF_PART, Line, pack_lines
from fleetkeep.model import ArchiveFacts, IndexOrder, Job, ListedArchive

from .intent import forget, intended
from .items import stream_items
from .ledger import Ledger
from .look import Look, LookedArchive, Question
from .paths import Paths

_RUN_NAME = r"\d{8}T\d{6}Z-[0-9a-f]{12}"


def question_of(order: IndexOrder, paths: Paths, job: Job, repository: str, *, name: str, prefix: str) -> Question:
    """What to ask a repository so that an order can be carried out, for the archive ``name`` that was just made.

    ``prefix`` is what the names of all archives of the job begin with; they count where no archive is known any more,
    and those of interrupted runs always.
    """
    return Question(
        base=order.base,
        wanted=order.wanted,
        name=name,
        prefix=prefix,
        runs=None if order.is_blank else order.interrupted,
        memory=paths.index_memory(job.name, repository),
        may_differ=not has_overlaps([source.path for source in job.sources.paths]),
    )


def has_overlaps(paths: Sequence[str]) -> bool:
    """Whether one path lies in another, so that an archive holds things twice.

    >>> has_overlaps(["/etc", "/srv", "/etc/ssh"]), has_overlaps(["/etc", "/etcetera"])
    (True, False)
    """
    places = [PurePosixPath(path) for path in paths]
    return any(one is not other and one.is_relative_to(other) for one in places for other in places)


def is_own(name: str, prefix: str) -> bool:
    """Whether a run of the job whose archives begin with ``prefix`` gave this name.

    >>> is_own("web1-etc-20261125T020000Z-0123456789ab", "web1-etc-"), is_own("web1-etc-old", "web1-etc-")
    (True, False)
    """
    return re.fullmatch(re.escape(prefix) + _RUN_NAME, name) is not None


def vanished(order: IndexOrder, listed: Sequence[ArchiveName]) -> list[ListedArchive]:
    """Archives that are thought to exist and are not listed."""
    there = {entry.id for entry in listed}
    return [archive for archive in order.known if archive.id not in there]


class Teller:
    """Tells of the archives of one job in one repository."""

    def __init__(self, ledger: Ledger, job: str, repository: str, repository_id: str) -> None:
        self._ledger = ledger
        self._job = job
        self._repository = repository
        self._repository_id = repository_id

    def tell_own_deletions(self, note: Path, gone: Sequence[ListedArchive], now: datetime) -> list[ListedArchive]:
        """Of archives that are gone, tell of those that a run deleted and was killed before it could tell.

        Gives the others. ``note`` is where runs of the job say what they are about to delete there.
        """
        begun = intended(note, self._repository_id)
        own = tuple(archive.id for archive in gone if archive.id in begun)
        if own:
            self._ledger.tell(
                ArchivesDeleted(at=now, repository=self._repository, repository_id=self._repository_id, archive_ids=own)
            )
        if begun:
            with suppress(OSError):
                forget(note, self._repository_id, begun)
        return [archive for archive in gone if archive.id not in begun]

    def tell_vanished(self, archives: Sequence[ListedArchive], now: datetime) -> None:
        """Tell of archives that are gone past every plan."""
        ids = tuple(archive.id for archive in archives)
        self._ledger.tell(
            ArchivesVanished(at=now, repository=self._repository, repository_id=self._repository_id, archive_ids=ids)
        )

    def tell_found(self, archives: Iterable[LookedArchive]) -> None:
        """Tell of archives of which the Director may never have heard, the oldest first."""
        for archive in archives:
            self._ledger.note(ArchiveFound(job=self._job, run_id=archive.run_id, archive=self._facts(archive)))

    def tell_look(self, look: Look) -> int:
        """Tell what a look found in archives; gives how many parts were told."""
        count = 0
        archive_id, attempt, part = "", "", 0
        for archive, lines, entries in look.told():
            if archive.id != archive_id:
                archive_id, attempt, part = archive.id, new_id(), 0
            part += 1
            count += 1
            self._tell(archive_id, archive.base, attempt, part, lines, entries)
        return count

    def tell_items(self, archive_id: str, items: Iterator[ArchiveItem]) -> None:
        """Tell a whole listing of an archive."""
        attempt, part, entries = new_id(), 0, 0
        while chunk := [_line(item) for item in islice(items, LINES_OF_PART)]:
            part += 1
            entries += len(chunk)
            self._tell(archive_id, None, attempt, part, pack_lines(chunk), None)
        self._tell(archive_id, None, attempt, part + 1, "", entries)

    def _tell(
        self, archive_id: str, base: str | None, attempt: str, part: int, lines: str, entries: int | None
    ) -> None:
        message = FilesIndexed(
            job=self._job,
            repository=self._repository,
            repository_id=self._repository_id,
            archive_id=archive_id,
            base=base,
            attempt=attempt,
            part=part,
            lines=lines,
            entries=entries,
        )
        self._ledger.note(message) if entries is None else self._ledger.tell(message)

    def _facts(self, archive: LookedArchive) -> ArchiveFacts:
        return ArchiveFacts(
            id=archive.id,
            name=archive.name,
            repository=self._repository,
            repository_id=self._repository_id,
            started_at=archive.started_at,
            finished_at=archive.finished_at,
            files=archive.files,
            original_bytes=archive.original_bytes,
            compressed_bytes=archive.compressed_bytes,
            deduplicated_bytes=0,
        )


def tell_by_listing(
    teller: Teller, access: BorgAccess, repository: str, archives: Iterable[ArchiveName], cancellation: Cancellation
) -> None:
    """Tell archives by listing each of them whole, where Borg cannot be asked from the inside.

    Raises the errors of a listing.
    """
    for archive in archives:
        teller.tell_items(archive.id, stream_items(access, repository, archive.name, cancellation=cancellation))


def _line(item: ArchiveItem) -> Line:
    return (
        "+",
        item.path,
        item.status_mode,
        item.uid,
        item.gid,
        item.owner,
        item.group,
        item.size_bytes,
        item.modified_us,
        item.changed_us,
        item.link_target,
    )


__all__ = ["Teller", "has_overlaps", "is_own", "question_of", "tell_by_listing", "vanished"]
