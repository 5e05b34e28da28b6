# SPDX-License-Identifier: GPL-3.0-or-later
"""The verdict on a fleet: one sentence first, then what needs a person, the worst first.

``judge`` decides from facts alone. It counts as protected only what could be restored now: a good archive that still
exists in each repository of the job, not older than its ``rpo``, after a last run that ended well.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from enum import Enum
from itertools import chain

from pydantic import AwareDatetime

from fleetkeep.catalog.database import Catalog
from fleetkeep.model import Outcome, Point, VerificationKind
from fleetkeep.model.base import Model, Name, render_duration
from fleetkeep.plan.words import render_age, render_count

from .promises import settle_promises
from .status_facts import CHECKS, JobFacts, KeyChange, KitFacts, RepositoryFacts, gather_jobs, gather_kits


class FindingKind(str, Enum):
    """What was found, the worst first."""

    NEVER_RAN = "never_ran"
    NOTHING_TO_RESTORE = "nothing_to_restore"
    CHECK_FAILED = "check_failed"
    DRILL_FAILED = "drill_failed"
    RUN_FAILED = "run_failed"
    TOO_OLD = "too_old"
    MISSED = "missed"
    WARNING = "warning"
    KEY_CHANGE_UNFINISHED = "key_change_unfinished"
    CATALOG_DIFFERS = "catalog_differs"
    UNRECORDED = "unrecorded"
    UNPROVEN = "unproven"
    NO_KIT = "no_kit"
    STALE_KIT = "stale_kit"
    WAITING = "waiting"

    @property
    def needs_person(self) -> bool:
        """Whether somebody has to do something; a missing proof or kit and a job before its first run only wait."""
        return self not in _WAITING


_SEVERITY = list(FindingKind)
_WAITING = (FindingKind.UNPROVEN, FindingKind.NO_KIT, FindingKind.STALE_KIT, FindingKind.WAITING)


class JobState(str, Enum):
    """A job in one word."""

    PROTECTED = "protected"
    WAITING = "waiting"
    NEEDS_PERSON = "needs a person"


class Finding(Model):
    """One thing that is not as it should be."""

    kind: FindingKind
    """What kind of thing."""

    client: str
    """The client."""

    job: str | None = None
    """The job it is about, if it is about one."""

    repository: Name | None = None
    """The repository it is about, if it is about one."""

    sentence: str
    """What is wrong, in words that follow the name of the job."""

    next_step: str
    """What to do."""

    @property
    def subject(self) -> str:
        """What it is about."""
        return self.client if self.job is None else f"{self.client}/{self.job}"


class JobStatus(Model):
    """One job as it stands."""

    client: str
    """The client that runs it."""

    job: Name
    """The job."""

    state: JobState
    """The job in one word."""

    last_run: str | None = None
    """The id of the run that began last."""

    last_outcome: Outcome | None = None
    """How that ended."""

    last_started_at: AwareDatetime | None = None
    """When that began."""

    newest_archive_at: AwareDatetime | None = None
    """How old the data would be if it had to be restored now, from the repository that is furthest behind."""

    proven_at: AwareDatetime | None = None
    """When the job's archives were last proven in the repository where that is longest ago."""

    checked_at: AwareDatetime | None = None
    """When the segments were last found sound, in the repository of the job where that is longest ago."""

    next_due_at: AwareDatetime | None = None
    """When a run is due next."""


class Status(Model):
    """The verdict."""

    verdict: str
    """One sentence."""

    needs_person: bool
    """Whether somebody has to do something."""

    at: AwareDatetime
    """When it was judged."""

    findings: tuple[Finding, ...] = ()
    """What was found, the worst first."""

    jobs: tuple[JobStatus, ...] = ()
    """Every declared job."""


def fleet_status(catalog: Catalog, now: datetime, key_changes: Sequence[KeyChange] = ()) -> Status:
    """The verdict on every client of the catalog, with promises settled first.

    ``key_changes``: the changes of passphrases that are not finished, which only their host knows.
    """
    settle_promises(catalog, now)
    facts, unrecorded = gather_jobs(catalog, now)
    return judge(facts, unrecorded, now, gather_kits(catalog), key_changes)


