# SPDX-License-Identifier: GPL-3.0-or-later
"""``fleetkeep verify``: archives, catalog and live files against each other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import click

from fleetkeep.clock import SystemClock
from fleetkeep.errors import ArchiveNotIndexed, UnknownArchive, UnknownJob
from fleetkeep.ids import new_id
from fleetkeep.model import Outcome, Verification, VerificationKind

from ._common import emit_json, json_option, paths, printable
from ._points import named_point
from ._record import record
from ._signals import cancelled_by_signals
from ._tables import colored, print_table, render_moment
from ._verification import NAMES_KEPT, live_place, result_of, tell, verify_with_catalog

if TYPE_CHECKING:
    from fleetkeep.agent.live import LivePlace
    from fleetkeep.model import EvidenceValue, FileEntry, Job, Point
    from fleetkeep.plan.live import LiveReport

CHANGED = 2
SUSPICIOUS = 3


@click.group(short_help="Compare archives, catalog and live files.", subcommand_metavar="WHAT [ARGUMENTS]...")
def command() -> None:
    """Compare archives, the catalog and the live files of this host with each other. Each result is recorded."""


@command.command(
    "disk",
    short_help="What changed on this host since an archive.",
    epilog="Exit status: 0 nothing changed; 2 something changed; 3 something is suspicious; 1 error; 130 cancelled.",
)
@click.argument("what", metavar="JOB|ARCHIVE")
@click.argument("path", required=False)
@click.option("--content", is_flag=True, help="Read what was touched under the same size and time, and compare it.")
@click.option("--from-archive", is_flag=True, help="Compare with the archive itself instead of the catalog.")
@json_option
def verify_disk(what: str, path: str | None, content: bool, from_archive: bool, as_json: bool) -> None:
    """Say what changed on this host since the newest archive of a job, or since an archive.

    Suspicious is what runs with the rights of another user and did not before, and what was touched though its size and
    time are the same. Changes of rights and owners come first. Only what Borg would take now counts as added.
    """
    from fleetkeep.agent.live import compare_live
    from fleetkeep.plan.live import LiveKind, render_live

    point, job = _point(what)
    began = SystemClock().now()
    own = [str(folder) for folder in (paths().borg_cache, paths().scratch)]

    def compare(place: LivePlace, entries: Iterable[FileEntry]) -> LiveReport:
        below = (path or "").strip("/")
        return compare_live(place, entries, job=job, own_folders=own, below=below, content=content)

    with cancelled_by_signals() as cancellation:
        report = _with_entries(live_place(point, cancellation), compare, from_archive=from_archive)
    suspicious = report.counts.get(LiveKind.SUSPICIOUS, 0)
    evidence: dict[str, EvidenceValue] = {
        "compared": report.compared,
        "unreadable": report.unreadable,
        "below": printable(path or ""),
        **{kind.value: count for kind, count in report.counts.items()},
        "suspicious_paths": _suspicious(report),
    }
    reason = f"{suspicious:,} suspicious" if suspicious else ""
    outcome = Outcome.FAILED if suspicious else Outcome.WARNING if report.counts else Outcome.SUCCEEDED
    tell(result_of(VerificationKind.DISK, point, began, outcome, reason, evidence))
    emit_json(report) if as_json else click.echo(render_live(report, printable))
    if report.counts:
        raise click.exceptions.Exit(SUSPICIOUS if suspicious else CHANGED)


@command.command(
    "catalog",
    short_help="An archive against the catalog.",
    epilog="Exit status: 0 they agree; 1 they differ, or an error; 130 cancelled.",
)
@click.argument("archive")
@json_option
def verify_catalog(archive: str, as_json: bool) -> None:
    """Compare what an archive holds with what the catalog says of it: every path, type, size, time, owner and mode.

    Missing is what the catalog does not have, extra what the archive does not have. `fleetkeep catalog rebuild` puts
    the catalog right; verify again after it.
    """
    point = named_point(archive=archive)
    with cancelled_by_signals() as cancellation, record() as catalog:
        if catalog is None:
            raise UnknownArchive(archive=archive)
        result = verify_with_catalog(catalog, point, cancellation)
    items = result.evidence.get("items", 0)
    _finish([result], as_json, f"{items:,} items of {point.archive.name}, and the catalog has the same")


@command.command(
    "spot",
    short_help="Live files against the archive's content.",
    epilog="Exit status: 0 all are the same; 1 some differ, or an error; 130 cancelled.",
)
@click.argument("job")
@click.option("--files", metavar="NUMBER", type=click.IntRange(1, 10_000), default=100, show_default=True)
@click.option("--seed", metavar="WORD", default="", help="Choose the same files as a check with this seed.")
@json_option
def verify_spot(job: str, files: int, seed: str, as_json: bool) -> None:
    """Read some live files of a job that have the size and time of its newest archive, and compare their content.

    Nothing is restored. A difference means that content went bad on the disk or in the repository, and nobody noticed.
    """
    from fleetkeep.agent.live import spot_check
    from fleetkeep.agent.state import load_job
    from fleetkeep.plan.live import named_spot
    from fleetkeep.plan.sample import SampleRule

    results = []
    for name in load_job(paths(), job).repositories:
        point = named_point(job=job, repository=name)
        began, chosen = SystemClock().now(), seed or new_id()
        with cancelled_by_signals() as cancellation:
            found = spot_check(live_place(point, cancellation), chosen, SampleRule(files=files))
        reason = named_spot(found.differing) if found.differing else ""
        if not found.compared and not reason:
            reason = "No live file has the size and time of the archive, so nothing is proven."
        evidence: dict[str, EvidenceValue] = {
            "population": found.population,
            "compared": found.compared,
            "compared_bytes": found.compared_bytes,
            "seed": printable(chosen),
            "differing": found.differing[:NAMES_KEPT],
            "unreadable": found.unreadable[:NAMES_KEPT],
        }
        outcome = Outcome.FAILED if reason else Outcome.SUCCEEDED
        results.append(result_of(VerificationKind.SPOT, point, began, outcome, reason, evidence))
    counts = ", ".join(
        f"{one.count('compared'):,} of {one.count('population'):,} in {one.repository}" for one in results
    )
    _finish(results, as_json, f"unchanged live files are the same as in the archive: {counts}")


@command.command("list", short_help="What checks and verifications found.")
@click.option("--repository", metavar="NAME", help="Only of this repository.")
@click.option("--archive", metavar="NAME", help="Only of this archive.")
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    type=click.Choice([kind.value for kind in VerificationKind]),
    help="Only of this kind; may be given several times.",
)
@click.option(
    "--limit", metavar="NUMBER", type=click.IntRange(1, 100_000), default=50, show_default=True, help="At most so many."
)
@json_option
def verify_list(repository: str | None, archive: str | None, kinds: Sequence[str], limit: int, as_json: bool) -> None:
    """List what checks and verifications found, the newest first, with what was wrong."""
    from fleetkeep.director.verifications import list_verifications

    archive_id = named_point(archive=archive, repository=repository).archive.id if archive else None
    wanted = [VerificationKind(kind) for kind in kinds]
    with record() as catalog:
        found = (
            list_verifications(catalog, repository=repository, archive_id=archive_id, kinds=wanted, limit=limit)
            if catalog
            else []
        )
    if as_json:
        emit_json([one.model_dump(mode="json") for one in found])
    elif found:
        print_table(("WHEN", "WHAT", "REPOSITORY", "RESULT", "ARCHIVE", "FOUND"), map(_row, found))
    else:
        click.echo("Nothing was verified yet; `fleetkeep check` begins.")


def _row(one: Verification) -> tuple[object, ...]:
    kind = one.kind.value if one.is_complete else f"{one.kind.value} (part)"
    return render_moment(one.finished_at), kind, one.repository, colored(one.outcome), one.archive_name, one.reason


def _point(what: str) -> tuple[Point, Job | None]:
    """The archive, or the newest of a job, with the job where this host has it. Raises as ``named_point``."""
    from fleetkeep.agent.state import load_job, load_jobs

    if what in load_jobs(paths()):
        return named_point(job=what), load_job(paths(), what)
    point = named_point(archive=what)
    try:
        return point, load_job(paths(), point.job)
    except UnknownJob:
        return point, None


def _with_entries(
    place: LivePlace, compare: Callable[[LivePlace, Iterable[FileEntry]], LiveReport], *, from_archive: bool
) -> LiveReport:
    """A comparison with what the catalog says of the archive, or with the archive where the catalog does not know."""
    from fleetkeep.agent.live import entries_of
    from fleetkeep.director.files import point_entries

    if not from_archive:
        with record() as catalog:
            try:
                if catalog is not None:
                    return compare(place, point_entries(catalog, place.point))
            except ArchiveNotIndexed:
                click.echo("The catalog does not know the files of the archive yet; it is read itself.", err=True)
    return compare(place, entries_of(place.items()))


def _suspicious(report: LiveReport) -> tuple[str, ...]:
    from fleetkeep.plan.live import LiveKind

    paths_found = [finding.path for finding in report.findings if finding.kind is LiveKind.SUSPICIOUS]
    return tuple(paths_found[:NAMES_KEPT])


def _finish(results: Sequence[Verification], as_json: bool, good: str) -> None:
    """Record results and show them; the status is 1 when one failed."""
    for result in results:
        tell(result)
    failed = [result for result in results if result.outcome is Outcome.FAILED]
    if as_json:
        emit_json([result.model_dump(mode="json") for result in results])
    else:
        for result in failed:
            click.echo(printable(f"{result.repository}: NOT proven: {result.reason}"))
            for word, path in _named(result):
                click.echo(f"  {word}/{printable(path)}")
        if not failed:
            click.echo(printable(f"proven: {good}"))
    if failed:
        raise click.exceptions.Exit(1)


def _named(result: Verification) -> Iterator[tuple[str, str]]:
    """The paths that a result is about, each with what is wrong with it where that is not always the same."""
    for word in ("missing", "extra", "differing"):
        for path in result.words(f"{word}_paths"):
            yield f"{word:<9} ", path
    for path in result.words("differing"):
        yield "", path


__all__ = ["command"]
