# SPDX-License-Identifier: GPL-3.0-or-later
"""A host below a private prefix, as an apply leaves it, with real repositories and a Director that remembers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from made_repository import put_repository

from fleetkeep.agent.access import repository_access
from fleetkeep.agent.files import write_file
from fleetkeep.agent.paths import Paths
from fleetkeep.agent.repositories import create_repository
from fleetkeep.agent.run_events import RunEvent
from fleetkeep.agent.runner import run_job
from fleetkeep.borg.answers import ArchiveName, parse_listing
from fleetkeep.borg.command import list_arguments
from fleetkeep.borg.process import Cancellation, run_borg
from fleetkeep.borg.program import BorgProgram
from fleetkeep.clock import SystemClock
from fleetkeep.link import Envelope
from fleetkeep.model import (
    Deletion,
    DeletionPlan,
    DeletionRequest,
    DesiredState,
    Encryption,
    IndexOrder,
    IndexRequest,
    Job,
    ListedArchive,
    Owned,
    OwnedRepository,
    PassphraseKind,
    Repository,
    Run,
    Trigger,
)

SECRET = "canary-9f2d-passphrase"


class RememberingDirector:
    """Takes messages as a Director does, and lets go what a test says."""

    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []
        self.requests: list[DeletionRequest] = []
        self.choose: Callable[[DeletionRequest], Sequence[ListedArchive]] = lambda request: ()
        self.order: Callable[[IndexRequest], IndexOrder] = lambda request: IndexOrder()
        self.failure: Exception | None = None

    def deliver(self, envelopes: Sequence[Envelope]) -> int:
        if self.failure:
            raise self.failure
        known = {envelope.token for envelope in self.envelopes}
        self.envelopes += [envelope for envelope in envelopes if envelope.token not in known]
        return envelopes[-1].sequence

    def deletion_plan(self, request: DeletionRequest) -> DeletionPlan:
        self.requests.append(request)
        if self.failure:
            raise self.failure
        return DeletionPlan(
            delete=tuple(Deletion(archive=archive, reason="a test says so") for archive in self.choose(request))
        )

    def index_order(self, request: IndexRequest) -> IndexOrder:
        if self.failure:
            raise self.failure
        return self.order(request)

    @property
    def kinds(self) -> list[str]:
        """The kinds of all messages in their order."""
        return [envelope.message.kind for envelope in self.envelopes]


class Host:
    """One client, its repositories and its jobs."""

    def __init__(self, folder: Path, program: BorgProgram) -> None:
        self.paths = Paths(folder / "host")
        self.program = program
        self.director = RememberingDirector()
        self.events: list[RunEvent] = []
        self.cancellation = Cancellation()
        self._folder = folder
        self._owned: dict[str, OwnedRepository] = {}
        self._repositories: dict[str, Repository] = {}

    def add_repository(
        self,
        name: str,
        *,
        location: str = "",
        secret: str = SECRET,
        encrypted: bool = True,
        append_only: bool = False,
    ) -> Repository:
        """Create a repository and record it as an apply does."""
        repository = Repository(
            name=name,
            location=location or str(self._folder / "storage" / name),
            encryption=Encryption.REPOKEY_BLAKE2 if encrypted else Encryption.NONE,
            passphrase=PassphraseKind.GIVEN if encrypted else PassphraseKind.NONE,
            append_only=append_only,
        )
        if encrypted:
            write_file(self.paths.passphrase(name), secret + "\n")
        if repository.is_local:
            found = put_repository(repository, self.program.path, secret if encrypted else None)
        else:
            found = create_repository(repository, repository_access(self.paths, repository, self.program))
        self._repositories[name] = repository
        self._owned[name] = OwnedRepository(
            name=name, id=found, location=repository.location, known_since=SystemClock().now()
        )
        self.write()
        return repository

    def know(self, repository: Repository) -> None:
        """Record a repository that exists, under a name of its own, as an apply does that adopts it."""
        known = next(owned for owned in self._owned.values() if owned.location == repository.location)
        self._repositories[repository.name] = repository
        self._owned[repository.name] = known.model_copy(update={"name": repository.name})
        self.write()

    def write(self) -> None:
        """Write what an apply writes."""
        desired = DesiredState(client="web1", repositories=self._repositories)
        write_file(self.paths.desired, desired.model_dump_json(), 0o644)
        write_file(self.paths.owned, Owned(repositories=self._owned).model_dump_json())
        for repository in self._repositories.values():
            write_file(self.paths.repository(repository.name), repository.model_dump_json(), 0o644)

    def job(self, *sources: Path | dict[str, Any], **changes: Any) -> Job:
        """A job of this host."""
        paths = [str(source) if isinstance(source, Path) else source for source in sources]
        content = {
            "name": "documents",
            "sources": {"paths": paths},
            "repositories": list(self._repositories),
            "retention": {"daily": 7},
            "compression": "lz4",
        }
        return Job.model_validate({**content, **changes})

    def run(self, job: Job, *, trigger: Trigger = Trigger.HAND, **options: Any) -> Run:
        """Run a job; its events are in ``events``."""
        self.events.clear()
        return run_job(
            job,
            paths=self.paths,
            director=self.director,
            clock=SystemClock(),
            trigger=trigger,
            progress=self.listen,
            cancellation=self.cancellation,
            lock_wait_seconds=1,
            **options,
        )

    def listen(self, event: RunEvent) -> None:
        self.events.append(event)

    def archives(self, name: str) -> list[ArchiveName]:
        """What a repository lists, with checkpoints."""
        access = repository_access(self.paths, self._repositories[name], self.program)
        result = run_borg(access, list_arguments(access.location, checkpoints=True))
        listed = parse_listing(result.stdout)
        assert listed is not None, result
        return list(listed)

    def locks(self) -> list[Path]:
        """Every lock of Borg in storage and cache."""
        return [*self._folder.glob("storage/*/lock.*"), *self.paths.borg_cache.glob("*/lock.*")]


@pytest.fixture
def host(tmp_path: Path, borg_program: BorgProgram) -> Host:
    """A host without a repository."""
    return Host(tmp_path, borg_program)