def judge(
    facts: Sequence[JobFacts],
    unrecorded: dict[str, int],
    now: datetime,
    kit_facts: Sequence[KitFacts] = (),
    key_changes: Sequence[KeyChange] = (),
) -> Status:
    """The verdict on these facts. ``unrecorded``: how many messages of a client could not be recorded."""
    found = [finding for job in facts for finding in _findings(job, now)]
    found += [finding for repository in kit_facts for finding in _kit_findings(repository)]
    found += [_key_change(change) for change in key_changes]
    found += [_unrecorded(client, count) for client, count in unrecorded.items() if count]
    found.sort(key=lambda finding: (_SEVERITY.index(finding.kind), finding.client, finding.job or ""))
    jobs = tuple(_job_status(job, found) for job in facts)
    return Status(
        verdict=_verdict(jobs, found, now),
        needs_person=not jobs or any(finding.kind.needs_person for finding in found),
        at=now,
        findings=tuple(found),
        jobs=jobs,
    )


# --- what is wrong with a job ---


def _findings(facts: JobFacts, now: datetime) -> Iterator[Finding]:
    if facts.conclusive is None and not any(repository.newest for repository in facts.repositories):
        yield _never_ran(facts)
        return
    yield from chain(_run_findings(facts, now), _missed(facts, now))
    for repository in facts.repositories:
        yield from _repository_findings(facts, repository, now)


def _never_ran(facts: JobFacts) -> Finding:
    if facts.next_due_at is not None and not facts.unanswered:
        moment = f"{facts.next_due_at:%Y-%m-%d %H:%M} UTC"
        return _finding(facts, FindingKind.WAITING, f"waits for its first run, due {moment}", "Nothing has to be done.")
    return _finding(facts, FindingKind.NEVER_RAN, "never ran to an end", _run_it(facts))


def _run_findings(facts: JobFacts, now: datetime) -> Iterator[Finding]:
    run = facts.conclusive
    if run is None or run.outcome is Outcome.SUCCEEDED:
        return
    failed = run.outcome is Outcome.FAILED
    kind, word = (FindingKind.RUN_FAILED, "failed") if failed else (FindingKind.WARNING, "ended with a warning")
    reason = f": {run.reason}" if run.reason else ""
    sentence = f"the last run {word} {render_age(now - run.started_at)} ago{reason}"
    yield _finding(facts, kind, sentence, f"`fleetkeep runs {run.id}` shows what happened.")


def _missed(facts: JobFacts, now: datetime) -> Iterator[Finding]:
    if facts.unanswered:
        count, age = len(facts.unanswered), render_age(now - facts.unanswered[-1])
        sentence = f"{render_count(count, 'expected run')} did not begin, the last was due {age} ago"
        step = f"See that the timer or `fleetkeep agent` works on {facts.client}. {_run_it(facts)}"
        yield _finding(facts, FindingKind.MISSED, sentence, step)


def _repository_findings(facts: JobFacts, repository: RepositoryFacts, now: datetime) -> Iterator[Finding]:
    name, drill = repository.name, repository.drill
    yield from _check_findings(facts, repository, now)
    yield from _catalog_findings(facts, repository, now)
    if repository.newest is None:
        sentence = f"nothing can be restored from repository {name}: no good archive is there"
        yield _finding(facts, FindingKind.NOTHING_TO_RESTORE, sentence, _run_it(facts), name)
        return
    age, limit = now - _made_at(repository.newest), facts.job.rpo
    if limit is not None and age > limit:
        sentence = (
            f"the newest archive in repository {name} is {render_age(age)} old, but {render_duration(limit)} is allowed"
        )
        yield _finding(facts, FindingKind.TOO_OLD, sentence, _run_it(facts), name)
    if drill is not None and drill.outcome is Outcome.FAILED:
        reason = f": {drill.reason}" if drill.reason else ""
        sentence = f"the last drill of repository {name} failed {render_age(now - drill.finished_at)} ago{reason}"
        step = "Do not trust its archives; check the repository, then drill again."
        yield _finding(facts, FindingKind.DRILL_FAILED, sentence, step, name)
    elif repository.proven_at is None:
        sentence = f"no archive in repository {name} was ever proven by a restore"
        yield _finding(facts, FindingKind.UNPROVEN, sentence, f"`fleetkeep drill {facts.job.name}` proves one.", name)


