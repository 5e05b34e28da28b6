# SPDX-License-Identifier: GPL-3.0-or-later
"""A host to which a state was applied, for tests that need its repository, its record and its verbs together."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime, timezone
from pathlib import Path

from empty_catalog import put_empty_catalog
from made_repository import put_repository

from fleetkeep.agent.access import repository_access
from fleetkeep.agent.files import write_file
from fleetkeep.agent.ledger import Ledger
from fleetkeep.agent.paths import Paths
from fleetkeep.agent.repositories import create_repository
from fleetkeep.agent.runner import run_job
from fleetkeep.borg.access import BorgAccess
from fleetkeep.borg.command import create_arguments
from fleetkeep.borg.process import run_borg
from fleetkeep.borg.program import BorgProgram
from fleetkeep.catalog.database import open_catalog
from fleetkeep.clock import SystemClock
from fleetkeep.director.embedded import EmbeddedDirector
from fleetkeep.director.late import LateDirector
from fleetkeep.link import ArchiveReceived, Message, StateApplied
from fleetkeep.model import (
    ArchiveFacts,
    DesiredState,
    Job,
    Outcome,
    Owned,
    OwnedRepository,
    Repository,
    Retention,
    Run,
    SourcePath,
    Sources,
    Trigger,
)

SECRET = "correct-horse-battery-staple"
CLOCK = SystemClock()


class ManagedHost:
    """One job ``system``, one repository ``local``, everything below a folder."""

    def __init__(
        self, folder: Path, program: BorgProgram, sources: Sequence[Path], client: str = "web1", location: str = ""
    ) -> None:
        self.paths = Paths(folder / "host")
        self.client = client
        self.repository = Repository(name="local", location=location or str(folder / "repository"))
        write_file(self.paths.passphrase("local"), SECRET + "\n")
        self.access: BorgAccess = repository_access(self.paths, self.repository, program)
        if self.repository.is_local:
            identity = put_repository(self.repository, program.path, SECRET)
        else:
            identity = create_repository(self.repository, self.access)
        put_empty_catalog(self.paths.catalog)
        self.job = Job(
            name="system",
            sources=Sources(paths=tuple(SourcePath(path=str(source)) for source in sources)),
            repositories=("local",),
            retention=Retention(daily=7),
            compression="lz4",
        )
        state = DesiredState(client=client, repositories={"local": self.repository}, jobs={"system": self.job})
        write_file(self.paths.desired, state.model_dump_json())
        write_file(self.paths.job("system"), self.job.model_dump_json())
        write_file(self.paths.repository("local"), self.repository.model_dump_json())
        known = OwnedRepository(name="local", id=identity, location=self.repository.location, known_since=CLOCK.now())
        write_file(self.paths.owned, Owned(repositories={"local": known}).model_dump_json())
        self.tell(StateApplied(at=CLOCK.now(), state=state))

    def tell(self, message: Message) -> None:
        """Record something, as a run does."""
        with closing(open_catalog(self.paths.catalog)) as catalog:
            director = EmbeddedDirector(catalog, CLOCK)
            with closing(Ledger(self.paths.spool, director, self.client, CLOCK)) as ledger:
                ledger.tell(message)
                assert ledger.problem == ""
                assert ledger.is_told()

    def back_up(self, name: str, *folders: Path, at: datetime | None = None) -> ArchiveFacts:
        """Make an archive and record it, as a run does."""
        arguments = create_arguments(self.access.location, name, [str(path) for path in folders], compression="lz4")
        made = run_borg(self.access, arguments)
        assert made.is_success, made
        content = json.loads(made.stdout)
        statistics = content["archive"]["stats"]
        when = at or datetime.now(timezone.utc)
        facts = ArchiveFacts(
            id=content["archive"]["id"],
            name=name,
            repository="local",
            repository_id=content["repository"]["id"],
            started_at=when,
            finished_at=when,
            files=statistics["nfiles"],
            original_bytes=statistics["original_size"],
            compressed_bytes=statistics["compressed_size"],
            deduplicated_bytes=statistics["deduplicated_size"],
        )
        self.tell(ArchiveReceived(job="system", run_id=name, outcome=Outcome.SUCCEEDED, archive=facts))
        return facts

    def run(self) -> Run:
        """Run the job, with all that belongs to it: the record, and the files in the catalog."""
        done = run_job(
            self.job,
            paths=self.paths,
            director=LateDirector(self.paths.catalog, CLOCK, 5.0),
            clock=CLOCK,
            trigger=Trigger.HAND,
        )
        assert done.outcome.is_good, done
        return done
