# SPDX-License-Identifier: GPL-3.0-or-later
"""Restores that were done."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.BigInteger()  # whole microseconds since 1970, UTC


def upgrade() -> None:
    op.create_table(
        "restoration",
        sa.Column("number", KEY, nullable=False),
        sa.Column("client", KEY, sa.ForeignKey("client.number"), nullable=False),
        sa.Column("repository", KEY, sa.ForeignKey("repository.number"), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("archive_id", sa.Text(), nullable=False),
        sa.Column("archive_name", sa.Text(), nullable=False),
        sa.Column("user", sa.Text(), nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("finished_at", MOMENT, nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("asked", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("files", sa.BigInteger(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("report_sha256", sa.Text(), nullable=False),
        sa.Column("stream_sha256", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_restoration"),
        sa.UniqueConstraint("client", "id", name="uq_restoration_client_id"),
        sqlite_autoincrement=True,
    )