def _kit_findings(facts: KitFacts) -> Iterator[Finding]:
    if any(not kit.is_stale for kit in facts.kits):
        return
    name, client = facts.repository, facts.client
    step = f"On {client}: `fleetkeep kit make {name} --owner WHO --place WHERE --to DIRECTORY` makes one."
    if not facts.kits:
        sentence = f"repository {name} has no recovery kit: if this host burns, nobody opens it"
        yield Finding(kind=FindingKind.NO_KIT, client=client, repository=name, sentence=sentence, next_step=step)
        return
    newest = facts.kits[0]
    sentence = (
        f"the recovery kit of repository {name} ({newest.owner}, {newest.place}) is stale: it is not for the key that "
        "the repository has now"
    )
    yield Finding(kind=FindingKind.STALE_KIT, client=client, repository=name, sentence=sentence, next_step=step)


def _check_findings(facts: JobFacts, repository: RepositoryFacts, now: datetime) -> Iterator[Finding]:
    """One finding for all that checks found wrong in a repository, and not put right since."""
    spots = [check for check in repository.checks if check.kind is VerificationKind.SPOT]
    old = spots[1:]  # live files are compared with the newest archive, so that an older comparison says nothing of now
    wrong = [check for check in repository.failed if check.kind in CHECKS and check not in old]
    if wrong:
        newest = max(wrong, key=lambda check: check.finished_at)
        age = render_age(now - newest.finished_at)
        more = f" ({len(wrong) - 1} more)" if len(wrong) > 1 else ""
        what = f"{CHECKS[newest.kind]} in repository {repository.name}"
        sentence = f"the last check of {what} failed {age} ago: {newest.reason.rstrip('.')}{more}"
        step = "Never repair it in place; `fleetkeep verify list` says what is wrong, docs/how-to/verify.md what to do."
        yield _finding(facts, FindingKind.CHECK_FAILED, sentence, step, repository.name)


def _catalog_findings(facts: JobFacts, repository: RepositoryFacts, now: datetime) -> Iterator[Finding]:
    """One finding for all archives that the catalog describes otherwise than they are, as they were compared last."""
    wrong = [check for check in repository.failed if check.kind is VerificationKind.CATALOG]
    if wrong:
        newest = max(wrong, key=lambda check: check.finished_at)
        more = f" ({len(wrong) - 1} more)" if len(wrong) > 1 else ""
        sentence = (
            f"the catalog did not agree with archive {newest.archive_name} in repository {repository.name} "
            f"{render_age(now - newest.finished_at)} ago: {newest.reason.rstrip('.')}{more}"
        )
        words = f"--job {facts.job.name} --repository {repository.name}"
        step = f"`fleetkeep catalog rebuild {words}` reads it anew, `fleetkeep catalog check {words}` then looks again."
        yield _finding(facts, FindingKind.CATALOG_DIFFERS, sentence, step, repository.name)


def _key_change(change: KeyChange) -> Finding:
    name = change.repository
    return Finding(
        kind=FindingKind.KEY_CHANGE_UNFINISHED,
        client=change.client,
        repository=name,
        sentence=f"a change of the passphrase of repository {name} was begun and is not finished; both are kept",
        next_step=f"On {change.client}: `fleetkeep key change-passphrase {name}` finishes it.",
    )


def _unrecorded(client: str, count: int) -> Finding:
    return Finding(
        kind=FindingKind.UNRECORDED,
        client=client,
        sentence=f"{render_count(count, 'message')} could not be recorded, so something may be missing here",
        next_step="They are kept in the catalog's table quarantine; please report them.",
    )


def _finding(
    facts: JobFacts, kind: FindingKind, sentence: str, next_step: str, repository: str | None = None
) -> Finding:
    return Finding(
        kind=kind,
        client=facts.client,
        job=facts.job.name,
        repository=repository,
        sentence=sentence,
        next_step=next_step,
    )


