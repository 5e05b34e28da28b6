# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts of an archive as a tar stream, a zip stream, or the content of one file."""

from __future__ import annotations

import hashlib
import io
import json
import os
import stat
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest

from fleetkeep.agent.restore import make_selection
from fleetkeep.agent.restore_plan import plan_stream
from fleetkeep.agent.restore_stream import Output, open_output, write_stream
from fleetkeep.borg.process import Cancellation
from fleetkeep.clock import SystemClock
from fleetkeep.errors import ExportStopped, NotOneFile, OutputRefused, PathNotInArchive
from fleetkeep.model import Outcome
from fleetkeep.plan.restore import RestoreForm

CLOCK = SystemClock()
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="owners and unreadable files need root")


def stored(path: Path) -> str:
    return str(path).lstrip("/")


def stream(access, archive, form, paths=(), report=None, **more):
    plan = plan_stream(access, archive, make_selection(paths), form, **more)
    into = io.BytesIO()
    result = write_stream(access, plan, Output(into, "-", form), CLOCK, report=report)
    assert result.sha256 == hashlib.sha256(into.getvalue()).hexdigest()
    return result, into.getvalue()


@root_only
def test_a_tar_stream_holds_the_odd_tree(local_access, make_archive, odd_tree, portrait, tmp_path):
    point = make_archive("one", odd_tree)
    report = tmp_path / "report"
    result, content = stream(local_access, point.archive, RestoreForm.TAR, report=report)
    assert result.outcome is Outcome.SUCCEEDED
    lines = [json.loads(line) for line in report.read_text().splitlines()]
    hashes = {line["path"]: line["sha256"] for line in lines if line.get("sha256")}
    assert hashes[stored(odd_tree / "new\nline")] == hashlib.sha256(b"new\nline").hexdigest()
    assert len(lines) == len(portrait(odd_tree)) + 1 + 2
    target = tmp_path / "target"
    target.mkdir()
    subprocess.run(["tar", "xpf", "-", "-C", str(target)], input=content, check=True)
    ours, theirs = portrait(target / stored(odd_tree)), portrait(odd_tree)
    assert ours.keys() == theirs.keys()
    for path, facts in theirs.items():
        # A tar of this form has whole seconds and no attributes.
        assert ours[path][:3] == facts[:3]
        assert ours[path][4:6] == facts[4:6]


@root_only
def test_a_zip_stream_says_what_it_cannot_hold(local_access, make_archive, odd_tree, tmp_path):
    (odd_tree / "old").write_text("x")
    os.utime(odd_tree / "old", (1, 1))
    point = make_archive("one", odd_tree)
    report = tmp_path / "report"
    result, content = stream(local_access, point.archive, RestoreForm.ZIP, report=report)
    assert result.outcome is Outcome.WARNING
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        entries = {entry.filename.removeprefix(stored(odd_tree) + "/"): entry for entry in archive.infolist()}
        link = entries["broken link"]
        assert stat.S_ISLNK(link.external_attr >> 16)
        assert archive.read(link) == b"/nowhere/at all"
        assert archive.read(entries["new\nline"]) == b"new\nline"
        assert archive.read(entries["caf\\xe9 latin"]) == b"caf\xe9 latin"
        assert entries["set user id"].external_attr >> 16 == stat.S_IFREG | 0o4755
        assert entries["old"].date_time[0] == 1980
        assert entries["sparse"].file_size == 20_000_000
    reasons = {each.path.rpartition("/")[2]: each.message for each in result.warnings}
    assert "fifo" not in entries
    assert "left out" in reasons["fifo"]
    assert "no UTF-8" in reasons["caf\\udce9 latin"]
    assert sum("a further name of a file" in words for words in reasons.values()) == 2
    unpacked = tmp_path / "unpacked"
    (tmp_path / "a.zip").write_bytes(content)
    subprocess.run(["python3", "-m", "zipfile", "-e", str(tmp_path / "a.zip"), str(unpacked)], check=True)
    assert (unpacked / stored(odd_tree) / "sub/file9").read_bytes() == (odd_tree / "sub/file9").read_bytes()


def test_one_file_and_nothing_else_goes_to_standard_output(local_access, make_archive, odd_tree):
    point = make_archive("one", odd_tree)
    for name in ("sub/file7", "a first name", "sub/deeper/another name", "-dash", "new\nline", "caf\udce9 latin"):
        path = os.fsencode(odd_tree) + b"/" + os.fsencode(name)
        result, content = stream(local_access, point.archive, RestoreForm.FILE, [os.fsdecode(path)])
        with open(path, "rb") as file:
            assert content == file.read(), name
        assert result.outcome is Outcome.SUCCEEDED
    for name in ("sub", "link", "fifo"):
        with pytest.raises(NotOneFile):
            plan_stream(local_access, point.archive, make_selection([str(odd_tree / name)]), RestoreForm.FILE)
    with pytest.raises(NotOneFile, match="The whole archive"):
        plan_stream(local_access, point.archive, make_selection([]), RestoreForm.FILE)
    with pytest.raises(PathNotInArchive):
        plan_stream(local_access, point.archive, make_selection(["/nothing"]), RestoreForm.FILE)


def test_stripped_folders_and_chosen_paths_in_a_tar(local_access, make_archive, tree):
    point = make_archive("one", tree)
    components = len(Path(stored(tree)).parts)
    _, content = stream(local_access, point.archive, RestoreForm.TAR, [str(tree / "sub")], strip_components=components)
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        assert tar.getnames() == ["sub", "sub/\u00fcml\u00e4ut name"]


def test_a_file_is_whole_or_not_there(local_access, make_archive, tmp_path):
    folder, output = tmp_path / "folder", tmp_path / "out" / "a.tar"
    folder.mkdir()
    output.parent.mkdir()
    for number in range(30):
        (folder / str(number)).write_bytes(os.urandom(1_000_000))
    point = make_archive("one", folder)
    plan = plan_stream(local_access, point.archive, make_selection([]), RestoreForm.TAR)
    cancellation = Cancellation()
    with pytest.raises(ExportStopped, match="It was cancelled"), open_output(output, RestoreForm.TAR) as into:
        stop = {"on_progress": lambda done, total: cancellation.cancel(), "cancellation": cancellation}
        write_stream(local_access, plan, into, CLOCK, **stop)
    assert list(output.parent.iterdir()) == []
    with open_output(output, RestoreForm.TAR) as into:
        write_stream(local_access, plan, into, CLOCK)
    assert output.stat().st_mode & 0o777 == 0o600
    assert tarfile.is_tarfile(output)
    with pytest.raises(OutputRefused, match="say --yes"), open_output(output, RestoreForm.TAR):
        pass
    with open("/dev/full", "wb", buffering=0) as full, pytest.raises(OutputRefused, match="No space left"):
        write_stream(local_access, plan, Output(full, "-", RestoreForm.TAR), CLOCK)
