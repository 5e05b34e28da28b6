# SPDX-License-Identifier: GPL-3.0-or-later
"""Recovery kits that were handed out."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.BigInteger()  # whole microseconds since 1970, UTC


def upgrade() -> None:
    op.create_table(
        "kit",
        sa.Column("number", KEY, nullable=False),
        sa.Column("client", KEY, sa.ForeignKey("client.number"), nullable=False),
        sa.Column("repository", KEY, sa.ForeignKey("repository.number"), nullable=False),
        sa.Column("borg_repository_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("retired_at", MOMENT, nullable=True),
        sa.Column("tested_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("number", name="pk_kit"),
        sa.UniqueConstraint("client", "id", name="uq_kit_client_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_kit_repository_made_at", "kit", ["repository", "made_at"])
