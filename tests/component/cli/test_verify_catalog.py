# SPDX-License-Identifier: GPL-3.0-or-later
"""``verify catalog`` as a person calls it: a real archive, and a catalog that somebody falsified."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from managed import ManagedHost

from fleetkeep.borg.program import BorgProgram
from fleetkeep.cli.main import program
from fleetkeep.errors import ArchiveNotIndexed, UnknownArchive

HOSTILE = "esc\x1b[31m\nnew"


@dataclass
class Scene:
    """A host with two archives of one job, between which a file changed."""

    host: ManagedHost
    tree: Path
    archives: list[str]

    def call(self, *arguments: str) -> Result:
        return CliRunner().invoke(program, ["--prefix", str(self.host.paths.prefix), *arguments])

    def verify(self, archive: str | None = None) -> Any:
        """The result as JSON, and the exit code that belongs to it."""
        done = self.call("verify", "catalog", archive or self.archives[-1], "--json")
        (result,) = json.loads(done.stdout)
        assert done.exit_code == (0 if result["outcome"] == "succeeded" else 1)
        return result

    def falsify(self, statement: str, name: str) -> None:
        """Change the rows of a name in the catalog, behind its back."""
        with closing(sqlite3.connect(self.host.paths.catalog)) as connection, connection:
            changed = connection.execute(statement, {"name": os.fsencode(name)})
            assert changed.rowcount == 1

    def stored(self, name: str) -> str:
        return f"{self.tree}/{name}".lstrip("/")


@pytest.fixture
def scene(tmp_path: Path, borg_program: BorgProgram) -> Scene:
    tree = tmp_path / "tree"
    (tree / "sub").mkdir(parents=True)
    for name in ("changes", "stays", "sub/deep", HOSTILE):
        (tree / name).write_text("one")
    os.link(tree / "stays", tree / "sub" / "second name")
    (tree / "link").symlink_to("stays")
    (tree / os.fsdecode(b"caf\xe9")).write_text("no text")
    # the job's second source lies in the first, so that the archive holds what is below it twice
    host = ManagedHost(tmp_path, borg_program, [tree, tree / "sub"])
    first = host.run()
    (tree / "changes").write_text("another")
    second = host.run()
    names = [part.archive.name for run in (first, second) for part in run.repositories if part.archive]
    return Scene(host, tree, names)


def test_an_archive_and_a_catalog_that_agree(scene: Scene) -> None:
    for name in scene.archives:
        result = scene.verify(name)
        assert result["outcome"] == "succeeded", result
        assert (result["kind"], result["archive_name"]) == ("catalog", name)
        assert result["evidence"]["entries"] == 9
        assert result["evidence"]["items"] == 12  # three of them twice
    said = scene.call("verify", "catalog", scene.archives[0])
    assert said.output == f"proven: 12 items of {scene.archives[0]}, and the catalog has the same\n"
    assert isinstance(scene.call("verify", "catalog", "nothing").exception, UnknownArchive)
    unknown = scene.host.back_up("by-hand", scene.tree)
    Path(scene.host.repository.location).rename(scene.tree.parent / "away")  # refused before it is read
    assert isinstance(scene.call("verify", "catalog", unknown.name).exception, ArchiveNotIndexed)


FALSIFICATIONS = {
    "changes": "DELETE FROM file_version WHERE name = :name AND last IS NULL",
    "stays": """INSERT INTO file_version SELECT tree, folder, CAST('never there' AS BLOB), first, last, size,
        modified_us, inode_after_us, attribute, target FROM file_version WHERE name = :name""",
    "link": "UPDATE file_version SET target = CAST('elsewhere' AS BLOB) WHERE name = :name",
    HOSTILE: "UPDATE file_version SET size = size + 1 WHERE name = :name",
}


def test_what_the_catalog_says_otherwise_is_named_recorded_and_put_right(scene: Scene) -> None:
    for name, statement in FALSIFICATIONS.items():
        scene.falsify(statement, name)
    result = scene.verify()
    reason = "The catalog differs from the archive: 1 missing, 1 extra, 2 different."
    assert (result["outcome"], result["reason"]) == ("failed", reason)
    evidence = result["evidence"]
    assert [evidence[word] for word in ("items", "entries", "missing", "extra", "differing")] == [12, 9, 1, 1, 2]
    assert evidence["missing_paths"] == [scene.stored("changes")]
    assert evidence["extra_paths"] == [scene.stored("never there")]
    assert set(evidence["differing_paths"]) == {scene.stored("link"), scene.stored("esc\\x1b[31m\nnew")}
    said = scene.call("verify", "catalog", scene.archives[-1])
    assert said.exit_code == 1
    head, *lines = said.output.splitlines()
    assert head == f"local: NOT proven: {reason}"
    assert lines[:2] == [f"  missing   /{scene.stored('changes')}", f"  extra     /{scene.stored('never there')}"]
    assert sorted(line.split()[0] for line in lines[2:]) == ["differing", "differing"]
    assert "\x1b" not in said.output
    _is_shown(scene, reason)
    assert scene.call("catalog", "rebuild").exit_code == 0
    assert scene.call("catalog", "check").exit_code == 0
    assert "catalog_differs" not in _findings(scene)


def _is_shown(scene: Scene, reason: str) -> None:
    """The result stands in the list and in the verdict, with what to do."""
    listed = json.loads(scene.call("verify", "list", "--kind", "catalog", "--json").stdout)
    assert [one["outcome"] for one in listed] == ["failed", "failed"]
    assert reason in scene.call("verify", "list", "--archive", scene.archives[-1]).output
    finding = _findings(scene)["catalog_differs"]
    assert scene.archives[-1] in finding["sentence"]
    assert finding["next_step"].startswith("`fleetkeep catalog rebuild --job system --repository local` reads it anew")
    status = scene.call("status")
    assert status.exit_code == 3
    assert "needs a person: web1/system: the catalog did not agree with archive" in status.output


def _findings(scene: Scene) -> dict[str, Any]:
    return {one["kind"]: one for one in json.loads(scene.call("status", "--json").stdout)["findings"]}


def test_an_interval_that_ends_too_late_shows_in_the_archive_after_it(scene: Scene) -> None:
    scene.falsify("UPDATE file_version SET last = NULL WHERE name = :name AND last = 1", "changes")
    result = scene.verify()
    assert result["evidence"]["differing_paths"] == [scene.stored("changes")]
    assert scene.verify(scene.archives[0])["outcome"] == "succeeded"
