# SPDX-License-Identifier: GPL-3.0-or-later
"""One repository's part of a run, as its steps see it: who it is, how to ask Borg, what was noted so far."""

from __future__ import annotations

import contextlib
import dataclasses
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from fleetkeep.borg.access import BorgAccess
from fleetkeep.borg.answers import ArchiveAnswer, ArchiveName, parse_archive, parse_listing
from fleetkeep.borg.command import info_arguments, list_arguments
from fleetkeep.borg.events import ArchiveProgress, Event, LogMessage, ProgressPercent
from fleetkeep.borg.failures import failure_of
from fleetkeep.borg.process import BorgResult, Cancellation, run_borg
from fleetkeep.borg.program import BorgProgram
from fleetkeep.clock import UTC, Clock
from fleetkeep.errors import BorgFailed, FleetkeepError, StorageFull
from fleetkeep.model import IndexOrder, Job, Outcome, Repository, Stage, StageName
from fleetkeep.plan.file_warnings import FileWarnings
from fleetkeep.plan.outcome import Size

from .index import question_of
from .ledger import Ledger
from .look import Look, look_inside
from .paths import Paths
from .run_events import Emitter

#: The most that listing and describing may take once the repository is not locked.
QUESTION_SECONDS = 600

#: With less free than this, a disk that is said to be full is full.
FULL_BELOW_BYTES = 1024 * 1024

#: A listing after a cancellation, to know whether the archive was finished in time.
LAST_LOOK_SECONDS = 1.5


@dataclass(frozen=True)
class RunContext:
    """What every repository of a run needs."""

    job: Job
    client: str
    run_id: str
    started_at: datetime
    source_paths: Sequence[str]
    paths: Paths
    program: BorgProgram
    ledger: Ledger
    emitter: Emitter
    clock: Clock
    cancellation: Cancellation
    lock_wait_seconds: int
    accept_changes: bool
    """Whether a smaller size is right from now on."""

    sizes_before: dict[str, Size]
    """The last good archive by repository; empty when it is not comparable."""

    own_folders: Sequence[str] = ()
    """Folders of Fleetkeep itself that lie inside a source and are never backed up."""

    @property
    def archive_name(self) -> str:
        """The name of the archive in every repository of the run."""
        return f"{self.archive_prefix}{self.started_at.astimezone(UTC):%Y%m%dT%H%M%SZ}-{self.run_id}"

    @property
    def archive_prefix(self) -> str:
        """What the names of all archives of this job on this client begin with."""
        return f"{plain_name(self.client)}-{self.job.name}-"


def plain_name(client: str) -> str:
    """A client's name with every letter replaced that Borg might read as something else.

    >>> plain_name("web1.example.net/x {now}")
    'web1.example.net_x__now_'
    """
    return "".join(letter if letter.isascii() and (letter.isalnum() or letter in "._-") else "_" for letter in client)


