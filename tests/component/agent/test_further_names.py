# SPDX-License-Identifier: GPL-3.0-or-later
"""Further names of hard-linked files: the archive holds the content at the first name only, and each gives it."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import zipfile
from pathlib import Path

import pytest

from fleetkeep.agent.drill import DrillPlace, drill_job
from fleetkeep.agent.restore import make_selection, plan_restore, run_restore
from fleetkeep.agent.restore_plan import plan_stream
from fleetkeep.agent.restore_stream import Output, write_stream
from fleetkeep.clock import SystemClock
from fleetkeep.model import Assertion, DrillKind, OnConflict, Outcome, Point, RestoreManner
from fleetkeep.plan.restore import RestoreForm
from fleetkeep.plan.sample import SampleRule

CLOCK = SystemClock()
CONTENT = b"once written\n" * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One file with three names, of which Borg meets ``a/first`` first."""
    folder = tmp_path / "folder"
    for name in ("a", "b"):
        (folder / name).mkdir(parents=True)
    (folder / "a/first").write_bytes(CONTENT)
    (folder / "b/second").hardlink_to(folder / "a/first")
    (folder / "b/third").hardlink_to(folder / "a/first")
    (folder / "b/other").write_bytes(b"other")
    return folder


@pytest.fixture
def point(make_archive, folder) -> Point:
    return make_archive("one", folder)


def stored(path: Path) -> str:
    return str(path).lstrip("/")


# --- restore ---


@pytest.mark.parametrize("conflict", [OnConflict.OVERWRITE, OnConflict.RENAME])
def test_a_further_name_alone_is_restored_with_its_content(local_access, point, folder, tmp_path, conflict):
    target, report = tmp_path / "target", tmp_path / "report"
    manner = RestoreManner(on_conflict=conflict)
    plan = plan_restore(local_access, point.archive, [stored(folder / "b/second")], target, manner=manner)
    assert (plan.files, plan.size_bytes) == (1, len(CONTENT))
    result = run_restore(local_access, plan, CLOCK, work=tmp_path / "work", report=report, verify=True)
    assert (result.outcome, result.compared, result.missing) == (Outcome.SUCCEEDED, 1, 0)
    assert (target / stored(folder / "b/second")).read_bytes() == CONTENT
    lines = [json.loads(line) for line in report.read_text().splitlines()]
    (line,) = [line for line in lines if line.get("path", "").endswith("second")]
    assert (line["sha256"], line.get("same_as")) == (SHA256, None)


def test_two_further_names_without_the_first_are_one_file_again(local_access, point, folder, tmp_path):
    target = tmp_path / "target"
    plan = plan_restore(local_access, point.archive, [stored(folder / "b")], target)
    assert plan.size_bytes == len(CONTENT) + 5
    result = run_restore(local_access, plan, CLOCK, work=tmp_path / "work", verify=True)
    assert (result.outcome, result.missing, result.differing) == (Outcome.SUCCEEDED, 0, 0)
    below = target / stored(folder / "b")
    assert (below / "second").read_bytes() == CONTENT
    assert (below / "second").stat().st_ino == (below / "third").stat().st_ino


# --- streams ---


def stream(access, point: Point, form: RestoreForm, path: Path, report: Path | None = None) -> bytes:
    plan = plan_stream(access, point.archive, make_selection([stored(path)]), form)
    into = io.BytesIO()
    result = write_stream(access, plan, Output(into, "-", form), CLOCK, report=report)
    assert result.outcome is Outcome.SUCCEEDED, result
    assert result.size_bytes == len(CONTENT)
    return into.getvalue()


def test_a_stream_of_a_further_name_has_the_content(local_access, point, folder, tmp_path):
    path = folder / "b/second"
    assert stream(local_access, point, RestoreForm.FILE, path, tmp_path / "report") == CONTENT
    assert json.loads((tmp_path / "report").read_text().splitlines()[1])["path"] == stored(path)
    with tarfile.open(fileobj=io.BytesIO(stream(local_access, point, RestoreForm.TAR, path))) as tar:
        member = tar.getmember(stored(path))
        content = tar.extractfile(member)
        assert member.isreg() and content is not None and content.read() == CONTENT
    with zipfile.ZipFile(io.BytesIO(stream(local_access, point, RestoreForm.ZIP, path))) as archive:
        assert archive.read(stored(path)) == CONTENT


# --- drills ---


def test_a_drill_proves_a_further_name_that_is_asserted(local_access, host, point, folder):
    second = folder / "b/second"
    assertions = [
        Assertion.model_validate(value)
        for value in (
            {"file_exists": str(second)},
            {"sha256": {"path": str(second), "is": SHA256}},
            {"command": ["grep", "-c", "once written", f"{{restored}}{second}"], "output_contains": "1000"},
            {"command": ["cat", f"{{restored}}{folder}/b/third"], "needs": [f"{folder}/b"], "output_contains": "once"},
        )
    ]
    place = DrillPlace(access=local_access, scratch=host.scratch)
    drill = drill_job(point, place, CLOCK, rule=SampleRule(files=1), assertions=assertions)
    assert [(result.holds, result.found) for result in drill.assertions] == [
        (True, "It was restored."),
        (True, "It is the same."),
        (True, "It ended with exit code 0."),
        (True, "It ended with exit code 0."),
    ]
    assert drill.outcome is Outcome.SUCCEEDED, drill.reason
    assert all(file.sha256 and file.matches for file in drill.files)
    assert {file.path for file in drill.files} >= {stored(second), stored(folder / "b/third")}
    # what the host does not have any more is compared with the archive, at the name that holds the content
    for name in ("a/first", "b/second", "b/third"):
        (folder / name).unlink()
    drill = drill_job(point, place, CLOCK, rule=SampleRule(files=1), assertions=assertions)
    assert drill.outcome is Outcome.SUCCEEDED, drill.reason
    kinds = {file.path: file.compared_with for file in drill.files}
    assert kinds[stored(second)] is DrillKind.ARCHIVE
