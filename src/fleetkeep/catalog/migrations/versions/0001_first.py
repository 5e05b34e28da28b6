# SPDX-License-Identifier: GPL-3.0-or-later
"""The first schema. Once released it never changes; it knows nothing of the tables of today."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.BigInteger()  # whole microseconds since 1970, UTC


def upgrade() -> None:
    _create_clients()
    _create_archives()
    _create_runs()
    _create_proofs()
    _create_messages()


def _create_clients() -> None:
    _create(
        "client",
        _column("name", sa.Text()),
        _column("first_heard_at", MOMENT),
        _column("last_heard_at", MOMENT),
        unique=("name",),
    )
    _create(
        "job",
        _reference("client"),
        _column("name", sa.Text()),
        _column("declaration", sa.Text(), optional=True),
        _column("declared_since", MOMENT, optional=True),
        _column("promised_until", MOMENT, optional=True),
        unique=("client", "name"),
    )
    _create(
        "repository",
        _reference("client"),
        _column("name", sa.Text()),
        _column("borg_id", sa.Text(), optional=True),
        _column("declaration", sa.Text(), optional=True),
        unique=("client", "name"),
        indexes=[("borg_id",)],
    )
    _create(
        "applied_state",
        _reference("client"),
        _column("digest", sa.Text()),
        _column("applied_at", MOMENT),
        _column("received_at", MOMENT),
        _column("state", sa.Text()),
        indexes=[("client", "number")],
    )


def _create_archives() -> None:
    _create(
        "archive",
        _reference("client"),
        _reference("job"),
        _reference("repository"),
        _column("borg_repository_id", sa.Text()),
        _column("id", sa.Text()),
        _column("name", sa.Text()),
        _column("run_id", sa.Text()),
        _column("outcome", sa.Text()),
        _column("started_at", MOMENT),
        _column("finished_at", MOMENT),
        _column("files", sa.BigInteger()),
        _column("original_bytes", sa.BigInteger()),
        _column("compressed_bytes", sa.BigInteger()),
        _column("deduplicated_bytes", sa.BigInteger()),
        _column("received_at", MOMENT),
        _column("deleted_at", MOMENT, optional=True),
        _column("proven_at", MOMENT, optional=True),
        unique=("repository", "borg_repository_id", "id"),
        indexes=[("borg_repository_id", "id"), ("id",), ("job", "received_at"), ("name",)],
    )
    _create(
        "promise",
        _reference("job"),
        _column("due_at", MOMENT),
        _column("late_after", MOMENT),
        _column("missed_after", MOMENT),
        _column("state", sa.Text()),
        _column("run_id", sa.Text(), optional=True),
        unique=("job", "due_at"),
        indexes=[("state", "missed_after")],
    )


def _create_runs() -> None:
    _create(
        "run",
        _reference("client"),
        _reference("job"),
        _column("id", sa.Text()),
        _column("trigger", sa.Text()),
        _column("outcome", sa.Text()),
        _column("reason", sa.Text()),
        _column("due_at", MOMENT, optional=True),
        _column("started_at", MOMENT),
        _column("finished_at", MOMENT, optional=True),
        unique=("client", "id"),
        indexes=[("id",), ("job", "started_at"), ("started_at",)],
    )
    _create(
        "run_repository",
        _reference("run", cascade=True),
        _column("position", sa.Integer()),
        _reference("repository"),
        _column("outcome", sa.Text()),
        _column("reason", sa.Text()),
        _reference("archive", optional=True),
        _column("warning_count", sa.Integer()),
        _column("deleted", sa.Text()),
        unique=("run", "position"),
        indexes=[("archive",)],
    )
    _create(
        "stage",
        _reference("run", cascade=True),
        _reference("run_repository", cascade=True, optional=True),
        _column("position", sa.Integer()),
        _column("name", sa.Text()),
        _column("outcome", sa.Text()),
        _column("reason", sa.Text()),
        _column("exit_code", sa.Integer(), optional=True),
        _column("duration_seconds", sa.Float()),
        indexes=[("run",), ("run_repository",)],
    )
    _create(
        "warning",
        _reference("run_repository", cascade=True),
        _column("position", sa.Integer()),
        _column("path", sa.Text()),
        _column("message", sa.Text()),
        _column("code", sa.Text()),
        key=("run_repository", "position"),
    )


def _create_proofs() -> None:
    _create(
        "drill",
        _reference("client"),
        _reference("job"),
        _reference("repository"),
        _column("id", sa.Text()),
        _column("archive_id", sa.Text()),
        _column("archive_name", sa.Text()),
        _column("started_at", MOMENT),
        _column("finished_at", MOMENT),
        _column("outcome", sa.Text()),
        _column("reason", sa.Text()),
        _column("sample_size", sa.BigInteger()),
        _column("population", sa.BigInteger()),
        _column("left_out", sa.BigInteger()),
        _column("sample_bytes", sa.BigInteger()),
        _column("seed", sa.Text()),
        unique=("client", "id"),
        indexes=[("job", "finished_at")],
    )
    _create(
        "drill_file",
        _reference("drill", cascade=True),
        _column("position", sa.Integer()),
        _column("path", sa.Text()),
        _column("compared_with", sa.Text()),
        _column("matches", sa.Boolean()),
        _column("sha256", sa.Text()),
        key=("drill", "position"),
    )


def _create_messages() -> None:
    _create(
        "received",
        _reference("client"),
        _column("token", sa.Text()),
        _column("sequence", sa.BigInteger()),
        _column("received_at", MOMENT),
        key=("client", "token"),
        sqlite_with_rowid=False,
    )
    _create(
        "quarantine",
        _reference("client"),
        _column("token", sa.Text()),
        _column("received_at", MOMENT),
        _column("reason", sa.Text()),
        _column("envelope", sa.Text()),
        unique=("client", "token"),
    )


def _column(name: str, kind: Any, *, optional: bool = False) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=optional)


def _reference(name: str, table: str | None = None, *, cascade: bool = False, optional: bool = False) -> sa.Column[Any]:
    key = sa.ForeignKey(f"{table or name}.number", ondelete="CASCADE" if cascade else None)
    return sa.Column(name, KEY, key, nullable=optional)


def _create(
    table: str,
    *columns: sa.Column[Any],
    key: Sequence[str] = (),
    unique: Sequence[str] = (),
    indexes: Sequence[Sequence[str]] = (),
    **options: Any,
) -> None:
    """Create a table with its indexes; without a key of its own it is numbered, and a number is never used again."""
    items: list[Any] = list(columns)
    if not key:
        items.insert(0, sa.Column("number", KEY, nullable=False))
        options["sqlite_autoincrement"] = True
    items.append(sa.PrimaryKeyConstraint(*(key or ["number"]), name=f"pk_{table}"))
    if unique:
        items.append(sa.UniqueConstraint(*unique, name=f"uq_{table}_{'_'.join(unique)}"))
    op.create_table(table, *items, **options)
    for index in indexes:
        op.create_index(f"ix_{table}_{'_'.join(index)}", table, list(index))
