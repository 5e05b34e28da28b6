# SPDX-License-Identifier: GPL-3.0-or-later
"""Random histories of a real tree in real archives: the catalog by looks inside, by printed listings, and the tree.

The names can all be printed, because a printed listing cannot carry others; ``test_items`` has those.
"""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from builders import NOW
from empty_catalog import put_empty_catalog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_repository import put_repository
from sqlalchemy import select

from fleetkeep.agent.index import Teller, tell_by_listing
from fleetkeep.agent.ledger import Ledger
from fleetkeep.agent.look import Look, Question, look_inside
from fleetkeep.borg.access import BorgAccess
from fleetkeep.borg.answers import ArchiveName
from fleetkeep.borg.command import create_arguments, delete_arguments
from fleetkeep.borg.passphrase import Passphrase
from fleetkeep.borg.process import Cancellation, run_borg
from fleetkeep.borg.program import BorgProgram
from fleetkeep.catalog import tables
from fleetkeep.catalog.database import Catalog, open_catalog
from fleetkeep.catalog.file_folders import paths_of
from fleetkeep.clock import FixedClock
from fleetkeep.director import files, history
from fleetkeep.director.embedded import EmbeddedDirector
from fleetkeep.link import ArchiveReceived
from fleetkeep.model import ArchiveFacts, IndexOrder, IndexRequest, Outcome, Repository

CLOCK = FixedClock(NOW)
#: Long names make much to list of few files: some ten chunks, so that there is something to leave out.
FOLDERS, FILES, NAME_LETTERS = 12, 250, 220


class Site:
    """One repository, and a catalog that is told of it in one way."""

    def __init__(self, access: BorgAccess, folder: Path, catalog: Catalog) -> None:
        self.access = access
        self.folder = folder
        self.catalog = catalog
        self.ledger = Ledger(folder / "spool.sqlite", EmbeddedDirector(catalog, CLOCK), "web1", CLOCK)

    def order(self, repository_id: str) -> IndexOrder:
        request = IndexRequest(client="web1", job="system", repository="local", repository_id=repository_id)
        return self.ledger.index_order(request)

    def take_in(self, facts: ArchiveFacts) -> list[str]:
        """Receive an archive and index it as a run does; gives how each archive was told."""
        order = self.order(facts.repository_id)
        question = Question(
            base=order.base, wanted=order.wanted, name=facts.name, memory=self.folder / "memory" / "local.json"
        )
        look = look_inside(self.access, question, self.folder / "lines")
        self.ledger.tell(ArchiveReceived(job="system", run_id=facts.name, outcome=Outcome.SUCCEEDED, archive=facts))
        teller = Teller(self.ledger, "system", "local", facts.repository_id)
        if look is None:
            tell_by_listing(teller, self.access, "local", [ArchiveName(facts.id, facts.name)], Cancellation())
            return ["printed"]
        with closing(look):
            assert isinstance(look, Look) and look.listed is not None
            teller.tell_look(look)
            return ["whole" if archive.base is None else "delta" for archive in look.archives()]


@contextmanager
def sites(borg: BorgProgram) -> Iterator[tuple[BorgAccess, Path, Site, Site]]:
    """A repository, a tree, and two catalogs: one told by looks inside, the other by printed listings."""
    with TemporaryDirectory() as name, ExitStack() as stack:
        place = Path(name)
        environment = {"BORG_BASE_DIR": f"{place}/base", "LC_ALL": "C.UTF-8", "TZ": "UTC", "PATH": os.environ["PATH"]}
        access = BorgAccess(borg.path, f"{place}/repository", Passphrase("secret"), environment)
        put_repository(Repository(name="local", location=access.location), borg.path, "secret")
        frozen = place / "borg"
        frozen.write_text(f'#!/bin/sh\nexec {borg.path} "$@"\n')
        frozen.chmod(0o755)
        made = []
        for kind, program in (("inside", borg.path), ("printed", str(frozen))):
            catalog = stack.enter_context(closing(open_catalog(put_empty_catalog(place / kind / "catalog.sqlite"))))
            made.append(Site(replace(access, program=program), place / kind, catalog))
        yield access, place / "tree", made[0], made[1]


def stored(path: Path) -> str:
    """A path as an archive has it."""
    return str(path).lstrip("/")


def back_up(access: BorgAccess, name: str, tree: Path) -> ArchiveFacts:
    import json

    made = run_borg(access, create_arguments(access.location, name, [str(tree)], compression="lz4"))
    assert made.is_success, made
    content = json.loads(made.stdout)
    return ArchiveFacts(
        id=content["archive"]["id"],
        name=name,
        repository="local",
        repository_id=content["repository"]["id"],
        started_at=NOW,
        finished_at=NOW,
        files=0,
        original_bytes=0,
        compressed_bytes=0,
        deduplicated_bytes=0,
    )


