# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells the Director all that the archives of a job hold, from the repository alone."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass

from fleetkeep.borg.access import BorgAccess
from fleetkeep.borg.answers import ArchiveName, parse_archive, parse_listing
from fleetkeep.borg.command import info_arguments, list_arguments
from fleetkeep.borg.failures import failure_of
from fleetkeep.borg.process import Cancellation, run_borg
from fleetkeep.clock import Clock
from fleetkeep.errors import Cancelled, DirectorUnreachable
from fleetkeep.link import ArchiveFound
from fleetkeep.model import ArchiveFacts, IndexOrder, IndexRequest, Job, Repository
from fleetkeep.model.base import Model, Name

from .index import Teller, has_overlaps, is_own, tell_by_listing, vanished
from .ledger import Ledger
from .look import Question, look_inside
from .paths import Paths
from .repository_session import plain_name


class Rebuilt(Model):
    """What was learned from a repository about one job."""

    job: Name
    """The job."""

    repository: Name
    """The repository."""

    archives: int
    """How many archives of the job it holds."""

    read: int
    """How many of them were read."""

    found: tuple[str, ...] = ()
    """The names of those that were not on record."""

    vanished: tuple[str, ...] = ()
    """The names of those on record that are gone."""


@dataclass(frozen=True)
class Place:
    """A job in one of its repositories, as a rebuild sees it; its locks are held."""

    paths: Paths
    client: str
    job: Job
    repository: Repository
    repository_id: str
    access: BorgAccess
    ledger: Ledger
    clock: Clock
    cancellation: Cancellation

    @property
    def prefix(self) -> str:
        """What the names of all archives of the job begin with."""
        return f"{plain_name(self.client)}-{self.job.name}-"

    @property
    def teller(self) -> Teller:
        return Teller(self.ledger, self.job.name, self.repository.name, self.repository_id)


def rebuild_job(place: Place) -> Rebuilt:
    """Tell which archives of a job exist, and what is in those whose files are not known.

    Idempotent; one that was cut goes on where it was. Raises ``Cancelled``, ``DirectorUnreachable``, and the errors of
    a repository that cannot be read.
    """
    order = index_order(place)
    return _rebuild_inside(place, order) or _rebuild_by_listing(place, order)


def index_order(place: Place) -> IndexOrder:
    """What the Director knows of the job there. Raises ``DirectorUnreachable``."""
    return place.ledger.index_order(
        IndexRequest(
            client=place.client,
            job=place.job.name,
            repository=place.repository.name,
            repository_id=place.repository_id,
        )
    )


def listed_archives(place: Place) -> tuple[ArchiveName, ...]:
    """Every archive that the repository lists, without checkpoints. Raises as ``rebuild_job``."""
    result = run_borg(place.access, list_arguments(place.access.location), cancellation=place.cancellation)
    if result.cancelled:
        raise Cancelled(what="The listing")
    listed = parse_listing(result.stdout) if result.is_success else None
    if listed is None:
        raise failure_of(result, "list", place.repository.name, place.repository.location)
    return tuple(entry for entry in listed if not entry.is_checkpoint)


def _rebuild_inside(place: Place, order: IndexOrder) -> Rebuilt | None:
    question = Question(
        base=order.base,
        wanted=order.wanted,
        prefix=place.prefix,
        memory=place.paths.index_memory(place.job.name, place.repository.name),
        may_differ=not has_overlaps([source.path for source in place.job.sources.paths]),
        known=tuple(archive.id for archive in order.known if archive.id not in order.wanted),
    )
    look = look_inside(place.access, question, place.paths.index, cancellation=place.cancellation)
    if look is None:
        return None
    with closing(look):
        if look.result.cancelled:
            raise Cancelled(what="The rebuild")
        if look.listed is None:
            return None
        known = {archive.id for archive in order.known}
        found = [archive for archive in look.archives() if archive.id not in known]
        place.teller.tell_found(found)
        gone = _tell_gone(place, order, look.listed)
        place.teller.tell_look(look)
        return _rebuilt(place, look.listed, len(look.archives()), [archive.name for archive in found], gone)


def _rebuild_by_listing(place: Place, order: IndexOrder) -> Rebuilt:
    listed = listed_archives(place)
    known = {archive.id for archive in order.known}
    found = [entry for entry in listed if entry.id not in known and is_own(entry.name, place.prefix)]
    for entry in found:
        place.ledger.note(ArchiveFound(job=place.job.name, run_id="", archive=_described(place, entry)))
    gone = _tell_gone(place, order, listed)
    wanted = [entry for entry in listed if entry.id in order.wanted] + found
    tell_by_listing(place.teller, place.access, place.repository.name, wanted, place.cancellation)
    return _rebuilt(place, listed, len(wanted), [entry.name for entry in found], gone)


def _described(place: Place, entry: ArchiveName) -> ArchiveFacts:
    result = run_borg(place.access, info_arguments(place.access.location, entry.name), cancellation=place.cancellation)
    answer = parse_archive(result.stdout) if result.is_success else None
    if answer is None:
        raise failure_of(result, "info", place.repository.name, place.repository.location)
    return ArchiveFacts(
        id=answer.id,
        name=answer.name,
        repository=place.repository.name,
        repository_id=answer.repository_id,
        started_at=answer.started_at,
        finished_at=answer.finished_at,
        files=answer.files,
        original_bytes=answer.original_bytes,
        compressed_bytes=answer.compressed_bytes,
        deduplicated_bytes=answer.deduplicated_bytes,
    )


def _tell_gone(place: Place, order: IndexOrder, listed: tuple[ArchiveName, ...]) -> list[str]:
    """Tell of archives that are gone; gives the names of those that nobody here deleted."""
    note = place.paths.deleting(place.job.name, place.repository.name)
    gone = place.teller.tell_own_deletions(note, vanished(order, listed), place.clock.now())
    if gone:
        place.teller.tell_vanished(gone, place.clock.now())
    return [archive.name for archive in gone]


def _rebuilt(place: Place, listed: tuple[ArchiveName, ...], read: int, found: list[str], gone: list[str]) -> Rebuilt:
    if not place.ledger.is_told():
        raise DirectorUnreachable(reason=place.ledger.problem or "It does not answer.")
    return Rebuilt(
        job=place.job.name,
        repository=place.repository.name,
        archives=sum(is_own(entry.name, place.prefix) for entry in listed),
        read=read,
        found=tuple(found),
        vanished=tuple(gone),
    )


__all__ = ["Place", "Rebuilt", "index_order", "listed_archives", "rebuild_job"]
