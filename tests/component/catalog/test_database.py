# SPDX-License-Identifier: GPL-3.0-or-later
"""The file of the catalog: durable, private, migrated, and never harmed by what goes wrong."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import stat
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from builders import NOW, Sender, make_archive, received
from sqlalchemy import create_engine

from fleetkeep.catalog import database, messages, tables
from fleetkeep.catalog.database import open_catalog
from fleetkeep.clock import FixedClock
from fleetkeep.director import history
from fleetkeep.director.embedded import EmbeddedDirector
from fleetkeep.errors import CatalogBusy, CatalogNewer, CatalogUnreadable, CatalogUnsafe, StorageFull

VERSIONS = Path(database.__file__).parent / "migrations" / "versions"
NEXT = f"{int(database.head()) + 1:04}"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "var" / "catalog.sqlite"


@pytest.fixture
def made(path: Path) -> Path:
    """A catalog of this release with one archive in it."""
    with closing(open_catalog(path)) as catalog:
        EmbeddedDirector(catalog, FixedClock(NOW)).deliver([Sender()(received(make_archive()))])
    return path


def schema(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' AND sql IS NOT NULL")
        plain = [re.sub(r"[\s\"]+", " ", text).replace("( ", "(").replace(" )", ")").strip() for (text,) in rows]
    return sorted(text for text in plain if "alembic_version" not in text)


# --- migrations ---


def test_the_migrated_schema_is_that_of_the_tables(path: Path, tmp_path: Path) -> None:
    open_catalog(path).close()
    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        options = {"compare_type": True, "compare_server_default": True, "include_name": _is_no_part_of_the_search}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, tables.metadata) == []
    engine.dispose()
    created = create_engine(f"sqlite:///{tmp_path / 'created.sqlite'}")
    tables.metadata.create_all(created)
    created.dispose()
    assert schema(path) == schema(tmp_path / "created.sqlite")


def _is_no_part_of_the_search(name: str | None, kind: str, _parents: object) -> bool:
    """SQLite keeps a full-text table in tables of its own; the comparison of the schemas below covers it."""
    return not (kind == "table" and (name or "").startswith("file_search") and name != "file_search_document")


def test_migrations_are_named_by_number_and_words_and_follow_each_other() -> None:
    names = sorted(file.name for file in VERSIONS.glob("*.py") if file.name != "__init__.py")
    assert names and all(re.fullmatch(r"\d{4}_[a-z0-9_]+\.py", name) for name in names)
    numbers = [name[:4] for name in names]
    assert numbers == [f"{number:04}" for number in range(1, len(names) + 1)]
    for name, number, before in zip(names, numbers, [None, *numbers], strict=False):
        text = (VERSIONS / name).read_text()
        assert f'revision = "{number}"' in text
        assert f"down_revision = {before and chr(34) + before + chr(34)}" in text
        assert "fleetkeep" not in text.split('"""', 2)[2], "a migration must not depend on the program of today"


