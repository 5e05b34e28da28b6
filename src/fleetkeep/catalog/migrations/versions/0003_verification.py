# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks and comparisons, and the assertions of drills."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.BigInteger()  # whole microseconds since 1970, UTC


def upgrade() -> None:
    op.add_column("drill", sa.Column("assertions", sa.Text(), nullable=False, server_default="[]"))
    op.create_table(
        "verification",
        sa.Column("number", KEY, nullable=False),
        sa.Column("client", KEY, sa.ForeignKey("client.number"), nullable=False),
        sa.Column("repository", KEY, sa.ForeignKey("repository.number"), nullable=False),
        sa.Column("archive", KEY, sa.ForeignKey("archive.number"), nullable=True),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("finished_at", MOMENT, nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("is_complete", sa.Boolean(create_constraint=False), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_verification"),
        sa.UniqueConstraint("client", "id", name="uq_verification_client_id"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_verification_repository_kind_finished_at", "verification", ["repository", "kind", "finished_at"]
    )
    op.create_index("ix_verification_archive_kind", "verification", ["archive", "kind"])
