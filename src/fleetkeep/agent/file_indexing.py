# SPDX-License-Identifier: GPL-3.0-or-later
"""A run's part in the catalog of files: look once, tell what is new and what is gone, never cost the backup."""

from __future__ import annotations

from collections.abc import Sequence

from fleetkeep.borg.answers import ArchiveName
from fleetkeep.borg.process import BorgResult
from fleetkeep.errors import DirectorUnreachable, FleetkeepError
from fleetkeep.model import ArchiveFacts, IndexOrder, IndexRequest, Outcome, StageName
from fleetkeep.plan.words import render_count

from .index import Teller, tell_by_listing, vanished
from .look import Look
from .repository_session import RepositorySession

#: So many archives are named in a sentence.
NAMES_SHOWN = 3


class FileIndexing:
    """What one repository of a run finds out about files, and what it tells of them."""

    def __init__(self, session: RepositorySession) -> None:
        self._session = session
        self._order: IndexOrder | None = None
        self._look: Look | None = None
        self._reason = ""
        self._teller = Teller(
            session.context.ledger, session.context.job.name, session.repository.name, session.repository_id
        )

    def look(self) -> tuple[BorgResult, tuple[ArchiveName, ...] | None] | None:
        """The listing of the repository, by a look that goes inside the archives; ``None`` where that cannot be."""
        context = self._session.context
        request = IndexRequest(
            client=context.client,
            job=context.job.name,
            repository=self._session.repository.name,
            repository_id=self._session.repository_id,
        )
        try:
            self._order = context.ledger.index_order(request)
        except DirectorUnreachable as error:
            self._reason = f"Nobody could say which files are known. {error}"
            return None
        self._look = self._session.look(self._order)
        return None if self._look is None else (self._look.result, self._look.listed)

    def tell_before(self, listed: Sequence[ArchiveName]) -> str:
        """Tell what must be known before the new archive; gives a sentence about archives that vanished."""
        if self._order is None:
            return ""
        context = self._session.context
        if self._look is not None:
            known = {archive.id for archive in self._order.known}
            others = [archive for archive in self._look.archives() if archive.name != context.archive_name]
            found = [archive for archive in others if archive.id not in known]
            self._teller.tell_found(found)
        note = context.paths.deleting(context.job.name, self._session.repository.name)
        gone = self._teller.tell_own_deletions(
            note, vanished(self._order, listed) if listed else [], context.clock.now()
        )
        if not gone:
            return ""
        self._session.emit("archives_vanished", archives=[archive.name for archive in gone])
        self._teller.tell_vanished(gone, context.clock.now())
        return vanished_sentence([archive.name for archive in gone])

    def tell_files(self, archive: ArchiveFacts) -> None:
        """Tell what is in the archives that the Director asked for, and in the new one."""
        if self._order is None:
            self._session.skip_stage(StageName.INDEX, self._reason or "The run was cancelled.")
            return
        session, began = self._session, self._session.context.clock.monotonic()
        session.emit("stage_started", stage=StageName.INDEX.value)
        try:
            if self._look is not None:
                self._teller.tell_look(self._look)
            else:
                self._tell_by_listing(archive)
        except (FleetkeepError, OSError) as error:
            session.end_stage(StageName.INDEX, began, Outcome.FAILED, f"Not every file is in the catalog yet: {error}")
        else:
            session.end_stage(StageName.INDEX, began, Outcome.SUCCEEDED)

    def close(self) -> None:
        """Let go of what waits on disk."""
        if self._look is not None:
            self._look.close()

    def _tell_by_listing(self, archive: ArchiveFacts) -> None:
        assert self._order is not None  # noqa: S101 -- the caller looked
        names = {entry.id: entry.name for entry in self._order.known}
        wanted = [ArchiveName(id, names[id]) for id in self._order.wanted if id in names]
        wanted.append(ArchiveName(archive.id, archive.name))
        session = self._session
        cancellation = session.context.cancellation
        tell_by_listing(self._teller, session.access, session.repository.name, wanted, cancellation)


def vanished_sentence(names: Sequence[str]) -> str:
    """What is said of archives that nobody here deleted.

    >>> vanished_sentence(["a"])
    'Nobody here deleted 1 archive that is gone from the repository: a; find out who did.'
    """
    shown = ", ".join(names[:NAMES_SHOWN]) + (" and more" if len(names) > NAMES_SHOWN else "")
    is_gone = "that is" if len(names) == 1 else "that are"
    count = render_count(len(names), "archive")
    return f"Nobody here deleted {count} {is_gone} gone from the repository: {shown}; find out who did."


__all__ = ["FileIndexing", "vanished_sentence"]