@dataclass
class RepositorySession:
    """The state that the steps of one repository share."""

    context: RunContext
    repository: Repository
    repository_id: str
    access: BorgAccess
    stages: list[Stage] = field(default_factory=list)
    warnings: FileWarnings = field(default_factory=FileWarnings)
    has_begun: bool = False
    """Whether Borg ever reported progress, so that there may be an archive."""

    def run_stage(self, name: StageName, arguments: list[str]) -> BorgResult:
        """Run one borg process as a stage of the run, which a cancellation ends."""
        began = self.context.clock.monotonic()
        self.emit("stage_started", stage=name.value)
        try:
            result = run_borg(self.access, arguments, on_event=self._listen, cancellation=self.context.cancellation)
        except OSError as error:
            raise self._cannot_start(arguments[0], error) from None
        reason = "" if result.is_success else str(self.failure(result, arguments[0]))
        self.end_stage(name, began, outcome_of(result), reason, result.exit_code)
        return result

    def end_stage(
        self, name: StageName, began: float, outcome: Outcome, reason: str = "", exit_code: int | None = None
    ) -> None:
        """Note that a stage is over; ``began`` is the monotonic time of its start."""
        duration_seconds = round(self.context.clock.monotonic() - began, 3)
        stage = Stage(name=name, outcome=outcome, reason=reason, exit_code=exit_code, duration_seconds=duration_seconds)
        self.stages.append(stage)
        self.emit("stage_finished", stage=stage.name.value, **stage.model_dump(mode="json", exclude={"name"}))

    def skip_stage(self, name: StageName, reason: str) -> None:
        """Note that a stage is left out, and why."""
        self.end_stage(name, self.context.clock.monotonic(), Outcome.SKIPPED, reason)

    def list_archives(self) -> tuple[BorgResult, tuple[ArchiveName, ...] | None]:
        """Every archive that the repository lists, with checkpoints; ``None`` when it cannot be listed.

        It ends by itself, also after a cancellation: an archive that was finished is worth a last look.
        """
        wait = self.context.lock_wait_seconds
        patience = LAST_LOOK_SECONDS if self.context.cancellation.is_cancelled else wait + QUESTION_SECONDS
        arguments = list_arguments(self.access.location, checkpoints=True, lock_wait_seconds=wait)
        result = run_borg(self.access, arguments, deadline_seconds=patience)
        return result, parse_listing(result.stdout) if result.is_success else None

    def look(self, order: IndexOrder | None) -> Look | None:
        """One look at the archives and into those that the order is for; ``None`` where only a listing can be had."""
        if order is None or self.context.cancellation.is_cancelled:
            return None
        context, paths = self.context, self.context.paths
        question = question_of(
            order,
            paths,
            context.job,
            self.repository.name,
            name=context.archive_name,
            prefix=context.archive_prefix,
        )
        try:
            look = look_inside(
                self.access,
                question,
                paths.index,
                cancellation=context.cancellation,
                lock_wait_seconds=context.lock_wait_seconds,
            )
        except OSError as error:
            self.emit("message", level="WARNING", message=f"No listing fits on this host: {error}", message_id="Index")
            return None
        if look is not None and look.listed is None:
            look.close()
            return None
        return look

    def describe_archive(self) -> ArchiveAnswer | None:
        """What the run's archive holds, when ``borg create`` could not say it any more."""
        arguments = info_arguments(
            self.access.location, self.context.archive_name, lock_wait_seconds=self.context.lock_wait_seconds
        )
        return parse_archive(run_borg(self.access, arguments, deadline_seconds=QUESTION_SECONDS).stdout)

    def failure(self, result: BorgResult, command: str) -> FleetkeepError:
        """What a failed process means; where no space is left, it is said which disk is full."""
        error = failure_of(result, command, self.repository.name, self.repository.location)
        full = self._own_folder_that_is_full() if isinstance(error, StorageFull) else None
        if full is None:
            return error
        return StorageFull(what=f"Borg's memory of repository {self.repository.name}", location=full)

    def _own_folder_that_is_full(self) -> Path | None:
        """The folder in which Borg remembers things on this host, if that is full and not where the repository is."""
        place = Path(self.repository.location)
        for folder in (self.context.paths.borg_base, self.context.paths.borg_cache):
            with contextlib.suppress(OSError):
                beside = self.repository.is_local and place.stat().st_dev == folder.stat().st_dev
                if not beside and shutil.disk_usage(folder).free < FULL_BELOW_BYTES:
                    return folder
        return None

    def emit(self, event: str, **data: object) -> None:
        """Say that something happened in this repository."""
        self.context.emitter.emit(event, self.repository.name, **data)

    def _listen(self, event: Event) -> None:
        """Hand Borg's words on to whoever listens to the run."""
        warning = self.warnings.take(event)
        if warning is not None:
            self.emit("file_warning", **warning.model_dump())
        elif isinstance(event, ArchiveProgress):
            self.has_begun = True
            if not event.finished:
                self.emit("progress", **dataclasses.asdict(event))
        elif isinstance(event, ProgressPercent):
            self.emit("percent", current=event.current, total=event.total, finished=event.finished)
        elif isinstance(event, LogMessage):
            self.emit("message", level=event.level, message=event.message, message_id=event.message_id)

    def _cannot_start(self, command: str, error: OSError) -> FleetkeepError:
        return BorgFailed(
            command=command,
            repository=self.repository.name,
            exit_code="none",
            reason=f"{self.access.program} cannot be started ({error.strerror}).",
        )


def outcome_of(result: BorgResult) -> Outcome:
    """How a borg process ended, taken for itself."""
    if result.cancelled:
        return Outcome.CANCELLED
    if not result.is_success:
        return Outcome.FAILED
    return Outcome.WARNING if result.exit_code else Outcome.SUCCEEDED


__all__ = ["RepositorySession", "RunContext", "outcome_of", "plain_name"]
