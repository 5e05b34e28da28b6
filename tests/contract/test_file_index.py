# SPDX-License-Identifier: GPL-3.0-or-later
"""What agents tell of files becomes what full listings say, in whatever parts and ways it was told."""

from __future__ import annotations

import stat
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from builders import NOW, Sender, make_archive, make_part, make_run, received
from empty_catalog import put_empty_catalog
from hypothesis import given, settings
from hypothesis import strategies as st
from listings import Listing, Shelf, file_of, folder_of, listings
from sqlalchemy import select

from fleetkeep.catalog import messages, tables
from fleetkeep.catalog.database import Catalog, open_catalog
from fleetkeep.catalog.file_folders import paths_of
from fleetkeep.clock import FixedClock
from fleetkeep.director import files, history
from fleetkeep.director.embedded import EmbeddedDirector
from fleetkeep.link import ArchivesDeleted, ArchivesVanished, FilesIndexed, Message, RunFinished, RunStarted
from fleetkeep.link.files import pack_lines
from fleetkeep.model import ArchiveFacts, FileQuery, FileStatus, IndexOrder, IndexRequest, Outcome, ReceiptKind

CLOCK = FixedClock(NOW)


class Agent:
    """Tells of archives of job ``system`` of client ``web1`` as an agent does, whatever goes wrong."""

    def __init__(self, catalog: Catalog) -> None:
        self.director = EmbeddedDirector(catalog, CLOCK)
        self.say = Sender()
        self.told = 0

    def hear(self, *said: Message) -> None:
        for message in said:
            self.told += 1
            envelope = self.say(message, token=f"t{self.told}")
            self.director.deliver([envelope])
            self.director.deliver([envelope])  # at least once is often twice

    def order(self) -> IndexOrder:
        archive = make_archive()
        return self.director.index_order(
            IndexRequest(
                client="web1", job="system", repository=archive.repository, repository_id=archive.repository_id
            )
        )

    def index(
        self, archive: ArchiveFacts, now: Listing, base: str | None, before: Listing, *, size: int = 3, stop: int = 0
    ) -> None:
        """Tell what is in an archive, from another one or whole, in parts of a size; with ``stop`` only so many."""
        lines: list[Sequence[object]] = [_line(path, status) for path, status in now.items()]
        if base is not None:
            lines = [_line(path, status) for path, status in now.items() if before.get(path) != status]
            lines += [("-", path) for path in before if path not in now]
        parts = [pack_lines(lines[start : start + size]) for start in range(0, len(lines), size)] + [""]
        for number, text in enumerate(parts, start=1):
            if stop and number > stop:
                return
            entries = len(now) if number == len(parts) else None
            self.hear(self.part(archive, base, number, text, entries, attempt=f"{self.told - number}"))

    @staticmethod
    def part(
        archive: ArchiveFacts, base: str | None, number: int, text: str, entries: int | None, attempt: str = "1"
    ) -> FilesIndexed:
        return FilesIndexed(
            job="system",
            repository=archive.repository,
            repository_id=archive.repository_id,
            archive_id=archive.id,
            base=base,
            attempt=attempt,
            part=number,
            lines=text,
            entries=entries,
        )


def _line(path: str, status: FileStatus) -> tuple[object, ...]:
    values = (status.mode, status.uid, status.gid, status.owner, status.group, status.size, status.modified_us)
    return ("+", path, *values, status.changed_us, status.target)


@contextmanager
def opened() -> Iterator[Catalog]:
    with TemporaryDirectory() as folder:
        path = put_empty_catalog(Path(folder) / "catalog.sqlite")
        with closing(open_catalog(path)) as catalog:
            yield catalog


def intervals(catalog: Catalog) -> set[tuple[object, ...]]:
    """Every version that is kept, with its path instead of keys."""
    version, attribute = tables.file_version, tables.file_attribute
    query = select(version, attribute).join(attribute, version.c.attribute == attribute.c.number)
    with catalog.read() as connection:
        rows = connection.execute(query).all()
        folders = dict(paths_of(connection, {row.folder for row in rows}))
    return {
        (
            *(folders[row.folder], row.name, row.first, row.last, row.size, row.modified_us, row.inode_after_us),
            *(row.mode, row.uid, row.gid, row.owner, row.group, row.target),
        )
        for row in rows
    }


#: What an archive holds, how it is told, and what becomes of it.
steps = st.tuples(
    listings(),
    st.sampled_from(["whole", "delta"]),
    st.integers(1, 4),
    st.sampled_from(["", "", "cut whole", "cut delta", "wrong base", "lost"]),
    st.sampled_from(["kept", "kept", "kept", "deleted"]),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(steps, min_size=1, max_size=6))
