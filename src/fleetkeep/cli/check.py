# SPDX-License-Identifier: GPL-3.0-or-later
"""``fleetkeep check``: whether a repository and what it holds are sound."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import click

from fleetkeep.clock import SystemClock
from fleetkeep.errors import DamageFound, FleetkeepError
from fleetkeep.model import Outcome, Verification, VerificationKind
from fleetkeep.model.base import parse_duration

from ._bar import step_bar
from ._common import embedded_director, emit_json, json_option, paths, printable
from ._points import access_to
from ._record import record
from ._signals import cancelled_by_signals
from .main import print_error

if TYPE_CHECKING:
    from fleetkeep.agent.check import CheckPlace
    from fleetkeep.borg.process import Cancellation
    from fleetkeep.model import Point

#: One step of a check, of which only the place is still open.
Step = Callable[["CheckPlace"], Verification]

#: A shorter budget would be spent before Borg has opened the repository.
SHORTEST_BUDGET = timedelta(seconds=1)


def read_duration(context: click.Context, parameter: click.Parameter, value: str | None) -> timedelta | None:
    """A length of time from ``30m``. Raises ``click.BadParameter``."""
    if value is None:
        return None
    try:
        duration = parse_duration(value)
    except ValueError as error:
        raise click.BadParameter(f"{value} is no duration; {error}.") from None
    if duration < SHORTEST_BUDGET:
        raise click.BadParameter("a check needs at least 1s; write it as 30m.")
    return duration


@click.command(
    short_help="Check repositories and archives, a part at a time.",
    epilog="Exit status: 0 what was checked is sound; 1 damage, or an error; 130 cancelled.",
)
@click.argument("repository", required=False)
@click.option("--archives", is_flag=True, help="Also the metadata of each archive, and that all its content is there.")
@click.option("--data", is_flag=True, help="Also the content of each archive: read, decrypt and verify all of it.")
@click.option("--all", "everything", is_flag=True, help="The same as --archives --data.")
@click.option(
    "--max-duration",
    "budget",
    metavar="DURATION",
    callback=read_duration,
    help="Stop after so long, such as 30m, and go on there with the next call.",
)
@json_option
def command(
    repository: str | None, archives: bool, data: bool, everything: bool, budget: timedelta | None, as_json: bool
) -> None:
    """Check the segments of a repository, or of all repositories of this host, and with options what they hold.

    What was never checked comes first, then what was checked longest ago. Each result is recorded at once, so that a
    call goes on where the last one ended. Nothing is ever repaired. A run that comes due waits until the step at hand
    is over.
    """
    from fleetkeep.agent.state import load_desired, load_repository

    names = [repository] if repository else list(load_desired(paths()).repositories)
    kinds = [VerificationKind.REPOSITORY]
    kinds += [VerificationKind.ARCHIVE] if archives or everything else []
    kinds += [VerificationKind.DATA] if data or everything else []
    found: list[Verification] = []
    failed = False
    with cancelled_by_signals() as cancellation:
        for name in names:
            load_repository(paths(), name)
            share = _share(budget, names.index(name), len(names))
            try:
                work = _Check(name, kinds, share, cancellation, as_json)
                found += work.run()
            except FleetkeepError as error:
                if cancellation.is_cancelled:
                    raise
                print_error(error)
                failed = True
    if as_json:
        emit_json([one.model_dump(mode="json") for one in found])
    for name in names:
        failed |= _report_damage(name, found, names)
    if failed:
        raise click.exceptions.Exit(1)


def _share(budget: timedelta | None, place: int, count: int) -> int:
    """The seconds of one repository; 0 without a budget."""
    return max(1, int(budget.total_seconds()) // count) if budget else 0


def _report_damage(name: str, found: Sequence[Verification], names: Sequence[str]) -> bool:
    """Say what is damaged in a repository and what to do; whether anything is."""
    from fleetkeep.agent.state import load_desired

    wrong = [one for one in found if one.repository == name and one.outcome is Outcome.FAILED]
    if not wrong:
        return False
    others = [other for other in load_desired(paths()).repositories if other != name]
    elsewhere = f"repository {', '.join(others)}" if others else "another copy if there is one"
    print_error(DamageFound(repository=name, reason=wrong[0].reason, elsewhere=elsewhere))
    return True


class _Check:
    """The check of one repository."""

    def __init__(
        self,
        repository: str,
        kinds: Sequence[VerificationKind],
        budget_seconds: int,
        cancellation: Cancellation,
        as_json: bool,
    ) -> None:
        self._repository = repository
        self._kinds = kinds
        self._budget_seconds = budget_seconds
        self._cancellation = cancellation
        self._as_json = as_json
        self._clock = SystemClock()
        self._client = ""
        self._points: list[Point] = []
        self._past: list[Verification] = []

    def run(self) -> Iterator[Verification]:
        """Check, record each result at once and say it. Raises what keeps a check from being made, and Cancelled."""
        from fleetkeep.agent.ledger import Ledger
        from fleetkeep.agent.state import load_desired
        from fleetkeep.link import VerificationFinished
        from fleetkeep.plan.check import render_check

        self._client = load_desired(paths()).client
        self._look_up()
        with closing(Ledger(paths().spool, embedded_director(), self._client, self._clock)) as ledger:
            for check in self._steps():
                ledger.tell(VerificationFinished(verification=check))
                if ledger.problem:
                    click.echo(f"The check is not recorded yet: {ledger.problem}", err=True)
                if not self._as_json:
                    click.echo(printable(render_check(check)))
                yield check

    def _look_up(self) -> list[Point]:
        """The archives that the repository should have."""
        from fleetkeep.director.history import list_archives
        from fleetkeep.director.verifications import open_rounds

        with record() as catalog:
            if catalog is not None:
                self._points = list_archives(catalog, client=self._client, repository=self._repository, limit=None)
                self._past = open_rounds(catalog, self._client, self._repository)
        return self._points

    def _is_there(self, archive_id: str) -> bool:
        """Whether no run has deleted the archive meanwhile."""
        return any(point.archive.id == archive_id for point in self._look_up())

    def _steps(self) -> Iterator[Verification]:
        from fleetkeep.agent.check import check_archive, check_repository
        from fleetkeep.agent.read import check_data

        ends_at = self._clock.monotonic() + self._budget_seconds
        for place, kind in enumerate(self._kinds):
            left = ends_at - self._clock.monotonic()
            budget = max(1, int(left / (len(self._kinds) - place))) if self._budget_seconds else 0
            if kind is VerificationKind.REPOSITORY:
                yield self._step(
                    partial(check_repository, points=self._look_up, past=self._past, budget_seconds=budget)
                )
            elif kind is VerificationKind.ARCHIVE:
                yield from self._archives(kind, budget, lambda point, left: partial(check_archive, point=point))
            else:
                yield from self._archives(
                    kind,
                    budget,
                    lambda point, left: partial(check_data, point=point, past=self._past, budget_seconds=left),
                )

    def _archives(
        self, kind: VerificationKind, budget_seconds: int, check: Callable[[Point, int], Step]
    ) -> Iterator[Verification]:
        """One archive after the other until the budget is used; one at least, so that every call brings it on."""
        from fleetkeep.plan.check import order_archives

        ends_at = self._clock.monotonic() + budget_seconds
        left = budget_seconds
        for point in order_archives(self._points, self._past, kind):
            result = self._step(check(point, left))
            if result.outcome is not Outcome.FAILED or self._is_there(point.archive.id):
                yield result
            left = int(ends_at - self._clock.monotonic()) if budget_seconds else 0
            if budget_seconds and left < 1:
                return

    def _step(self, check: Step) -> Verification:
        with step_bar(f"Checking {self._repository}", silent=self._as_json) as bar:
            return check(self._place(bar))

    def _place(self, on_progress: Callable[[int, int], None]) -> CheckPlace:
        from fleetkeep.agent.check import CheckPlace
        from fleetkeep.agent.state import load_repository, repository_id
        from fleetkeep.errors import RepositoryUnknown

        repository = load_repository(paths(), self._repository)
        known = repository_id(paths(), self._repository)
        if known is None:
            raise RepositoryUnknown(repository=self._repository, location=repository.location)

        def say_waiting(holder: str) -> None:
            click.echo(f"{self._repository}: waiting for process {holder}, which uses the repository", err=True)

        return CheckPlace(
            client=self._client,
            repository=repository,
            repository_id=known,
            access=access_to(self._repository),
            lock=paths().repository_lock(self._repository),
            scratch=paths().scratch,
            clock=self._clock,
            cancellation=self._cancellation,
            on_progress=on_progress,
            on_wait=say_waiting,
        )


__all__ = ["command", "read_duration"]
