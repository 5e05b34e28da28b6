# SPDX-License-Identifier: GPL-3.0-or-later
"""What the verdict on a fleet is made of, as the catalog knows it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from fleetkeep.catalog import archives, clients, drills, kits, messages, promises, repositories, runs, verifications
from fleetkeep.catalog.database import Catalog
from fleetkeep.model import Drill, Encryption, Job, Kit, Outcome, Point, Run, Verification, VerificationKind

#: The verifications that speak of what could be restored, and what each looked at.
CHECKS = {
    VerificationKind.REPOSITORY: "the segments",
    VerificationKind.ARCHIVE: "the metadata of an archive",
    VerificationKind.DATA: "the content of an archive",
    VerificationKind.SPOT: "unchanged files against an archive",
}


@dataclass(frozen=True)
class RepositoryFacts:
    """What the catalog knows of a job in one of its repositories."""

    name: str
    newest: Point | None = None
    """The newest good archive that exists."""
    proven_at: datetime | None = None
    """When an archive of the job that exists there was last proven."""
    drill: Drill | None = None
    """The drill that ended last there."""
    checks: tuple[Verification, ...] = ()
    """The result that stands for each kind of verification of the repository, and of the job's archives there."""

    @property
    def failed(self) -> list[Verification]:
        """What was found wrong, and not put right since."""
        return [check for check in self.checks if check.outcome is Outcome.FAILED]

    @property
    def checked_at(self) -> datetime | None:
        """When all its segments were found sound, if that is what was found last."""
        sound = (check for check in self.checks if check.kind is VerificationKind.REPOSITORY)
        return next((check.finished_at for check in sound if check.outcome is Outcome.SUCCEEDED), None)


@dataclass(frozen=True)
class JobFacts:
    """What the catalog knows of a declared job."""

    client: str
    job: Job
    repositories: tuple[RepositoryFacts, ...] = ()
    latest: Run | None = None
    """The run that began last."""
    conclusive: Run | None = None
    """The run that began last of those that succeeded, warned or failed."""
    unanswered: tuple[datetime, ...] = ()
    """What was due since then and no run answered in time."""
    next_due_at: datetime | None = None


@dataclass(frozen=True)
class KitFacts:
    """What the catalog knows of the recovery kits of an encrypted repository."""

    client: str
    repository: str
    kits: tuple[Kit, ...] = ()
    """All that were made, the newest first."""


@dataclass(frozen=True)
class KeyChange:
    """A change of passphrase that was begun and is not finished."""

    client: str
    repository: str


def gather_jobs(catalog: Catalog, now: datetime) -> tuple[list[JobFacts], dict[str, int]]:
    """The facts of every declared job, with as many queries for a thousand jobs as for one."""
    with catalog.read() as connection:
        known = clients.list_jobs(connection, declared_only=True)
        latest = runs.latest_runs(connection, conclusive=False)
        conclusive = runs.latest_runs(connection, conclusive=True)
        points = {(newest.job, newest.repository): newest for newest in archives.newest_points(connection)}
        proofs = drills.latest_drills(connection)
        checks = verifications.standing_results(connection, {*CHECKS, VerificationKind.CATALOG})
        coming = promises.next_due(connection, now)
        unanswered = promises.unanswered(connection, now)
        unrecorded = messages.count_quarantined(connection)
    facts = []
    for job in known:
        if (declared := job.declared) is not None:
            last = conclusive.get(job.number)
            since = unanswered.get(job.number, ())
            repositories = tuple(
                _repository_facts(
                    name,
                    points.get((job.number, name)),
                    proofs.get((job.number, name)),
                    tuple(check for of, check in checks.get((job.client, name), ()) if of in (None, job.number)),
                )
                for name in declared.repositories
            )
            due = coming.get(job.number)
            facts.append(JobFacts(job.client, declared, repositories, latest.get(job.number), last, tuple(since), due))
    return facts, unrecorded


def gather_kits(catalog: Catalog) -> list[KitFacts]:
    """The kits of every declared repository that cannot be opened without one."""
    with catalog.read() as connection:
        declared = repositories.list_declared(connection)
        known = kits.list_kits(connection)
    of: dict[tuple[str, str], list[Kit]] = defaultdict(list)
    for kit in known:
        of[kit.client, kit.repository].append(kit)
    return [
        KitFacts(each.client, each.repository.name, tuple(of[each.client, each.repository.name]))
        for each in declared
        if each.repository.encryption is not Encryption.NONE
    ]


def _repository_facts(
    name: str, newest: archives.NewestPoint | None, drill: Drill | None, checks: tuple[Verification, ...]
) -> RepositoryFacts:
    if newest is None:
        return RepositoryFacts(name=name, drill=drill, checks=checks)
    return RepositoryFacts(name=name, newest=newest.point, proven_at=newest.proven_at, drill=drill, checks=checks)


__all__ = ["CHECKS", "JobFacts", "KeyChange", "KitFacts", "RepositoryFacts", "gather_jobs", "gather_kits"]
