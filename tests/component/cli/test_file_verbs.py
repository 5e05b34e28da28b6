# SPDX-License-Identifier: GPL-3.0-or-later
"""The verbs that show files of archives: ``ls``, ``find``, ``history`` and ``diff`` over a real catalog."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from builders import DAY, NOW
from click.testing import CliRunner, Result
from empty_catalog import put_empty_catalog
from listings import Shelf, file_of, folder_of

from fleetkeep.agent.paths import Paths
from fleetkeep.catalog.database import open_catalog
from fleetkeep.cli.main import program
from fleetkeep.errors import (
    ArchiveNotIndexed,
    FleetkeepError,
    NoFilesIndexed,
    PathInNeither,
    PathNeverSeen,
    PathNotInArchive,
    PathRefused,
    TextDiffRefused,
    UnknownArchive,
)
from fleetkeep.model import FileStatus

HOSTILE = "srv/[bold]x\x1b[31m\n\u202egpj.exe"
DAY_US = 86_400_000_000
MODIFIED_US = int((NOW - DAY).timestamp()) * 1_000_000

FIRST = {
    "etc": folder_of(),
    "etc/hosts": file_of(10_000, MODIFIED_US),
    "etc/motd": file_of(5, MODIFIED_US),
    "etc/localtime": file_of(0, mode=0o120777, target="/usr/share/zoneinfo/UTC"),
    "srv/www/index.html": file_of(2_000, MODIFIED_US),
}
SECOND = FIRST | {"etc/hosts": file_of(12_000, MODIFIED_US + DAY_US, mode=0o100600), HOSTILE: file_of(7)}
SECOND.pop("etc/motd")


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    return tmp_path / "host"


@pytest.fixture
def shelf(prefix: Path) -> Iterator[Shelf]:
    with closing(open_catalog(put_empty_catalog(Paths(prefix).catalog))) as catalog:
        yield Shelf(catalog)


@pytest.fixture
def two(shelf: Shelf) -> Shelf:
    """Two runs of a job into two repositories."""
    for run, listing in (("run1", FIRST), ("run2", SECOND)):
        for repository in ("local", "offsite"):
            shelf.add(listing, run=run, repository=repository)
    return shelf


def call(prefix: Path, *arguments: str) -> Result:
    return CliRunner().invoke(program, ["--prefix", str(prefix), *arguments])


def lines(result: Result) -> list[list[str]]:
    return [line.split() for line in result.stdout.splitlines()]


# --- nothing to show ---


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["find", "x"], NoFilesIndexed),
        (["history", "/etc"], NoFilesIndexed),
        (["ls", "nothing"], UnknownArchive),
        (["diff", "a", "b"], UnknownArchive),
    ],
)
def test_an_empty_host_says_what_to_do_and_stays_empty(
    prefix: Path, arguments: list[str], error: type[FleetkeepError]
) -> None:
    assert isinstance(call(prefix, *arguments).exception, error)
    assert not prefix.exists()


def test_archives_without_files_in_the_catalog_are_told_of(prefix: Path, shelf: Shelf) -> None:
    shelf.add({}, run="old", state=None)
    for arguments in (["find", "x"], ["history", "/x"]):
        assert "of any job yet" in str(call(prefix, *arguments).exception)
    assert "of job odd (there is system)" in str(call(prefix, "find", "x", "--job", "odd").exception)
    refused = call(prefix, "ls", "web1-system-old").exception
    assert isinstance(refused, ArchiveNotIndexed) and "`fleetkeep catalog rebuild`" in str(refused)
    shelf.add(FIRST, run="new")
    found = call(prefix, "find", "hosts")
    assert found.exit_code == 0
    assert found.stderr == (
        "The files of 1 of 2 archives are not in the catalog; `fleetkeep catalog rebuild` reads them.\n"
    )


# --- ls ---


def test_ls_lists_a_folder_of_an_archive(prefix: Path, two: Shelf) -> None:
    root = call(prefix, "ls", "web1-system-run1")
    assert [line[-1] for line in lines(root)] == ["NAME", "etc/", "srv/"]
    assert lines(root)[2] == ["-", "-", "-", "-", "-", "srv/"]
    etc = call(prefix, "ls", "web1-system-run1:/etc")
    assert [line[-1] for line in lines(etc)] == ["NAME", "hosts", "/usr/share/zoneinfo/UTC", "motd"]
    assert lines(etc)[1][:5] == ["-rw-r--r--", "root", "root", "10.0", "kB"]
    assert call(prefix, "ls", "web1-system-run1", "etc/").output == etc.output
    assert lines(call(prefix, "ls", "web1-system-run1:/etc/hosts"))[1] == lines(etc)[1]
    names = [line[-1] for line in lines(call(prefix, "ls", "--job", "system", "/etc"))]
    assert names == ["NAME", "hosts", "/usr/share/zoneinfo/UTC"]
    entries = json.loads(call(prefix, "ls", "web1-system-run2:srv", "--json").output)
    assert [(entry["path"], entry["status"] and entry["status"]["size"]) for entry in entries] == [
        (HOSTILE, 7),
        ("srv/www", None),
    ]


def test_ls_says_what_is_wrong(prefix: Path, two: Shelf) -> None:
    assert isinstance(call(prefix, "ls", "web1-system-run2:/etc/motd").exception, PathNotInArchive)
    assert isinstance(call(prefix, "ls", "web1-system-run2:../x").exception, PathRefused)
    for misuse in (["ls"], ["ls", "--at", "2d", "x"], ["ls", "x", "/a", "/b"], ["ls", "--job", "x", "--at", "soon"]):
        assert call(prefix, *misuse).exit_code == 2


# --- find ---


def test_find_shows_each_path_once_with_its_versions(prefix: Path, two: Shelf) -> None:
    found = lines(call(prefix, "find", "HOST"))
    assert found[0] == ["MODIFIED", "SIZE", "VERSIONS", "THERE", "NEWEST", "ARCHIVE", "PATH"]
    assert found[1][2:] == ["12.0", "kB", "2", "yes", "web1-system-run2", "/etc/hosts"] and len(found) == 2
    assert lines(call(prefix, "find", "*.html"))[1][-1] == "/srv/www/index.html"
    gone = lines(call(prefix, "find", "motd"))[1]
    assert gone[4:] == ["1", "gone", "web1-system-run1", "/etc/motd"]
    assert [line[-1] for line in lines(call(prefix, "find", "--type", "folder"))] == ["PATH", "/etc/"]
    assert [line[-1] for line in lines(call(prefix, "find", "--larger", "11k"))] == ["PATH", "/etc/hosts"]
    assert lines(call(prefix, "find", "hosts", "--archive", "web1-system-run1"))[1][4] == "1"
    assert lines(call(prefix, "find", "/etc/", "--limit", "1"))[-1][:5] == ["These", "are", "the", "first", "1;"]
    hits = json.loads(call(prefix, "find", "hosts", "--repository", "local", "--json").output)
    assert [(hit["path"], hit["states"], hit["newest"]["repositories"]) for hit in hits] == [
        ("etc/hosts", 2, ["local"])
    ]


def test_find_takes_times_as_people_mean_them(prefix: Path, two: Shelf) -> None:
    day = f"{NOW - DAY:%Y-%m-%d}"
    sizes = [hit["newest"]["status"]["size"] for hit in _json(prefix, "hosts", "--modified-before", f"{NOW:%Y-%m-%d}")]
    assert sizes == [10_000]
    assert _json(prefix, "hosts", "--modified-before", day, status=1) == []
    assert len(_json(prefix, "index", "--modified-after", day)) == 1
    assert _json(prefix, "index", "--modified-after", f"{NOW:%Y%m%d}", status=1) == []
    assert _json(prefix, "hosts", "--at", "2020-01-01", status=1) == []


def _json(prefix: Path, *arguments: str, status: int = 0) -> list[dict[str, object]]:
    found = call(prefix, "find", *arguments, "--json")
    assert found.exit_code == status, found.output
    return json.loads(found.stdout)


def test_find_without_a_match_ends_as_grep_does(prefix: Path, two: Shelf) -> None:
    nothing = call(prefix, "find", "no such\x1bname")
    assert (nothing.exit_code, nothing.stdout, nothing.stderr) == (1, "", "Nothing matches no such\\x1bname.\n")
    nothing = call(prefix, "find", "nothing", "--json")
    assert (nothing.exit_code, nothing.stdout) == (1, "[]\n")
    for misuse in (["--larger", "much"], ["--type", "car"], ["--at", "soon"]):
        assert call(prefix, "find", *misuse).exit_code == 2


def test_names_cannot_drive_the_terminal(prefix: Path, two: Shelf) -> None:
    for arguments in (
        ["find", "gpj"],
        ["ls", "web1-system-run2:srv"],
        ["diff", "--files", *_runs()],
        ["history", HOSTILE],
    ):
        shown = call(prefix, *arguments).output
        assert "[bold]x\\x1b[31m\\n\\u202egpj.exe" in shown
        assert "\x1b" not in shown and "\u202e" not in shown


def test_a_name_that_is_no_text_is_found_and_shown(prefix: Path, shelf: Shelf) -> None:
    shelf.add({"caf\udce9": file_of(3), "cafe": file_of(4)})
    command = [sys.executable, "-m", "fleetkeep", "--prefix", str(prefix)]
    environment = os.environ | {"LC_ALL": "C.UTF-8"}
    for arguments in ([b"find", b"f\xe9"], [b"history", b"/caf\xe9"], [b"ls", b"--job", b"system", b"/caf\xe9"]):
        done = subprocess.run([*command, *arguments], capture_output=True, check=False, env=environment)
        assert (done.returncode, done.stderr) == (0, b"")
        assert b"caf\\udce9" in done.stdout and b"cafe" not in done.stdout


# --- history ---


def test_history_shows_every_version_and_what_changed(prefix: Path, two: Shelf) -> None:
    shown = call(prefix, "history", "/etc/hosts")
    head, columns, second, first = shown.output.splitlines()
    assert head == "/etc/hosts: 2 versions; the newest archive has it."
    assert columns.split()[-4:] == ["FIRST", "ARCHIVE", "LAST", "ARCHIVE"]
    assert "12.0 kB  -rw-------  root:root  size, modified, mode" in second
    assert second.split()[-5:] == ["1", "local,", "offsite", "web1-system-run2", "web1-system-run2"]
    assert "10.0 kB  -rw-r--r--  root:root  first" in first
    kept = call(prefix, "history", "srv/www/index.html").output.splitlines()
    assert len(kept) == 3 and kept[2].split()[-5:] == ["2", "local,", "offsite", "web1-system-run1", "web1-system-run2"]
    states = json.loads(call(prefix, "history", "/etc/hosts", "--json").output)
    assert [(state["status"]["size"], state["is_present"]) for state in states] == [(12_000, True), (10_000, False)]


def test_history_tells_what_is_gone_and_what_came_back(prefix: Path, two: Shelf) -> None:
    gone = call(prefix, "history", "/etc/motd").output.splitlines()[0]
    assert gone == "/etc/motd: 1 version; gone since web1-system-run1, which was the last to have it."
    two.add(FIRST, run="run3", repository="local")
    assert "  came back  " in call(prefix, "history", "/etc/motd").output.splitlines()[2]
    never = call(prefix, "history", "/etc/none").exception
    assert isinstance(never, PathNeverSeen) and "/etc/none" in str(never)
    assert isinstance(call(prefix, "history", "").exception, PathRefused)


# --- diff ---


def _runs() -> tuple[str, str]:
    return "web1-system-run1", "web1-system-run2"


def test_diff_adds_up_by_folder(prefix: Path, two: Shelf) -> None:
    shown = call(prefix, "diff", *_runs()).output.splitlines()
    assert shown[0] == (
        "web1-system-run1 to web1-system-run2: 1 path added (7 B), 1 path removed (5 B), 1 path changed (12.0 kB)."
    )
    assert [line.split() for line in shown[1:]] == [
        ["FOLDER", "ADDED", "REMOVED", "CHANGED", "GROWN", "BY"],
        ["/etc", "-", "1", "1", "+2.0", "kB"],
        ["/srv", "1", "-", "-", "+7", "B"],
    ]
    assert call(prefix, "diff", *_runs(), "--depth", "0").output.splitlines() == shown[:1]
    assert call(prefix, "diff", *_runs(), "/srv/www").output.endswith("web1-system-run2: nothing differs.\n")
    assert json.loads(call(prefix, "diff", *_runs(), "--json").output)["total"]["grown_bytes"] == 2_002
    across = call(prefix, "diff", *_runs(), "--repository", "offsite")
    assert across.output.splitlines() == shown


def test_diff_lists_paths(prefix: Path, two: Shelf) -> None:
    shown = call(prefix, "diff", *_runs(), "etc", "--files").output.splitlines()
    assert [line.split() for line in shown[1:]] == [
        *[["changed", "10.0", "kB", "to", "12.0", "kB", "size,", "modified,", "mode", "/etc/hosts"]],
        *[["removed", "5", "B", "/etc/motd"]],
    ]
    some = call(prefix, "diff", *_runs(), "--files", "--limit", "1")
    assert some.stderr == "These are the first 1; --limit shows more.\n" and len(some.stdout.splitlines()) == 2
    changes = json.loads(call(prefix, "diff", *_runs(), "--files", "--json").output)
    assert [change["path"] for change in changes] == ["etc/hosts", "etc/motd", HOSTILE]
    assert call(prefix, "diff", *_runs(), "/srv/www", "--files").output == "Nothing differs.\n"
    assert isinstance(call(prefix, "diff", *_runs(), "/nothing").exception, PathInNeither)


def test_diff_takes_moments_of_a_job(prefix: Path, two: Shelf) -> None:
    moments = (f"{NOW:%Y-%m-%dT%H:%M:%S}.000000+00:00",) * 2
    refused = call(prefix, "diff", "--job", "system", *moments).exception
    assert "has no archive from" in str(refused)
    assert call(prefix, "diff", "--job", "system", "soon", "1d").exit_code == 2
    later = ("2026-11-20T12:02:30+00:00", "2026-11-20T12:04:30+00:00")
    assert call(prefix, "diff", "--job", "system", *later).output.startswith("web1-system-run1 to web1-system-run2: ")


def test_text_is_compared_only_of_small_regular_files(prefix: Path, shelf: Shelf) -> None:
    large: dict[str, FileStatus] = {"etc": folder_of(), "etc/large": file_of(1_000_001)}
    shelf.add(large, run="run1")
    shelf.add(large, run="run2")
    for path, words in (("/etc", "is no regular file"), ("/etc/large", "is 1.0 MB, and only up to 1.0 MB")):
        refused = call(prefix, "diff", *_runs(), path, "--text").exception
        assert isinstance(refused, TextDiffRefused) and words in str(refused)
    assert isinstance(call(prefix, "diff", *_runs(), "/none", "--text").exception, PathInNeither)
    assert call(prefix, "diff", *_runs(), "--text", "--files").exit_code == 2