def _run_it(facts: JobFacts) -> str:
    return f"`fleetkeep run {facts.job.name}` on {facts.client} runs it now."


def _made_at(point: Point) -> datetime:
    """From when the data is: by the client's clock, but never later than we received it."""
    return min(point.archive.started_at, point.received_at)


# --- the whole ---


def _job_status(facts: JobFacts, found: Sequence[Finding]) -> JobStatus:
    kinds = [finding.kind for finding in found if (finding.client, finding.job) == (facts.client, facts.job.name)]
    state = JobState.WAITING if FindingKind.WAITING in kinds else JobState.PROTECTED
    if any(kind.needs_person for kind in kinds):
        state = JobState.NEEDS_PERSON
    made = [_made_at(repository.newest) if repository.newest else None for repository in facts.repositories]
    return JobStatus(
        client=facts.client,
        job=facts.job.name,
        state=state,
        last_run=facts.latest.id if facts.latest else None,
        last_outcome=facts.latest.outcome if facts.latest else None,
        last_started_at=facts.latest.started_at if facts.latest else None,
        newest_archive_at=_oldest(made),
        proven_at=_oldest([repository.proven_at for repository in facts.repositories]),
        checked_at=_oldest([repository.checked_at for repository in facts.repositories]),
        next_due_at=facts.next_due_at,
    )


def _oldest(moments: Sequence[datetime | None]) -> datetime | None:
    """The oldest of some moments; ``None`` where one is missing."""
    known = [moment for moment in moments if moment is not None]
    return min(known) if known and len(known) == len(moments) else None


def _verdict(jobs: Sequence[JobStatus], found: Sequence[Finding], now: datetime) -> str:
    if not jobs:
        return "Nothing is backed up: no job is declared; declare one in the fleet file, then run `fleetkeep apply`."
    urgent = [finding for finding in found if finding.kind.needs_person]
    if urgent:
        return _what_is_urgent(jobs, urgent)
    fine = [job for job in jobs if job.state is JobState.PROTECTED]
    on = f"on {render_count(len({job.client for job in jobs}), 'client')}"
    if len(fine) < len(jobs):
        waiting = len(jobs) - len(fine)
        wait = "waits for its first run" if waiting == 1 else "wait for their first runs"
        if not fine:
            return f"Nothing is protected yet: {render_count(waiting, 'job')} {on} {wait}."
        return f"{len(fine)} of {render_count(len(jobs), 'job')} {on} {_be(fine)} protected; {waiting} {wait}."
    all_jobs = "The only job" if len(jobs) == 1 else f"All {len(jobs)} jobs"
    return f"{all_jobs} {on} {_be(fine)} protected; {_what_is_proven(jobs, found, now)}."


def _be(jobs: Sequence[JobStatus]) -> str:
    return "is" if len(jobs) == 1 else "are"


def _what_is_urgent(jobs: Sequence[JobStatus], urgent: Sequence[Finding]) -> str:
    needy = sum(job.state is JobState.NEEDS_PERSON for job in jobs)
    first = f"{urgent[0].subject}: {urgent[0].sentence}".rstrip(".")
    if not needy:
        return f"The jobs are well, but a person is needed: {first}."
    verb = "needs" if needy == 1 else "need"
    return f"{needy} of {render_count(len(jobs), 'job')} {verb} a person: {first}."


def _what_is_proven(jobs: Sequence[JobStatus], found: Sequence[Finding], now: datetime) -> str:
    unproven = sum(finding.kind is FindingKind.UNPROVEN for finding in found)
    if unproven:
        has = "has" if unproven == 1 else "have"
        return f"{render_count(unproven, 'repository', 'repositories')} {has} not been proven by a restore yet"
    newest = max(job.proven_at for job in jobs if job.proven_at is not None)
    return f"the newest proof is {render_age(now - newest)} old"


__all__ = [
    "Finding",
    "FindingKind",
    "JobFacts",
    "JobState",
    "JobStatus",
    "KeyChange",
    "KitFacts",
    "RepositoryFacts",
    "Status",
    "fleet_status",
    "judge",
]
