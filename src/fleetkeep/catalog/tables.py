# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of the catalog, for one client or for thousands.

What they promise:

- Everything belongs to a client by key, never by a name that a client says of itself; what two clients say never meets.
- ``archive.number`` rises in the order of recording: it, and no clock, says which archive is newer.
- What was made is never unmade: a deleted archive keeps its row and its sizes, a run its outcome, a promise its answer.
- Moments are whole microseconds in UTC (``types.Moment``).

A change here needs a migration; a test compares both.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
)

from fleetkeep.model import (
    DrillKind,
    Outcome,
    PromiseState,
    ReceiptKind,
    StageName,
    Trigger,
    VerificationKind,
)

from .file_tables import (
    FILE_SEARCH,
    FILE_SEARCH_TERM,
    file_above,
    file_attribute,
    file_folder,
    file_point,
    file_search_document,
    file_seen,
    file_tree,
    file_version,
)
from .metadata import metadata, reference
from .types import Key, Moment, Word

#: A host that was heard of.
client = Table(
    "client",
    metadata,
    Column("number", Key, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("first_heard_at", Moment, nullable=False),
    Column("last_heard_at", Moment, nullable=False),
    sqlite_autoincrement=True,
)

#: A job of a client, declared now or once.
job = Table(
    "job",
    metadata,
    Column("number", Key, primary_key=True),
    Column("client", reference("client"), nullable=False),
    Column("name", Text, nullable=False),
    Column("declaration", Text, doc="The resolved job in force, as JSON; none when it is declared no longer."),
    Column("declared_since", Moment, doc="When the client was last brought from not having it to having it."),
    Column("promised_until", Moment, doc="Up to here every expected run has its row in promise."),
    UniqueConstraint("client", "name"),
    sqlite_autoincrement=True,
)

#: A repository as one client names it; a shared one stands here once for each client.
repository = Table(
    "repository",
    metadata,
    Column("number", Key, primary_key=True),
    Column("client", reference("client"), nullable=False),
    Column("name", Text, nullable=False),
    Column("borg_id", Text, doc="Borg's id of what is there now, once it is known."),
    Column("declaration", Text, doc="The repository in force, as JSON; none when it is declared no longer."),
    UniqueConstraint("client", "name"),
    Index(None, "borg_id"),
    sqlite_autoincrement=True,
)

#: Every state that a client was brought to, in the order of recording.
applied_state = Table(
    "applied_state",
    metadata,
    Column("number", Key, primary_key=True),
    Column("client", reference("client"), nullable=False),
    Column("digest", Text, nullable=False),
    Column("applied_at", Moment, nullable=False, doc="By the client's clock, never later than received."),
    Column("received_at", Moment, nullable=False),
    Column("state", Text, nullable=False, doc="The desired state as JSON; it holds no secret."),
    Index(None, "client", "number"),
    sqlite_autoincrement=True,
)

#: One execution of a job.
run = Table(
    "run",
    metadata,
    Column("number", Key, primary_key=True),
    Column("client", reference("client"), nullable=False),
    Column("job", reference("job"), nullable=False),
    Column("id", Text, nullable=False),
    Column("trigger", Word(Trigger), nullable=False),
    Column("outcome", Word(Outcome), nullable=False),
    Column("reason", Text, nullable=False),
    Column("due_at", Moment),
    Column("started_at", Moment, nullable=False),
    Column("finished_at", Moment),
    UniqueConstraint("client", "id"),
    Index(None, "job", "started_at"),
    Index(None, "started_at"),
    Index(None, "id"),
    sqlite_autoincrement=True,
)

#: What a run did in one repository.
run_repository = Table(
    "run_repository",
    metadata,
    Column("number", Key, primary_key=True),
    Column("run", reference("run", cascade=True), nullable=False),
    Column("position", Integer, nullable=False),
    Column("repository", reference("repository"), nullable=False),
    Column("outcome", Word(Outcome), nullable=False),
    Column("reason", Text, nullable=False),
    Column("archive", reference("archive")),
    Column("warning_count", Integer, nullable=False),
    Column("deleted", Text, nullable=False, doc="The names of the archives that retention deleted, as JSON."),
    UniqueConstraint("run", "position"),
    Index(None, "archive"),
    sqlite_autoincrement=True,
)

#: One step of a run, or of what it did in one repository.
stage = Table(
    "stage",
    metadata,
    Column("number", Key, primary_key=True),
    Column("run", reference("run", cascade=True), nullable=False),
    Column("run_repository", reference("run_repository", cascade=True), doc="None: a stage of the whole run."),
    Column("position", Integer, nullable=False),
    Column("name", Word(StageName), nullable=False),
    Column("outcome", Word(Outcome), nullable=False),
    Column("reason", Text, nullable=False),
    Column("exit_code", Integer),
    Column("duration_seconds", Float, nullable=False),
    Index(None, "run"),
    Index(None, "run_repository"),
    sqlite_autoincrement=True,
)

#: A file that Borg warned about.
warning = Table(
    "warning",
    metadata,
    Column("run_repository", reference("run_repository", cascade=True), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("path", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("code", Text, nullable=False),
)

#: An archive with its receipt; the sizes are those of its making.
archive = Table(
    "archive",
    metadata,
    Column("number", Key, primary_key=True, doc="Rises in the order of recording."),
    Column("client", reference("client"), nullable=False),
    Column("job", reference("job"), nullable=False),
    Column("repository", reference("repository"), nullable=False),
    Column("borg_repository_id", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("run_id", Text, nullable=False),
    Column("outcome", Word(Outcome), nullable=False),
    Column("started_at", Moment, nullable=False, doc="By the client's clock; nothing is decided by it."),
    Column("finished_at", Moment, nullable=False, doc="By the client's clock; nothing is decided by it."),
    Column("files", BigInteger, nullable=False),
    Column("original_bytes", BigInteger, nullable=False),
    Column("compressed_bytes", BigInteger, nullable=False),
    Column("deduplicated_bytes", BigInteger, nullable=False),
    Column("received_at", Moment, nullable=False, doc="By our clock: the receipt, from which retention counts."),
    Column("deleted_at", Moment),
    Column("proven_at", Moment),
    Column("receipt", Word(ReceiptKind), nullable=False, server_default=ReceiptKind.RECEIVED.value),
    UniqueConstraint("repository", "borg_repository_id", "id"),
    Index(None, "job", "received_at"),
    Index(None, "borg_repository_id", "id"),
    Index(None, "id"),
    Index(None, "name"),
    sqlite_autoincrement=True,
)

#: A run that is due; the row stands before it is due.
promise = Table(
    "promise",
    metadata,
    Column("number", Key, primary_key=True),
    Column("job", reference("job"), nullable=False),
    Column("due_at", Moment, nullable=False),
    Column("late_after", Moment, nullable=False, doc="A run that starts later answers it late."),
    Column("missed_after", Moment, nullable=False, doc="Without an answer until then it is missed."),
    Column("state", Word(PromiseState), nullable=False),
    Column("run_id", Text, doc="The run that answered it."),
    UniqueConstraint("job", "due_at"),
    Index(None, "state", "missed_after"),
    sqlite_autoincrement=True,
)

#: A restore that was done to prove an archive.
drill = Table(
    "drill",
    metadata,
    Column("number", Key, primary_key=True),
    Column("client", reference("client"), nullable=False),
    Column("job", reference("job"), nullable=False),
    Column("repository", reference("repository"), nullable=False),
    Column("id", Text, nullable=False),
    Column("archive_id", Text, nullable=False),
    Column("archive_name", Text, nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("finished_at", Moment, nullable=False),
    Column("outcome", Word(Outcome), nullable=False),
    Column("reason", Text, nullable=False),
    Column("sample_size", BigInteger, nullable=False),
    Column("population", BigInteger, nullable=False),
    Column("left_out", BigInteger, nullable=False),
    Column("sample_bytes", BigInteger, nullable=False),
    Column("seed", Text, nullable=False),
    Column(
        "assertions", Text, nullable=False, server_default="[]", doc="What was declared to hold, and what came of it."
    ),
    UniqueConstraint("client", "id"),
    Index(None, "job", "finished_at"),
    sqlite_autoincrement=True,
)

#: A file that a drill restored and compared.
drill_file = Table(
    "drill_file",
    metadata,
    Column("drill", reference("drill", cascade=True), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("path", Text, nullable=False),
    Column("compared_with", Word(DrillKind), nullable=False),
    Column("matches", Boolean(create_constraint=False), nullable=False),
    Column("sha256", Text, nullable=False),
)

#: A check or comparison: its result, with its evidence and its age.
verification = Table(
    "verification",
    metadata,
    Column("number", Key, primary_key=True),
    Column("client", reference("client"), nullable=False),
    Column("repository", reference("repository"), nullable=False),
    Column("archive", reference("archive"), doc="None: it is about the repository as a whole."),
    Column("id", Text, nullable=False),
    Column("kind", Word(VerificationKind), nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("finished_at", Moment, nullable=False),
    Column("outcome", Word(Outcome), nullable=False),
    Column("reason", Text, nullable=False),
    Column("is_complete", Boolean(create_constraint=False), nullable=False, doc="False: a part, and the next goes on."),
    Column("evidence", Text, nullable=False, doc="What was counted and found, as JSON."),
    UniqueConstraint("client", "id"),
    Index(None, "repository", "kind", "finished_at"),
    Index(None, "archive", "kind"),
    sqlite_autoincrement=True,
)

#: A recovery kit that was handed out. The kit itself, with its secrets, is never here.
kit = Table(
    "kit",
    metadata,
    Column("number", Key, primary_key=True),
    Column("client", reference("client"), nullable=False),
    Column("repository", reference("repository"), nullable=False),
    Column("borg_repository_id", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("made_at", Moment, nullable=False),
    Column("owner", Text, nullable=False, doc="The person who keeps it."),
    Column("place", Text, nullable=False, doc="Where it is kept."),
    Column("fingerprint", Text, nullable=False, doc="Tells whether key and passphrase are still those of the kit."),
    Column("retired_at", Moment, doc="Since when it opens the repository no longer."),
    Column("tested_at", Moment, doc="When it last opened the repository."),
    UniqueConstraint("client", "id"),
    Index(None, "repository", "made_at"),
    sqlite_autoincrement=True,
)

#: Restores that were done; the archive is no reference, because one may be restored that nobody received.
restoration = Table(
    "restoration",
    metadata,
    Column("number", Key, primary_key=True),
    Column("client", reference("client"), nullable=False),
    Column("repository", reference("repository"), nullable=False),
    Column("id", Text, nullable=False),
    Column("archive_id", Text, nullable=False),
    Column("archive_name", Text, nullable=False),
    Column("user", Text, nullable=False, doc="Who did it."),
    Column("started_at", Moment, nullable=False),
    Column("finished_at", Moment, nullable=False),
    Column("form", Text, nullable=False, doc="What it made."),
    Column("target", Text, nullable=False, doc="Where it wrote."),
    Column("asked", Text, nullable=False, doc="Paths and patterns, as JSON."),
    Column("outcome", Word(Outcome), nullable=False),
    Column("reason", Text, nullable=False),
    Column("files", BigInteger, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("report_sha256", Text, nullable=False),
    Column("stream_sha256", Text, nullable=False),
    UniqueConstraint("client", "id"),
    sqlite_autoincrement=True,
)

#: Every message that was taken, so that each is applied once.
received = Table(
    "received",
    metadata,
    Column("client", reference("client"), primary_key=True),
    Column("token", Text, primary_key=True),
    Column("sequence", BigInteger, nullable=False),
    Column("received_at", Moment, nullable=False),
    sqlite_with_rowid=False,
)

#: A message that could not be applied; it was acknowledged so that those after it are.
quarantine = Table(
    "quarantine",
    metadata,
    Column("number", Key, primary_key=True),
    Column("client", reference("client"), nullable=False),
    Column("token", Text, nullable=False),
    Column("received_at", Moment, nullable=False),
    Column("reason", Text, nullable=False),
    Column("envelope", Text, nullable=False, doc="The message as JSON."),
    UniqueConstraint("client", "token"),
    sqlite_autoincrement=True,
)

__all__ = [
    "FILE_SEARCH",
    "FILE_SEARCH_TERM",
    "applied_state",
    "archive",
    "client",
    "drill",
    "drill_file",
    "file_above",
    "file_attribute",
    "file_folder",
    "file_point",
    "file_search_document",
    "file_seen",
    "file_tree",
    "file_version",
    "job",
    "kit",
    "metadata",
    "promise",
    "quarantine",
    "received",
    "repository",
    "restoration",
    "run",
    "run_repository",
    "stage",
    "verification",
    "warning",
]
