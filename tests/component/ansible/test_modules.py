# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules for single tasks, through the real Ansible: check mode, change, idempotence, and what they refuse."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from fleetkeep.agent.paths import Paths
from fleetkeep.agent.reconcile import reconcile
from fleetkeep.agent.resources import Given
from fleetkeep.clock import SystemClock
from fleetkeep.model import DesiredState

from .conftest import SECRET, Site


class Tasks:
    """Runs single modules on the host of a site."""

    def __init__(self, site: Site) -> None:
        self.site = site

    def __call__(self, module: str, /, *options: str, **arguments: Any) -> dict[str, Any]:
        """The result of one module, with ``failed``, and what Ansible ``shows`` besides; ``options`` go to Ansible."""
        program = str(Path(sys.executable).with_name("ansible"))
        given = json.dumps({"prefix": str(self.site.prefix), **arguments})
        command = [program, "-i", "inventory", "here", "-m", f"fleetkeep.backup.{module}", "-a", given]
        command += ["-e", "ansible_python_interpreter={{ ansible_playbook_python }}", *options]
        done = self.site.run(command)
        assert SECRET not in done.said
        assert "Traceback" not in done.said
        status, _, text = done.stdout.partition(" => {")
        result, end = json.JSONDecoder().raw_decode("{" + text)
        return {"failed": "FAILED" in status, "shows": status + text[end:], **result}


@pytest.fixture
def task(site: Site) -> Tasks:
    (site.prefix / "source/one").write_text("one")
    return Tasks(site)


@pytest.fixture
def applied(task: Tasks) -> Tasks:
    """A host with the repository ``main`` and the job ``docs``."""
    prefix = task.site.prefix
    desired = DesiredState.model_validate(
        {
            "client": "here",
            "repositories": {"main": {"name": "main", "location": f"{prefix}/srv"}},
            "jobs": {
                "docs": {
                    "name": "docs",
                    "sources": {"paths": [f"{prefix}/source"]},
                    "repositories": ["main"],
                    "retention": {"daily": 7},
                }
            },
        }
    )
    reconcile(
        Paths(prefix),
        desired,
        Given(secrets={"main": SECRET}),
        check=False,
        allow_removals=False,
        clock=SystemClock(),
        command=["x"],
    )
    return task


def test_host_state_refuses_what_is_no_desired_state(task: Tasks) -> None:
    result = task("host_state", desired={"client": "here", "jobs": {"docs": {"name": "docs"}}})
    assert result["failed"]
    assert "jobs.docs.sources: Field required" in result["msg"]
    assert set(task.site.files()) == {"source/one"}


def test_repository_is_made_once_and_never_deleted(task: Tasks) -> None:
    wanted = {"name": "disk", "location": f"{task.site.prefix}/disk", "passphrase": SECRET, "quota": "1G"}
    check = task("repository", "--check", "--diff", **wanted)
    assert check["changed"]
    assert "/disk.passphrase" in check["shows"]
    assert "+(secret)" in check["shows"]
    assert set(task.site.files()) == {"source/one"}
    made = task("repository", **wanted)
    assert made["plan"]["changes"] == check["plan"]["changes"]
    assert not task("repository", **wanted)["changed"]

    gone = task("repository", name="disk", state="absent")
    assert gone["changed"]
    assert "disk" in gone["messages"][0]
    assert "stays" in gone["messages"][0]
    files = set(task.site.files())
    assert "etc/fleetkeep/repositories/disk.json" not in files
    assert "disk/config" in files


def test_repository_refuses_another_passphrase_and_one_in_use(applied: Tasks) -> None:
    before = applied.site.files()
    taken = applied("repository", name="main", location=f"{applied.site.prefix}/srv", passphrase="not the one")
    assert "exists with another passphrase" in taken["msg"]
    used = applied("repository", name="main", state="absent")
    assert "job docs names repository main" in used["msg"]
    assert applied.site.files() == before


def test_repository_info_tells_ids_and_sizes(applied: Tasks) -> None:
    [plain] = applied("repository_info")["repositories"]
    assert plain["name"] == "main"
    assert len(plain["id"]) == 64
    assert "statistics" not in plain
    applied("backup", job="docs")
    [measured] = applied("repository_info", name="main", statistics=True)["repositories"]
    assert measured["statistics"]["original_bytes"] > 0
    assert "This host has no repository nope" in applied("repository_info", name="nope")["msg"]
    (applied.site.prefix / "srv/config").rename(applied.site.prefix / "srv/away")
    [lost] = applied("repository_info", statistics=True)["repositories"]
    assert "main" in lost["problem"]


