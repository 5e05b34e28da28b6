# SPDX-License-Identifier: GPL-3.0-or-later
"""``fleetkeep diff --text`` reads both contents through Borg."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from listings import Shelf, file_of

from fleetkeep.agent.files import write_file
from fleetkeep.agent.paths import Paths
from fleetkeep.borg.access import BorgAccess
from fleetkeep.borg.process import run_borg
from fleetkeep.catalog.database import open_catalog
from fleetkeep.cli.main import program
from fleetkeep.errors import ArchiveReplaced, TextDiffRefused
from fleetkeep.model import DesiredState, Point, Repository


@pytest.fixture
def back_up(
    host: Paths, local_access: BorgAccess, make_archive: Callable[..., Point], tmp_path: Path
) -> Iterator[Callable[[str, dict[str, bytes]], str]]:
    """Backs up a folder with these files, has the catalog know them, and gives the folder as it is stored."""
    repository = Repository(name="local", location=local_access.location)
    desired = DesiredState(client="web1", repositories={"local": repository})
    write_file(host.desired, desired.model_dump_json())
    write_file(host.repository("local"), repository.model_dump_json())
    folder = tmp_path / "source"
    folder.mkdir()
    with closing(open_catalog(host.catalog)) as catalog:
        shelf = Shelf(catalog)

        def back_up(name: str, content: dict[str, bytes]) -> str:
            stored = str(folder).lstrip("/")
            listing = {}
            for file, data in content.items():
                (folder / file).write_bytes(data)
                listing[f"{stored}/{file}"] = file_of(len(data))
            listing[f"{stored}/linked"] = file_of(0, target=f"{stored}/notes")
            point = make_archive(name, folder)
            shelf.add(listing, repository="local", run=name, archive=point.archive)
            return str(folder)

        yield back_up


def call(host: Paths, *arguments: str) -> Result:
    return CliRunner().invoke(program, ["--prefix", str(host.prefix), "diff", *arguments])


def test_a_text_is_compared_by_line(host: Paths, back_up: Callable[[str, dict[str, bytes]], str]) -> None:
    folder = back_up("one", {"notes": b"a\nb\x1b[31m\nc\n", "same": b"s", "zero": b"\0"})
    back_up("two", {"notes": b"a\nB\nc\ncaf\xe9", "same": b"s", "zero": b"\0", "new": b"n\n"})
    shown = call(host, "one", "two", f"{folder}/notes", "--text")
    assert shown.output.splitlines() == [
        f"--- one:{folder}/notes",
        f"+++ two:{folder}/notes",
        "@@ -1,3 +1,4 @@",
        " a",
        "-b\\x1b[31m",
        "+B",
        " c",
        "+caf\\udce9",
        "\\ No newline at end of file",
    ]
    assert (
        call(host, "one", "two", "--text", f"{folder}/linked").output.splitlines()[4:] == shown.output.splitlines()[4:]
    )
    assert call(host, "one", "two", f"{folder}/new", "--text").output.splitlines()[2:] == ["@@ -0,0 +1 @@", "+n"]
    assert call(host, "one", "two", f"{folder}/same", "--text").output == f"The content of {folder}/same is the same.\n"
    lines = json.loads(call(host, "one", "two", f"{folder}/notes", "--text", "--json").output)["lines"]
    assert lines[5:] == ["+B", " c", "+caf\udce9\n\\ No newline at end of file"]
    refused = call(host, "one", "two", f"{folder}/zero", "--text").exception
    assert isinstance(refused, TextDiffRefused) and "is no text" in str(refused)


def test_an_archive_that_was_replaced_is_not_read(
    host: Paths, back_up: Callable[[str, dict[str, bytes]], str], local_access: BorgAccess
) -> None:
    folder = back_up("one", {"notes": b"a\n"})
    back_up("two", {"notes": b"b\n"})
    renamed = run_borg(local_access, ["rename", f"{local_access.location}::two", "other"])
    assert renamed.is_success
    assert run_borg(local_access, ["rename", f"{local_access.location}::one", "two"]).is_success
    assert isinstance(call(host, "two", "two", f"{folder}/notes", "--text").exception, ArchiveReplaced)