def test_an_up_to_date_catalog_is_opened_without_alembic(made: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from fleetkeep.catalog.database import open_catalog;"
        f"open_catalog(Path({str(made)!r})).close(); print('alembic' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "False"


def test_an_older_catalog_is_migrated_and_keeps_its_rows(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _pretend_next_release(tmp_path, monkeypatch, 'op.add_column("client", sa.Column("colour", sa.Text()))')
    with closing(open_catalog(made)) as catalog:
        assert [point.archive.name for point in history.list_archives(catalog)] == ["system-1"]
        with catalog.read() as connection:
            assert connection.exec_driver_sql("SELECT colour FROM client").all() == [(None,)]
            assert connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() == NEXT


def test_a_migration_that_fails_midway_leaves_the_old_schema(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = schema(made)
    _pretend_next_release(
        tmp_path, monkeypatch, 'op.add_column("client", sa.Column("colour", sa.Text())); op.drop_table("none_such")'
    )
    with pytest.raises(CatalogUnreadable, match="none_such"):
        open_catalog(made)
    assert schema(made) == before
    monkeypatch.undo()
    with closing(open_catalog(made)) as catalog:
        assert len(history.list_archives(catalog)) == 1


def test_processes_that_open_a_new_catalog_at_once_all_succeed(path: Path) -> None:
    program = (
        "from pathlib import Path; from fleetkeep.catalog.database import open_catalog;"
        f"open_catalog(Path({str(path)!r})).close()"
    )
    children = [subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE) for _ in range(4)]
    assert [(child.communicate()[1], child.returncode) for child in children] == [(b"", 0)] * 4


def test_a_newer_catalog_is_refused_and_not_touched(made: Path) -> None:
    with closing(sqlite3.connect(made)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '0999'")
    with pytest.raises(CatalogNewer) as refusal:
        open_catalog(made)
    assert str(refusal.value) == (
        f"The catalog at {made} has schema 0999, but this Fleetkeep knows {database.head()} and older; install the "
        "Fleetkeep that wrote it, or a newer one. Nothing was changed."
    )


def _pretend_next_release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, operations: str) -> None:
    """Have one more migration than this release has."""
    folder = tmp_path / "migrations"
    shutil.copytree(VERSIONS.parent, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "versions" / f"{NEXT}_next.py").write_text(
        "import sqlalchemy as sa\nfrom alembic import op\n\n"
        f"revision = '{NEXT}'\ndown_revision = '{database.head()}'\n\n\n"
        f"def upgrade():\n    {operations}\n"
    )
    monkeypatch.setattr(database, "_MIGRATIONS", folder)
    monkeypatch.setattr("fleetkeep.catalog.migrations.__file__", str(folder / "__init__.py"))


# --- the file ---


def test_only_its_owner_reads_the_catalog(path: Path) -> None:
    previous = os.umask(0)
    try:
        with closing(open_catalog(path)) as catalog:
            EmbeddedDirector(catalog, FixedClock(NOW)).deliver([Sender()(received(make_archive()))])
            modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    finally:
        os.umask(previous)
    assert modes == dict.fromkeys(modes, 0o600) and "catalog.sqlite-wal" in modes
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_file_that_others_could_read_is_made_private(made: Path) -> None:
    made.chmod(0o644)
    open_catalog(made).close()
    assert stat.S_IMODE(made.stat().st_mode) == 0o600


def test_every_connection_is_durable_and_watches_references(made: Path) -> None:
    with closing(open_catalog(made)) as catalog:
        for view in (catalog.read, catalog.write):
            with view() as connection:
                found = [
                    connection.exec_driver_sql(f"PRAGMA {name}").scalar()
                    for name in ("journal_mode", "synchronous", "foreign_keys")
                ]
            assert found == ["wal", 2, 1]


def test_a_file_system_without_durability_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What SQLite answers where it cannot have shared memory, on a network file system say."""
    monkeypatch.setitem(database._SETTINGS, "journal_mode", "wal2")
    with pytest.raises(CatalogUnsafe, match="journal_mode is delete, but wal2 is needed"):
        open_catalog(path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"this is not a database, but long enough to look like one" * 100, "file is not a database"),
        (None, "malformed"),
    ],
)
def test_a_broken_file_is_named_in_one_sentence_and_stays(made: Path, content: bytes | None, reason: str) -> None:
    whole = made.read_bytes()
    broken = content or whole[:4096] + b"\xff" * (len(whole) - 4096)
    made.write_bytes(broken)
    with pytest.raises(CatalogUnreadable, match=reason) as refusal, closing(open_catalog(made)) as catalog:
        history.list_archives(catalog)
    assert str(made) in str(refusal.value) and made.read_bytes() == broken


def test_the_database_of_another_program_is_refused(path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE something (a)")
    with pytest.raises(CatalogUnreadable, match="another program"):
        open_catalog(path)


def test_a_path_that_cannot_be_opened_is_named(path: Path) -> None:
    path.mkdir(parents=True)
    with pytest.raises(CatalogUnreadable, match="Is a directory"):
        open_catalog(path)


def test_a_full_disk_is_said_and_nothing_is_lost(made: Path) -> None:
    with closing(open_catalog(made)) as catalog:
        director, say = EmbeddedDirector(catalog, FixedClock(NOW)), Sender()
        with catalog.read() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        many = [say(received(make_archive(f"a{n}")), token=f"t{n}") for n in range(3000)]
        with pytest.raises(StorageFull, match="no space left for the catalog"):
            director.deliver(many)
        assert [point.archive.name for point in history.list_archives(catalog)] == ["system-1"]
        with catalog.read() as connection:
            assert messages.list_quarantined(connection) == []


def test_a_writer_that_never_ends_is_named_after_a_while(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.2)
    with closing(sqlite3.connect(made, isolation_level=None)) as other, closing(open_catalog(made)) as catalog:
        other.execute("BEGIN IMMEDIATE")
        assert len(history.list_archives(catalog)) == 1  # readers go on
        with pytest.raises(CatalogBusy, match="held by another process"):
            EmbeddedDirector(catalog, FixedClock(NOW)).deliver([Sender()(received(make_archive("b")), token="b")])


def test_threads_that_deliver_at_once_lose_nothing(made: Path) -> None:
    with closing(open_catalog(made)) as catalog:
        director = EmbeddedDirector(catalog, FixedClock(NOW))
        batches = [
            [Sender()(received(make_archive(f"a{thread}-{n}")), token=f"{thread}-{n}") for n in range(5)]
            for thread in range(4)
        ]
        threads = [threading.Thread(target=director.deliver, args=(batch,)) for batch in batches]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(history.list_archives(catalog)) == 21
