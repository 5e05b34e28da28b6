# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of archives as intervals, and where a receipt comes from."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.BigInteger()  # whole microseconds since 1970, UTC


def upgrade() -> None:
    op.add_column("archive", sa.Column("receipt", sa.Text(), nullable=False, server_default="received"))
    _create_trees()
    _create_paths()
    _create_versions()
    _create_search()


def _create_trees() -> None:
    op.create_table(
        "file_tree",
        sa.Column("number", KEY, nullable=False),
        _reference("client"),
        _reference("job"),
        _reference("repository"),
        sa.Column("borg_repository_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_file_tree"),
        sa.UniqueConstraint(
            "job", "repository", "borg_repository_id", name="uq_file_tree_job_repository_borg_repository_id"
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_file_tree_client", "file_tree", ["client"])
    op.create_table(
        "file_point",
        _reference("file_tree", "tree"),
        sa.Column("ordinal", sa.Integer(), nullable=False, autoincrement=False),
        _reference("archive"),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Text(), nullable=False),
        sa.Column("parts", sa.Integer(), nullable=False),
        sa.Column("entries", sa.BigInteger(), nullable=False),
        sa.Column("indexed_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("tree", "ordinal", name="pk_file_point"),
        sa.UniqueConstraint("archive", name="uq_file_point_archive"),
        sqlite_with_rowid=False,
    )


def _create_paths() -> None:
    op.create_table(
        "file_folder",
        sa.Column("number", KEY, nullable=False),
        _reference("client"),
        sa.Column("parent", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.Column("largest_bytes", sa.BigInteger(), nullable=True),
        sa.Column("oldest_us", sa.BigInteger(), nullable=True),
        sa.Column("newest_us", sa.BigInteger(), nullable=True),
        sa.Column("types", sa.Integer(), nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("number", name="pk_file_folder"),
        sa.UniqueConstraint("client", "parent", "name", name="uq_file_folder_client_parent_name"),
    )
    op.create_table(
        "file_attribute",
        sa.Column("number", KEY, nullable=False),
        sa.Column("mode", sa.BigInteger(), nullable=False),
        sa.Column("uid", sa.BigInteger(), nullable=False),
        sa.Column("gid", sa.BigInteger(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("group", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_file_attribute"),
        sa.UniqueConstraint("mode", "uid", "gid", "owner", "group", name="uq_file_attribute_mode_uid_gid_owner_group"),
    )


def _create_versions() -> None:
    op.create_table(
        "file_version",
        _reference("file_tree", "tree"),
        _reference("file_folder", "folder"),
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.Column("first", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("last", sa.Integer(), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("modified_us", sa.BigInteger(), nullable=False),
        sa.Column("inode_after_us", sa.BigInteger(), nullable=False),
        _reference("file_attribute", "attribute"),
        sa.Column("target", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("tree", "folder", "name", "first", name="pk_file_version"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "file_above",
        _reference("file_tree", "tree"),
        _reference("file_folder", "folder"),
        sa.PrimaryKeyConstraint("tree", "folder", name="pk_file_above"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "file_seen",
        _reference("file_tree", "tree"),
        sa.Column("folder", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tree", "folder", "name", name="pk_file_seen"),
        sqlite_with_rowid=False,
    )


def _create_search() -> None:
    op.create_table(
        "file_search_document",
        sa.Column("number", KEY, nullable=False),
        _reference("client"),
        _reference("file_folder", "folder"),
        sa.Column("names", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_file_search_document"),
    )
    op.create_index("ix_file_search_document_folder", "file_search_document", ["folder"])
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "CREATE VIRTUAL TABLE file_search USING fts5(names, content='', columnsize=0, detail=none, "
            "tokenize='trigram case_sensitive 0')"
        )
        op.execute("CREATE VIRTUAL TABLE file_search_term USING fts5vocab(file_search, instance)")


def _reference(table: str, name: str = "") -> sa.Column[int]:
    """A key of a row of another table, in a column of its name unless another is given."""
    column = name or table
    return sa.Column(column, KEY, sa.ForeignKey(f"{table}.number"), nullable=False)
