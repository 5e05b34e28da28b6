# SPDX-License-Identifier: GPL-3.0-or-later
"""Alembic reads this file for each migration. The connection and its transaction are the caller's."""

from __future__ import annotations

from alembic import context

from fleetkeep.catalog.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