def test_intervals_are_those_of_full_listings(history_of_steps):
    with opened() as catalog, opened() as plain:
        agent, shelf = Agent(catalog), Shelf(plain)
        base: str | None = None
        before: Listing = {}
        kept: list[tuple[ArchiveFacts, Listing]] = []
        gone = []
        for number, (now, how, size, accident, fate) in enumerate(history_of_steps):
            archive = make_archive(f"system-{number}")
            agent.hear(received(archive, run_id=f"r{number}"))
            assert agent.order().base == base
            assert agent.order().wanted[-1:] == (archive.id,)
            if accident == "lost":  # it was never told, and cannot be any more once the next one is
                agent.hear(_deleted(archive))
                continue
            if accident.startswith("cut"):
                agent.index(archive, now, base if accident.endswith("delta") else None, before, size=1, stop=2)
            if accident == "wrong base":
                agent.index(archive, {"other": file_of()}, "0" * 64, {})
            agent.index(archive, now, base if how == "delta" else None, before, size=size)
            shelf.add(now, archive=archive)
            base, before = archive.id, now
            if fate == "deleted":
                gone.append(archive)
            else:
                kept.append((archive, now))
        assert intervals(catalog) == intervals(plain)
        for archive in gone:
            agent.hear(_deleted(archive))
        for archive, now in kept:
            point = history.find_point(catalog, archive.id)
            found = {entry.path: entry.status for entry in files.point_entries(catalog, point)}
            assert {path: status for path, status in found.items() if status is not None} == now
        _nothing_dead_is_kept(catalog)
        _extents_hold_everything(catalog)
        with catalog.read() as connection:
            assert messages.list_quarantined(connection) == []


def _deleted(archive: ArchiveFacts) -> ArchivesDeleted:
    return ArchivesDeleted(
        at=NOW, repository=archive.repository, repository_id=archive.repository_id, archive_ids=(archive.id,)
    )


def _nothing_dead_is_kept(catalog: Catalog) -> None:
    """Every version that ended lies in an archive that exists."""
    point, archive, version = tables.file_point, tables.archive, tables.file_version
    with catalog.read() as connection:
        living = connection.scalars(
            select(point.c.ordinal)
            .join(archive, point.c.archive == archive.c.number)
            .where(archive.c.deleted_at.is_(None))
        ).all()
        for first, last in connection.execute(select(version.c.first, version.c.last)):
            assert last is None or any(first <= ordinal <= last for ordinal in living)


def _extents_hold_everything(catalog: Catalog) -> None:
    """What the folders say of sizes, times and types is true of every version, so that no search leaves one out."""
    folder, version, attribute = tables.file_folder, tables.file_version, tables.file_attribute
    query = (
        select(folder, version.c.size, version.c.modified_us, attribute.c.mode)
        .join(version, version.c.folder == folder.c.number)
        .join(attribute, version.c.attribute == attribute.c.number)
    )
    flags = {stat.S_IFREG: 1, stat.S_IFDIR: 2, stat.S_IFLNK: 4}
    with catalog.read() as connection:
        for row in connection.execute(query):
            assert row.size <= row.largest_bytes
            assert row.oldest_us <= row.modified_us <= row.newest_us
            assert row.types & flags.get(stat.S_IFMT(row.mode), 8)


@pytest.fixture
def agent(catalog: Catalog) -> Agent:
    return Agent(catalog)


def test_what_is_being_told_is_not_shown_before_its_end(agent: Agent, catalog: Catalog) -> None:
    one, two = make_archive("system-1"), make_archive("system-2")
    agent.hear(received(one))
    agent.index(one, {"etc/a": file_of(1)}, None, {})
    agent.hear(received(two, run_id="r2"))
    agent.index(two, {"etc/a": file_of(2), "etc/b": file_of(3)}, one.id, {"etc/a": file_of(1)}, size=1, stop=2)
    found = files.find_files(catalog, FileQuery(pattern="a"))
    assert [(version.status.size, version.is_present) for version in found] == [(1, True)]
    assert agent.order().wanted == (two.id,)


def test_after_a_lost_spool_the_rest_of_a_telling_is_asked_for_again(agent: Agent, catalog: Catalog) -> None:
    one, two, three = (make_archive(f"system-{number}") for number in (1, 2, 3))
    trees = [{"etc/a": file_of(size), f"etc/only{size}": file_of(size)} for size in (1, 2, 3)]
    agent.hear(received(one))
    agent.index(one, trees[0], None, {})
    agent.hear(received(two, run_id="r2"))
    agent.index(two, trees[1], one.id, trees[0], size=1, stop=2)
    agent.hear(_deleted(two), received(three, run_id="r3"))
    assert agent.order() == IndexOrder(base=one.id, wanted=(three.id,), known=agent.order().known, is_blank=False)
    agent.index(three, trees[2], one.id, trees[0])
    version = tables.file_version
    with catalog.read() as connection:
        rows = connection.execute(
            select(version.c.name, version.c.first, version.c.last).order_by(version.c.name)
        ).all()
    assert [tuple(row) for row in rows] == [(b"a", 1, 1), (b"a", 2, None), (b"only1", 1, 1), (b"only3", 2, None)]


def test_an_archive_that_was_never_received_goes_into_quarantine(agent: Agent, catalog: Catalog) -> None:
    agent.hear(agent.part(make_archive("strange"), None, 1, "", 0))
    with catalog.read() as connection:
        assert "never received" in messages.list_quarantined(connection)[0].reason


