# SPDX-License-Identifier: GPL-3.0-or-later
"""How each kind of message enters the catalog. All of it happens within the transaction of a delivery."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from fleetkeep.catalog import (
    archives,
    clients,
    drills,
    file_index,
    kits,
    repositories,
    restorations,
    runs,
    verifications,
)
from fleetkeep.catalog.clients import KnownJob
from fleetkeep.catalog.file_index import Place
from fleetkeep.catalog.runs import RepositoryKeys
from fleetkeep.link import (
    ArchiveFound,
    ArchiveReceived,
    ArchivesDeleted,
    ArchivesVanished,
    DrillFinished,
    FilesIndexed,
    KeyChanged,
    KitMade,
    KitTested,
    Message,
    RestoreFinished,
    RunFinished,
    RunStarted,
    StateApplied,
    VerificationFinished,
)
from fleetkeep.link.files import parse_lines
from fleetkeep.model import ArchiveFacts, Outcome, ReceiptKind, RepositoryRun, Run

from . import promises


class NotTheirs(ValueError):
    """A message speaks for another client than the one that sent it."""


@dataclass(frozen=True)
class Recorder:
    """Records what one client says in one delivery."""

    connection: Connection

    client: int
    """The client's key."""

    name: str
    """The client's name; a message that names another is refused."""

    now: datetime
    """The moment of receipt by our clock."""

    keys: dict[tuple[str, ...], int] = field(default_factory=dict)
    """Keys that this delivery looked up before."""

    borg_ids: dict[str, str] = field(default_factory=dict)
    """Borg's ids of repositories that this delivery wrote down."""

    def record(self, message: Message) -> None:
        """Apply one message for the first time, or none of it.

        Raises ``ValueError`` and SQL errors where that cannot be.
        """
        try:
            with self.connection.begin_nested():
                _HANDLERS[type(message)](self, message)
        except Exception:
            self.keys.clear()  # some may be of rows that are gone again
            self.borg_ids.clear()
            raise

    def state_applied(self, message: StateApplied) -> None:
        self._is_theirs(message.state.client)
        at = self._no_later(message.at)
        known = {job.name: job for job in clients.list_jobs(self.connection, client=self.client)}
        for name in known.keys() | message.state.jobs.keys():
            job = known.get(name) or self._new_job(name)
            declared = message.state.jobs.get(name)
            if job.declared != declared:
                promises.change_job(self.connection, job, declared, at=at, now=self.now)
        repositories.declare_repositories(self.connection, self.client, message.state, message.repository_ids)
        clients.record_state(self.connection, self.client, message.state, applied_at=at, received_at=self.now)

    def run_told(self, message: RunStarted | RunFinished) -> None:
        """A run's begin or end; what is told after its end is old news."""
        run = message.run
        self._is_theirs(run.client)
        if runs.is_ended(self.connection, self.client, run.id):
            return
        job = self._job(run.job)
        keys = [self._keys(run, job, part) for part in run.repositories]
        runs.record_run(self.connection, run, client=self.client, job=job, repositories=keys)
        promises.answer(self.connection, job, run)

    def archive_received(self, message: ArchiveReceived) -> None:
        job = self._job(message.job)
        self._archive(message.archive, job, message.run_id, message.outcome)

    def archives_deleted(self, message: ArchivesDeleted) -> None:
        archives.mark_deleted(
            self.connection,
            repository=self._repository(message.repository),
            borg_repository_id=message.repository_id,
            ids=message.archive_ids,
            at=self._no_later(message.at),
        )

        self._forget_dead(message.repository, message.repository_id)

    def archives_vanished(self, message: ArchivesVanished) -> None:
        """Somebody deleted archives past every plan; from now on they are known to be gone."""
        archives.mark_deleted(
            self.connection,
            repository=self._repository(message.repository),
            borg_repository_id=message.repository_id,
            ids=message.archive_ids,
            at=self._no_later(message.at),
        )
        self._forget_dead(message.repository, message.repository_id)

    def archive_found(self, message: ArchiveFound) -> None:
        """A receipt from a repository, for an archive whose own was lost; one that is known stays as it is."""
        self._archive(
            message.archive,
            self._job(message.job),
            message.run_id,
            Outcome.SUCCEEDED,
            received_at=self._no_later(message.archive.finished_at),
            receipt=ReceiptKind.REBUILT,
        )

    def files_indexed(self, message: FilesIndexed) -> None:
        """A part of what an archive holds; a part that does not follow the one before it is of no use."""
        there, gone = parse_lines(message.lines)
        repository = self._repository(message.repository)
        archive = file_index.find_archive(self.connection, repository, message.repository_id, message.archive_id)
        if archive is None:
            raise LookupError(f"archive {message.archive_id} was never received")
        job = self._job(message.job)
        tree = file_index.ensure_tree(self.connection, self.client, job, repository, message.repository_id)
        place = Place(self.client, tree, archive)
        if message.part == 1:
            telling = file_index.begin(self.connection, place, base=message.base, attempt=message.attempt, now=self.now)
        else:
            telling = file_index.resume(
                self.connection, place, is_whole=message.base is None, attempt=message.attempt, part=message.part
            )
        if telling is None:
            return
        file_index.take(self.connection, telling, there, gone)
        if message.entries is not None:
            file_index.finish(self.connection, telling, message.entries, self.now)

    def drill_finished(self, message: DrillFinished) -> None:
        drill = message.drill
        self._is_theirs(drill.client)
        if drills.is_recorded(self.connection, self.client, drill.id):
            return
        job = self._job(drill.job)
        repository = self._repository(drill.repository)
        drills.record_drill(self.connection, drill, client=self.client, job=job, repository=repository)
        if drill.outcome is Outcome.SUCCEEDED:
            at = self._no_later(drill.finished_at)
            archives.mark_proven(self.connection, repository=repository, archive_id=drill.archive_id, at=at)

    def kit_made(self, message: KitMade) -> None:
        kit = message.kit
        self._is_theirs(kit.client)
        if kits.is_recorded(self.connection, self.client, kit.id):
            return
        repository = self._repository(kit.repository)
        kit = kit.model_copy(update={"made_at": self._no_later(kit.made_at)})
        self._retire_kits(repository, kit.repository_id, kit.fingerprint, kit.made_at)
        kits.record_kit(self.connection, kit, client=self.client, repository=repository)

    def kit_tested(self, message: KitTested) -> None:
        """What a test found; of a kit that is not on record there is nothing to say."""
        proof = message.proof
        self._is_theirs(proof.client)
        at = self._no_later(proof.tested_at)
        if proof.opens:
            kits.mark_tested(self.connection, self.client, proof.kit, at)
        if not (proof.opens and proof.is_current):
            kits.retire_kit(self.connection, self.client, proof.kit, at)

    def key_changed(self, message: KeyChanged) -> None:
        repository = self._repository(message.repository)
        self._retire_kits(repository, message.repository_id, message.fingerprint, self._no_later(message.at))

    def _retire_kits(self, repository: int, borg_id: str, fingerprint: str, at: datetime) -> None:
        """The kits of a repository with another key are stale."""
        kits.retire_others(self.connection, repository=repository, borg_id=borg_id, fingerprint=fingerprint, at=at)

    def restore_finished(self, message: RestoreFinished) -> None:
        restoration = message.restoration
        self._is_theirs(restoration.client)
        if restorations.is_recorded(self.connection, self.client, restoration.id):
            return
        told = restoration.model_copy(
            update={
                "started_at": self._no_later(restoration.started_at),
                "finished_at": self._no_later(restoration.finished_at),
            }
        )
        repository = self._repository(restoration.repository)
        restorations.record_restoration(self.connection, told, client=self.client, repository=repository)

    def verification_finished(self, message: VerificationFinished) -> None:
        verification = message.verification
        self._is_theirs(verification.client)
        if verifications.is_recorded(self.connection, self.client, verification.id):
            return
        repository, archive = self._repository(verification.repository), None
        if verification.archive_id:
            archive = verifications.find_archive(self.connection, repository, verification.archive_id)
        told = verification.model_copy(
            update={
                "started_at": self._no_later(verification.started_at),
                "finished_at": self._no_later(verification.finished_at),
            }
        )
        verifications.record_verification(
            self.connection, told, client=self.client, repository=repository, archive=archive
        )

    def _keys(self, run: Run, job: int, part: RepositoryRun) -> RepositoryKeys:
        """The keys of one repository of a run. A run that names an archive is a receipt for it as well."""
        if part.archive is None:
            return RepositoryKeys(self._repository(part.repository), None)
        return self._archive(part.archive, job, run.id, part.outcome)

    def _forget_dead(self, repository: str, borg_repository_id: str) -> None:
        """Versions of files that no archive has any more."""
        trees = file_index.trees_of(self.connection, self._repository(repository), borg_repository_id)
        file_index.forget_dead(self.connection, trees)

    def _archive(
        self,
        facts: ArchiveFacts,
        job: int,
        run_id: str,
        outcome: Outcome,
        *,
        received_at: datetime | None = None,
        receipt: ReceiptKind = ReceiptKind.RECEIVED,
    ) -> RepositoryKeys:
        repository = self._repository(facts.repository, facts.repository_id)
        archive = archives.record_archive(
            self.connection,
            facts,
            client=self.client,
            job=job,
            repository=repository,
            run_id=run_id,
            outcome=outcome,
            received_at=received_at or self.now,
            receipt=receipt,
        )
        return RepositoryKeys(repository, archive)

    def _job(self, name: str) -> int:
        key = ("job", name)
        if key not in self.keys:
            self.keys[key] = clients.ensure_job(self.connection, self.client, name)
        return self.keys[key]

    def _repository(self, name: str, borg_id: str | None = None) -> int:
        """The key of a repository; with Borg's id of it, that is what lies there from now on."""
        key = ("repository", name)
        if key not in self.keys:
            self.keys[key] = repositories.ensure_repository(self.connection, self.client, name)
        if borg_id is not None and self.borg_ids.get(name) != borg_id:
            repositories.know_repository(self.connection, self.keys[key], borg_id)
            self.borg_ids[name] = borg_id
        return self.keys[key]

    def _new_job(self, name: str) -> KnownJob:
        number = self._job(name)
        return KnownJob(number, self.name, name, declared=None, declared_since=None, promised_until=None)

    def _is_theirs(self, client: str) -> None:
        if client != self.name:
            raise NotTheirs(f"it speaks for client {client}")

    def _no_later(self, moment: datetime) -> datetime:
        """A client's moment, but never one that is still to come: its clock may be ahead, or lie."""
        return min(moment, self.now)


_HANDLERS: dict[type[Any], Callable[[Recorder, Any], None]] = {
    StateApplied: Recorder.state_applied,
    RunStarted: Recorder.run_told,
    RunFinished: Recorder.run_told,
    ArchiveReceived: Recorder.archive_received,
    ArchivesDeleted: Recorder.archives_deleted,
    ArchivesVanished: Recorder.archives_vanished,
    ArchiveFound: Recorder.archive_found,
    FilesIndexed: Recorder.files_indexed,
    DrillFinished: Recorder.drill_finished,
    KitMade: Recorder.kit_made,
    KitTested: Recorder.kit_tested,
    KeyChanged: Recorder.key_changed,
    VerificationFinished: Recorder.verification_finished,
    RestoreFinished: Recorder.restore_finished,
}

__all__ = ["NotTheirs", "Recorder"]