def test_backup_runs_once_in_its_time(applied: Tasks) -> None:
    assert applied("archive_info")["archives"] == []
    check = applied("backup", "--check", job="docs")
    assert check["changed"]
    assert applied("archive_info")["archives"] == []

    first = applied("backup", "--diff", job="docs", max_age="1h")
    assert first["run"]["outcome"] == "succeeded", first
    assert first["run"]["trigger"] == "ansible"
    assert f"+main: {first['archives']['main']}" in first["shows"]
    [known] = applied("archive_info", job="docs")["archives"]
    assert known["archive"]["name"] == first["archives"]["main"]

    assert not applied("backup", job="docs", max_age="1h")["changed"]
    assert applied("backup", job="docs", max_age="0s")["changed"]
    assert len(applied("archive_info", repository="main")["archives"]) == 2
    assert len(applied("archive_info", limit=1)["archives"]) == 1
    assert applied("archive_info", job="other")["archives"] == []


def test_backup_fails_with_the_run_s_reason(applied: Tasks) -> None:
    assert "This host has no job nope; it has docs." in applied("backup", job="nope")["msg"]
    (applied.site.prefix / "source/one").unlink()
    (applied.site.prefix / "source").rmdir()
    refused = applied("backup", job="docs")
    assert refused["failed"]
    assert not refused["changed"]
    assert "source" in refused["msg"]
    assert refused["run"]["outcome"] == "failed"


def test_restore_brings_back_and_then_has_nothing_to_do(applied: Tasks) -> None:
    source = applied.site.prefix / "source"
    archive = applied("backup", job="docs")["archives"]["main"]
    target = str(applied.site.folder / "restored")
    check = applied("restore", "--check", "--diff", job="docs", to=target)
    assert check["changed"]
    assert "source/one  (from the archive)" in check["shows"]
    assert not Path(target).exists()

    done = applied("restore", archive=archive, to=target)
    assert (done["archive"], done["target"], done["files"]) == (archive, target, 1)
    assert (Path(target) / str(source)[1:] / "one").read_text() == "one"
    assert not applied("restore", archive=archive, to=target)["changed"]

    (source / "one").write_text("changed since")
    for options in ([], ["--check"]):
        refused = applied("restore", *options, job="docs", original_place=True)
        assert refused["failed"]
        assert (source / "one").read_text() == "changed since"
    assert applied("restore", job="docs", original_place=True, overwrite=True)["changed"]
    assert (source / "one").read_text() == "one"


def test_restore_keeps_what_is_there_and_takes_patterns(applied: Tasks) -> None:
    source = applied.site.prefix / "source"
    archive = applied("backup", job="docs")["archives"]["main"]
    target = applied.site.folder / "restored"
    components = len(source.parts) - 1
    wanted = {"archive": archive, "to": str(target), "patterns": ["fm:*/one"], "strip_components": components}
    assert applied("restore", **wanted)["counts"] == {"create": 1}
    (target / "one").write_text("mine")
    kept = applied("restore", **wanted, on_conflict="skip", owner="none")
    assert (kept["changed"], kept["counts"]) == (False, {"keep": 1})
    assert (target / "one").read_text() == "mine"
    assert "matches fm:*/none" in applied("restore", **{**wanted, "patterns": ["fm:*/none"]})["msg"]
    assert (
        "strip_components needs to"
        in applied("restore", archive=archive, original_place=True, strip_components=1)["msg"]
    )


def test_restore_says_what_it_cannot_find(applied: Tasks) -> None:
    applied("backup", job="docs")
    target = applied.site.folder / "restored"
    for arguments, words in (
        ({"archive": "nope"}, "No archive nope is known here"),
        ({"job": "docs", "at": "yesterday-ish"}, "is no moment"),
        ({"job": "docs", "paths": ["/nowhere"]}, "nowhere"),
    ):
        assert words in applied("restore", to=str(target), **arguments)["msg"]
    assert not target.exists()


def test_without_anything_applied_the_modules_say_so(task: Tasks) -> None:
    for name, arguments in (("backup", {"job": "docs"}), ("archive_info", {}), ("repository_info", {})):
        assert "No state was ever applied" in task(name, **arguments)["msg"]