@pytest.mark.parametrize(
    "line",
    [
        ("+", "/etc/passwd", *[0] * 9),
        ("+", "etc/../x", stat.S_IFREG, 0, 0, "", "", 0, 0, 0, ""),
        ("+", "etc/x", "mode", 0, 0, "", "", 0, 0, 0, ""),
        ("+", "etc/x", stat.S_IFREG, 0, 0, "", "", True, 0, 0, ""),
        ("-", ""),
        ("*", "etc"),
        {"no": "line"},
        "+",
    ],
)
def test_lines_that_are_none_go_into_quarantine_and_change_nothing(agent: Agent, catalog: Catalog, line) -> None:
    one = make_archive("system-1")
    agent.hear(received(one))
    agent.hear(agent.part(one, None, 1, pack_lines([line]), 1))
    with catalog.read() as connection:
        assert len(messages.list_quarantined(connection)) == 1
        assert connection.execute(select(tables.file_version)).all() == []
    agent.index(one, {"etc/a": file_of()}, None, {})
    assert len(files.find_files(catalog, FileQuery(pattern="a"))) == 1


def test_a_part_that_unpacks_without_end_is_refused(agent: Agent, catalog: Catalog, monkeypatch) -> None:
    monkeypatch.setattr("fleetkeep.link.files.LARGEST_PART_BYTES", 1000)
    one = make_archive("system-1")
    agent.hear(received(one), agent.part(one, None, 1, pack_lines([("-", "x" * 5000)]), 1))
    with catalog.read() as connection:
        assert "too many lines" in messages.list_quarantined(connection)[0].reason


def test_vanished_archives_are_gone_and_their_files_with_them(agent: Agent, catalog: Catalog) -> None:
    one = make_archive("system-1")
    agent.hear(received(one))
    agent.index(one, {"etc/a": file_of()}, None, {})
    assert [archive.id for archive in agent.order().known] == [one.id]
    gone = ArchivesVanished(at=NOW, repository=one.repository, repository_id=one.repository_id, archive_ids=(one.id,))
    agent.hear(gone)
    assert history.list_archives(catalog) == []
    assert [point.deleted_at for point in history.list_archives(catalog, deleted=True)] == [NOW]
    assert agent.order().known == ()
    assert files.find_files(catalog, FileQuery(pattern="a")) == []


def test_a_blank_catalog_says_so_and_takes_receipts_from_the_repository(agent: Agent, catalog: Catalog) -> None:
    from fleetkeep.link import ArchiveFound

    assert agent.order().is_blank
    old = make_archive("system-1", started_at=NOW.replace(year=2025), finished_at=NOW.replace(year=2025))
    ahead = make_archive("system-2", started_at=NOW.replace(year=2030), finished_at=NOW.replace(year=2030))
    agent.hear(*(ArchiveFound(job="system", run_id="r", archive=archive) for archive in (old, ahead)))
    assert [archive.name for archive in agent.order().known] == ["system-1", "system-2"]
    points = history.list_archives(catalog)
    assert [(point.received_at, point.receipt) for point in points] == [
        (NOW, ReceiptKind.REBUILT),
        (NOW.replace(year=2025), ReceiptKind.REBUILT),
    ]
    agent.hear(received(old))
    assert history.list_archives(catalog) == points


def test_folders_above_the_sources_are_shown(agent: Agent, catalog: Catalog) -> None:
    one, two = make_archive("system-1"), make_archive("system-2")
    first = {"srv/www": folder_of(), "srv/www/a": file_of()}
    agent.hear(received(one))
    agent.index(one, first, None, {}, size=1)
    agent.hear(received(two, run_id="r2"))
    agent.index(two, {"srv/www/a": file_of()}, one.id, first)
    point = history.find_point(catalog, two.id)
    assert [entry.path for entry in files.list_folder(catalog, point, "")] == ["srv"]
    assert [(entry.path, entry.status) for entry in files.list_folder(catalog, point, "srv")] == [("srv/www", None)]


def test_what_an_interrupted_run_made_is_asked_for_until_it_is_on_record(agent: Agent) -> None:
    for number, outcome in enumerate((Outcome.SUCCEEDED, Outcome.FAILED, Outcome.CANCELLED)):
        agent.hear(RunStarted(run=make_run(f"r{number}", outcome=Outcome.RUNNING, finished_at=None)))
        agent.hear(RunFinished(run=make_run(f"r{number}", outcome=outcome)))
    refused = make_part(outcome=Outcome.FAILED, reason="It was not what borg made.")
    agent.hear(RunFinished(run=make_run("r3", outcome=Outcome.FAILED, repositories=(refused,))))
    agent.hear(RunFinished(run=make_run("r4", job="other", outcome=Outcome.FAILED)))
    assert agent.order().interrupted == ("r2", "r1")
    agent.hear(received(make_archive("system-1"), run_id="r1"))
    assert agent.order().interrupted == ("r2",)
    agent.hear(_deleted(make_archive("system-1")))
    assert agent.order().interrupted == ("r2",), "what was deleted is not taken on record anew"
