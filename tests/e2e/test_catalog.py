# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalog as a user meets it: rebuilt from the repositories, checked against them, and never trusted blindly."""

from __future__ import annotations

import os
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest
from sites import Site


@pytest.fixture
def used(site: Site) -> Site:
    """A host with two archives of a job, between which a file changed and one with an odd name came."""
    site.edit("daily: 7", "last: 10")
    source = site.prefix / "source"
    (source / "notes.txt").write_text("one\n")
    assert site.fleetkeep("apply", "--yes", "-i", "inventory").exit_code == 2
    assert site.fleetkeep("run", "docs").exit_code == 0
    (source / "notes.txt").write_text("two\n")
    (source / "new\nline \udce9").write_text("odd\n")
    assert site.fleetkeep("run", "docs").exit_code == 0
    return site


def catalog(site: Site) -> Path:
    return site.prefix / "var/lib/fleetkeep/catalog.sqlite"


def archives(site: Site) -> list[str]:
    return [point["archive"]["name"] for point in site.fleetkeep("archives", "--json").json]


def sizes_in_history(site: Site) -> list[int]:
    path = site.prefix / "source/notes.txt"
    return [state["status"]["size"] for state in site.fleetkeep("history", path, "--job", "docs", "--json").json]


def test_a_catalog_is_rebuilt_from_the_repository_alone(used: Site) -> None:
    before = archives(used)
    said = used.fleetkeep("catalog", "check")
    assert (said.exit_code, said.stdout.splitlines()[0]) == (
        0,
        "docs in main: the catalog agrees with the repository: 2 archives, 2 compared file by file",
    )
    for file in catalog(used).parent.glob("catalog.sqlite*"):
        file.unlink()
    rebuilt = used.fleetkeep("catalog", "rebuild", "--job", "docs", "--json")
    assert rebuilt.exit_code == 0
    assert [(one["archives"], one["read"], one["found"]) for one in rebuilt.json] == [(2, 2, sorted(before))]
    assert archives(used) == before
    assert {point["receipt"] for point in used.fleetkeep("archives", "--json").json} == {"rebuilt"}
    assert used.fleetkeep("catalog", "check").exit_code == 0
    assert len(sizes_in_history(used)) == 2
    found = used.fleetkeep("find", "line", "--json").json
    assert [Path(hit["path"]).name for hit in found] == ["new\nline \udce9"]
    again = used.fleetkeep("catalog", "rebuild", "--missing", "--job", "docs", "--json").json
    assert [(one["read"], one["found"]) for one in again] == [(0, [])]
    assert used.fleetkeep("run", "docs").exit_code == 0
    assert used.fleetkeep("catalog", "check").exit_code == 0


def test_a_borg_that_cannot_be_asked_inside_gives_the_same_catalog(used: Site, tmp_path: Path) -> None:
    frozen = tmp_path / "borg"
    frozen.write_text(f'#!/bin/sh\nexec {Path(sys.executable).with_name("borg")} "$@"\n')
    frozen.chmod(0o755)
    (used.prefix / "source" / "new\nline \udce9").unlink()
    assert used.fleetkeep("run", "docs", FLEETKEEP_BORG=str(frozen)).exit_code == 0
    assert used.fleetkeep("catalog", "check", "--job", "docs").exit_code == 0
    rebuilt = used.fleetkeep("catalog", "rebuild", "--job", "docs", FLEETKEEP_BORG=str(frozen))
    assert rebuilt.stdout == "docs in main: 3 of 3 archives read\n"
    check = used.fleetkeep("catalog", "check", "--job", "docs", "--json")
    # of the second archive alone a printed listing cannot carry a name
    assert [len(one["differing"]) for one in check.json] == [1]
    assert used.fleetkeep("catalog", "rebuild", "--job", "docs").exit_code == 0
    assert used.fleetkeep("catalog", "check", "--job", "docs").exit_code == 0


def test_what_the_catalog_says_wrongly_is_found_file_by_file(used: Site) -> None:
    with closing(sqlite3.connect(catalog(used))) as connection, connection:
        connection.execute("UPDATE file_version SET size = size + 1 WHERE name = ?", (b"notes.txt",))
    newest, oldest = archives(used)
    check = used.fleetkeep("catalog", "check", "--json")
    assert check.exit_code == 1
    (docs,) = [one for one in check.json if one["job"] == "docs"]
    assert docs["differing"] == dict.fromkeys([newest, oldest], "The catalog differs from the archive: 1 different.")
    assert used.fleetkeep("catalog", "rebuild", "--job", "docs").exit_code == 0
    assert used.fleetkeep("catalog", "check").exit_code == 0


def test_what_cannot_be_read_is_said_and_the_others_are_done(used: Site) -> None:
    assert used.fleetkeep("run", "more").exit_code == 0
    (used.prefix / "etc/fleetkeep/secrets/main.passphrase").rename(used.folder / "hidden")
    said = used.fleetkeep("catalog", "rebuild")
    assert (said.exit_code, said.stdout, said.stderr.count("[FK204]")) == (1, "", 3)
    os.rename(used.folder / "hidden", used.prefix / "etc/fleetkeep/secrets/main.passphrase")
    assert len(sizes_in_history(used)) == 2, "nothing is forgotten before it can be read again"
    assert used.fleetkeep("catalog", "check", "--job", "none").stderr.startswith("error: This host has no job none")
