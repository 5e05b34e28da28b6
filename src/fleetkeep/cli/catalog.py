# SPDX-License-Identifier: GPL-3.0-or-later
"""``fleetkeep catalog``: the catalog as a whole, filled from the repositories and compared with them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import click

from fleetkeep.clock import SystemClock
from fleetkeep.errors import FleetkeepError, RepositoryUnknown
from fleetkeep.model import Outcome
from fleetkeep.model.base import Model, Name
from fleetkeep.plan.words import render_count

from ._aside import begin_anew
from ._common import emit_json, json_option, paths, printable
from ._points import access_to
from ._record import record
from ._signals import cancelled_by_signals
from ._verification import tell, verify_with_catalog
from .main import print_error

if TYPE_CHECKING:
    from fleetkeep.agent.rebuild import Place, Rebuilt
    from fleetkeep.borg.process import Cancellation
    from fleetkeep.model import Job, Verification

job_option = click.option("--job", metavar="NAME", help="Only archives of this job.")
repository_option = click.option("--repository", metavar="NAME", help="Only archives in this repository.")

#: So many names are shown of each kind.
NAMES_SHOWN = 5


class CatalogCheck(Model):
    """What a check of the catalog found about a job in one of its repositories."""

    job: Name
    """The job."""

    repository: Name
    """The repository."""

    archives: int
    """How many archives of the job the repository lists."""

    unknown: tuple[str, ...] = ()
    """Archives of the job that the repository lists and the catalog does not know."""

    vanished: tuple[str, ...] = ()
    """Archives that the catalog knows and the repository does not list."""

    unread: tuple[str, ...] = ()
    """Archives whose files the catalog does not know."""

    compared: int = 0
    """How many archives were compared file by file."""

    differing: dict[str, str] = {}
    """Archives of which the catalog says something else: by name, what differs."""

    @property
    def agrees(self) -> bool:
        """Whether catalog and repository say the same."""
        return not (self.unknown or self.vanished or self.unread or self.differing)


@click.group(
    short_help="Fill the catalog from the repositories, or check it.", subcommand_metavar="WHAT [ARGUMENTS]..."
)
def command() -> None:
    """The catalog knows every file of every archive; all of that can be read from the repositories again."""


@command.command(
    "rebuild",
    short_help="Read the catalog of files from the repositories anew.",
    epilog="Exit status: 0 the catalog has all that the repositories have; 1 error; 130 cancelled.",
)
@job_option
@repository_option
@click.option("--missing", is_flag=True, help="Read only what the catalog lacks; forget nothing first.")
@json_option
def rebuild(job: str | None, repository: str | None, missing: bool, as_json: bool) -> None:
    """Forget what is known of files, and read it from the repositories again, archive by archive.

    Runs, receipts and proofs stay. A catalog that is broken is kept aside; archives that are found in a repository get
    the time at which they were made as their receipt, because their own is lost. Say it again after an interruption,
    with --missing to go on where it was.
    """
    from fleetkeep.agent.rebuild import rebuild_job

    done: list[Rebuilt] = []
    failed = False
    for declared, name in _chosen(job, repository):
        try:
            with cancelled_by_signals() as cancellation, _place(declared, name, cancellation, locked=True) as place:
                if not missing:
                    _forget(place)
                rebuilt = rebuild_job(place)
        except FleetkeepError as error:
            print_error(error)
            failed = True
            continue
        done.append(rebuilt)
        if not as_json:
            click.echo(_said(rebuilt))
    if as_json:
        emit_json([rebuilt.model_dump(mode="json") for rebuilt in done])
    if failed:
        raise click.exceptions.Exit(1)


@command.command(
    "check",
    short_help="Compare the catalog with the repositories.",
    epilog="Exit status: 0 they agree; 1 they differ, or an error; 130 cancelled.",
)
@job_option
@repository_option
@click.option("--quick", is_flag=True, help="Compare which archives there are, not their files.")
@json_option
def check(job: str | None, repository: str | None, quick: bool, as_json: bool) -> None:
    """Compare the archives and files that the catalog knows with what the repositories hold, and say what differs.

    Changes nothing; `fleetkeep catalog rebuild` puts right what is found. Comparing files reads the listing of each
    archive.
    """
    found: list[CatalogCheck] = []
    failed = False
    for declared, name in _chosen(job, repository):
        try:
            with cancelled_by_signals() as cancellation, _place(declared, name, cancellation, locked=False) as place:
                result = _check(place, quick=quick)
        except FleetkeepError as error:
            print_error(error)
            failed = True
            continue
        found.append(result)
        if not as_json:
            click.echo("\n".join(_lines(result)))
    if as_json:
        emit_json([result.model_dump(mode="json") | {"agrees": result.agrees} for result in found])
    if failed or not all(result.agrees for result in found):
        raise click.exceptions.Exit(1)


def _chosen(job: str | None, repository: str | None) -> Iterator[tuple[Job, str]]:
    """The jobs of this host with each of their repositories. Raises UnknownJob, UnknownRepository, NothingApplied."""
    from fleetkeep.agent.state import load_job, load_jobs, load_repository

    jobs = [load_job(paths(), job)] if job is not None else list(load_jobs(paths()).values())
    if repository is not None:
        load_repository(paths(), repository)
    for declared in jobs:
        for name in declared.repositories:
            if repository in (None, name):
                yield declared, name


@contextmanager
def _place(job: Job, name: str, cancellation: Cancellation, *, locked: bool) -> Iterator[Place]:
    """A job in a repository, with the record opened; ``locked``: no run of it is at work meanwhile."""
    from fleetkeep.agent.ledger import Ledger
    from fleetkeep.agent.rebuild import Place
    from fleetkeep.agent.state import load_desired, load_repository, repository_id
    from fleetkeep.director.late import LateDirector

    places, clock = paths(), SystemClock()
    repository = load_repository(places, name)
    known = repository_id(places, name)
    if known is None:
        raise RepositoryUnknown(repository=name, location=repository.location)
    client = load_desired(places).client
    with (
        _no_run_of(job.name, locked=locked),
        closing(LateDirector(places.catalog, clock, on_aside=begin_anew(places))) as director,
        closing(Ledger(places.spool, director, client, clock, cancellation)) as ledger,
    ):
        yield Place(places, client, job, repository, known, access_to(name), ledger, clock, cancellation)


@contextmanager
def _no_run_of(job: str, *, locked: bool) -> Iterator[None]:
    """Hold the job, so that no run tells of the same archives. Raises JobBusy."""
    from fleetkeep.agent.lock import Held, hold
    from fleetkeep.errors import JobBusy

    if not locked:
        yield
        return
    try:
        with hold(paths().job_lock(job)):
            yield
    except Held as held:
        raise JobBusy(job=job, holder=held.holder) from None


def _forget(place: Place) -> None:
    """Forget the files of a job, once the catalog is known to be whole."""
    from fleetkeep.agent.rebuild import index_order
    from fleetkeep.catalog.database import open_catalog
    from fleetkeep.director.file_index import forget_files

    index_order(place)
    with closing(open_catalog(place.paths.catalog)) as catalog:
        forget_files(catalog, client=place.client, job=place.job.name, repositories=[place.repository.name])


def _said(rebuilt: Rebuilt) -> str:
    found = f", {render_count(len(rebuilt.found), 'archive')} found that no record had" if rebuilt.found else ""
    gone = f", {len(rebuilt.vanished):,} gone: {_named(rebuilt.vanished)}" if rebuilt.vanished else ""
    count = render_count(rebuilt.archives, "archive")
    return f"{rebuilt.job} in {rebuilt.repository}: {rebuilt.read:,} of {count} read{found}{gone}"


def _check(place: Place, *, quick: bool) -> CatalogCheck:
    from fleetkeep.agent.index import is_own, vanished
    from fleetkeep.agent.rebuild import index_order, listed_archives

    order = index_order(place)
    listed = listed_archives(place)
    known = {archive.id for archive in order.known}
    own = [entry for entry in listed if is_own(entry.name, place.prefix)]
    results = [] if quick else list(_compare(place, [entry.id for entry in own if entry.id not in order.wanted]))
    return CatalogCheck(
        job=place.job.name,
        repository=place.repository.name,
        archives=len(own),
        unknown=tuple(entry.name for entry in own if entry.id not in known),
        vanished=tuple(archive.name for archive in vanished(order, listed) if is_own(archive.name, place.prefix)),
        unread=tuple(entry.name for entry in own if entry.id in order.wanted),
        compared=len(results),
        differing={each.archive_name or "": each.reason for each in results if each.outcome is Outcome.FAILED},
    )


def _compare(place: Place, ids: Sequence[str]) -> Iterator[Verification]:
    """Each archive that is known, file by file; every result is recorded."""
    from fleetkeep.director.history import list_archives

    with record() as catalog:
        if catalog is None:
            return
        points = list_archives(catalog, job=place.job.name, repository=place.repository.name, limit=None)
        for point in points:
            if point.archive.id in ids:
                result = verify_with_catalog(catalog, point, place.cancellation)
                tell(result)
                yield result


def _lines(result: CatalogCheck) -> Iterator[str]:
    what = f"{result.job} in {result.repository}"
    if result.agrees:
        compared = f", {result.compared:,} compared file by file" if result.compared else ""
        yield f"{what}: the catalog agrees with the repository: {render_count(result.archives, 'archive')}{compared}"
        return
    yield f"{what}: the catalog DIFFERS from the repository:"
    for names, words in (
        (result.unknown, "not in the catalog"),
        (result.vanished, "in the catalog, but gone from the repository"),
        (result.unread, "of which the catalog does not know the files"),
    ):
        if names:
            yield f"  {render_count(len(names), 'archive')} {words}: {_named(names)}"
    for name, reason in result.differing.items():
        yield f"  {printable(name)}: {printable(reason)}"
    yield "  `fleetkeep catalog rebuild` puts it right."


def _named(names: Sequence[str]) -> str:
    shown = ", ".join(printable(name) for name in names[:NAMES_SHOWN])
    return shown + (" and more" if len(names) > NAMES_SHOWN else "")


__all__ = ["CatalogCheck", "command"]