def grow(tree: Path) -> None:
    for folder in range(FOLDERS):
        for number in range(FILES):
            path = tree / f"folder {folder}" / f"{number:03}-ü-{'n' * NAME_LETTERS}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{folder} {number}")


def change(tree: Path, chance: random.Random) -> None:
    """What a day does to a tree."""
    found = sorted(path for path in tree.rglob("*") if not path.is_symlink())
    for _ in range(chance.randrange(5)):
        victim = chance.choice(found)
        if not victim.exists():
            continue
        if chance.random() < 0.3:
            shutil.rmtree(victim) if victim.is_dir() else victim.unlink()
        elif victim.is_dir():
            (victim / f"new\nline {chance.random()}").write_text("new")
        else:
            os.utime(victim, ns=(1, chance.randrange(10**18)))
            victim.chmod(0o600 + chance.randrange(0o100))
            victim.write_text("changed")
    if chance.random() < 0.5:
        link = tree / f"link {chance.random()}"
        link.symlink_to("somewhere")
        os.link(chance.choice([path for path in tree.rglob("*") if path.is_file()]), f"{link} hard")


def intervals(catalog: Catalog) -> set[tuple[object, ...]]:
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


@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32), days=st.integers(2, 4))
def test_looks_inside_and_printed_listings_give_the_same_catalog(borg_program, seed, days):
    chance = random.Random(seed)
    with sites(borg_program) as (access, tree, inside, printed):
        grow(tree)
        ways = []
        for day in range(days):
            if day:
                change(tree, chance)
            facts = back_up(access, f"day{day}", tree)
            ways += inside.take_in(facts)
            assert printed.take_in(facts) == ["printed"]
            if day > 1 and chance.random() < 0.5:  # the base of the next one is gone
                assert run_borg(access, delete_arguments(access.location, [f"day{day - 1}"])).is_success
        assert intervals(inside.catalog) == intervals(printed.catalog)
        assert ways == ["whole"] + ["delta"] * (days - 1)
        newest = history.find_point(inside.catalog, f"day{days - 1}")
        entries = {entry.path for entry in files.point_entries(inside.catalog, newest) if entry.status is not None}
        on_disk = {str(path).lstrip("/") for path in [tree, *tree.rglob("*")]}
        assert entries == on_disk


def test_what_was_missed_is_told_by_the_next_look(borg_program):
    """Archives whose telling was killed, and a memory that is lost or of something else."""
    with sites(borg_program) as (access, tree, inside, _):
        grow(tree)
        first = back_up(access, "day0", tree)
        assert inside.take_in(first) == ["whole"]
        (tree / "more").write_text("more")
        missed = back_up(access, "day1", tree)
        inside.ledger.tell(ArchiveReceived(job="system", run_id="r", outcome=Outcome.SUCCEEDED, archive=missed))
        (tree / "most").write_text("most")
        last = back_up(access, "day2", tree)
        assert inside.take_in(last) == ["delta", "delta"]
        versions = files.path_history(inside.catalog, stored(tree / "more"))
        assert [(version.first_archive, version.last_archive) for version in versions] == [("day1", "day2")]
        memory = inside.folder / "memory" / "local.json"
        for content in (None, "nonsense"):
            memory.unlink() if content is None else memory.write_text(content)
            (tree / "most").write_text(f"{content}")
            assert inside.take_in(back_up(access, f"after {content}", tree)) == ["whole"]
        assert len(files.path_history(inside.catalog, stored(tree / "most"))) == 3
        assert len(files.path_history(inside.catalog, stored(tree / "more"))) == 1


def test_a_look_that_goes_wrong_says_nothing(borg_program, tmp_path):
    with sites(borg_program) as (access, _, _, _):
        wrong = replace(access, passphrase=Passphrase("wrong"))
        look = look_inside(wrong, Question(base=None, name="a"), tmp_path / "lines")
        assert look is not None
        with closing(look):
            assert look.listed is None and not look.result.is_success
            assert list(look.told()) == [] and look.archives() == []


@pytest.mark.parametrize("text", ["day0", "web1-system-20261125T020000Z-0123456789ab"])
def test_a_prefix_finds_what_runs_made(borg_program, tmp_path, text):
    with sites(borg_program) as (access, tree, _, _):
        tree.mkdir()
        back_up(access, text, tree)
        look = look_inside(access, Question(base=None, prefix="web1-system-"), tmp_path / "lines")
        assert look is not None
        with closing(look):
            assert [archive.name for archive in look.archives()] == [text] * text.startswith("web1")
