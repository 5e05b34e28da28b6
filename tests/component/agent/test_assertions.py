# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from fleetkeep.agent.drill import DrillPlace, drill_job
from fleetkeep.clock import SystemClock
from fleetkeep.model import Assertion, Drill, Outcome
from fleetkeep.plan.drill import render_drill
from fleetkeep.plan.sample import SampleRule


@pytest.fixture
def drill(local_access, host, make_archive, tree):
    """Drills one archive of the tree, of which the sample is a single file, with some assertions."""
    (tree / "dump").mkdir()
    (tree / "dump" / "db.sql").write_text("select 1;\n")
    (tree / "dump" / "more.sql").write_text("select 2;\n")
    (tree / "evil").write_text("#!/bin/sh\ntouch /tmp/ran\n")
    (tree / "evil").chmod(0o755)
    (tree / "linked").write_text("linked")
    (tree / "same").hardlink_to(tree / "linked")
    point = make_archive("one", tree)

    def drill(*values: dict, previous_bytes: int | None = None) -> Drill:
        assertions = [Assertion.model_validate(value) for value in values]
        before = point.archive.model_copy(update={"name": "zero", "original_bytes": previous_bytes or 0})
        return drill_job(
            point,
            DrillPlace(access=local_access, scratch=host.scratch),
            SystemClock(),
            rule=SampleRule(files=1),
            assertions=assertions,
            earlier=[point.model_copy(update={"archive": before})] if previous_bytes else [],
        )

    yield drill
    assert not host.scratch.exists() or list(host.scratch.iterdir()) == []


def said(drill: Drill) -> list[tuple[bool, str]]:
    return [(result.holds, result.found) for result in drill.assertions]


def test_what_holds_is_proven_with_its_evidence(drill, tree):
    digest = hashlib.sha256((tree / "file0").read_bytes()).hexdigest()
    done = drill(
        {"file_exists": str(tree / "file1")},
        {"file_exists": str(tree / "dump")},
        {"file_exists": str(tree / "link")},
        {"sha256": {"path": str(tree / "file0"), "is": digest.upper()}},
        {"size_ratio": {"min": 0.8, "max": 1.2}},
        {"command": ["grep", "-q", "select", f"{{restored}}{tree}/dump/db.sql"]},
        {
            "command": ["sh", "-c", f"pwd; cat .{tree}/dump/*.sql"],
            "needs": [f"{tree}/dump"],
            "output_contains": "select 2",
        },
        {"command": ["false"], "exit_code": 1},
        previous_bytes=250_000,
    )
    assert done.reason == ""
    assert done.outcome is Outcome.SUCCEEDED
    assert [result.holds for result in done.assertions] == [True] * 8
    assert said(done)[0] == (True, "It was restored.")
    assert said(done)[1] == (True, "The archive holds it.")
    assert "times the size of zero" in said(done)[4][1]
    paths = {Path(file.path).name for file in done.files}
    assert {"file0", "file1", "db.sql", "more.sql"} <= paths, "what assertions need is restored and compared as well"
    assert f"  holds file_exists {tree}/file1: It was restored." in render_drill(done)


def test_without_an_archive_before_it_a_size_has_nothing_to_differ_from(drill):
    assert said(drill({"size_ratio": {"min": 2}})) == [(True, "There is no archive before it to compare with.")]


BROKEN = [
    ({"file_exists": "/not/there"}, "The archive does not hold it."),
    ({"sha256": {"path": "/not/there", "is": "0" * 64}}, "The archive does not hold it."),
    ({"sha256": {"path": "{tree}/file0", "is": "0" * 64}}, "It is "),
    ({"sha256": {"path": "{tree}/dump", "is": "0" * 64}}, "It is no regular file."),
    ({"size_ratio": {"min": 0.8}}, "times the size of zero"),
    ({"command": ["false"]}, "It ended with exit code 1."),
    ({"command": ["true"], "exit_code": 3}, "It ended with exit code 0."),
    ({"command": ["sh", "-c", "echo oh no; exit 4"]}, "It ended with exit code 4: oh no."),
    ({"command": ["echo", "one"], "output_contains": "two"}, "Its output does not contain 'two': one."),
    ({"command": ["sleep", "60"], "timeout": "1s"}, "It did not end within 1 seconds."),
    ({"command": ["no-such-program"]}, "There is no program no-such-program on this host."),
    ({"command": ["cat", "{restored}/not/there"]}, "It was not run: the archive does not hold /not/there."),
]


def test_what_does_not_hold_fails_the_drill_and_says_what_was_found(drill, tree):
    good = {"file_exists": str(tree / "file1")}
    done = drill(good, *(_fill(values, tree) for values, _ in BROKEN), previous_bytes=10**9)
    assert done.outcome is Outcome.FAILED
    assert [result.holds for result in done.assertions] == [True] + [False] * len(BROKEN)
    for (_, found), result in zip(BROKEN, done.assertions[1:], strict=True):
        assert found in result.found
    assert done.reason == (
        f"Of {len(BROKEN) + 1} assertions, {len(BROKEN)} do not hold "
        "(file_exists /not/there: The archive does not hold it)."
    )
    assert render_drill(done).count("  BROKEN ") == len(BROKEN)


def test_an_archive_may_be_too_large_and_a_further_name_of_a_hard_link_has_the_content(drill, tree):
    names = [str(tree / name) for name in ("linked", "same")]
    hashes = [{"sha256": {"path": name, "is": hashlib.sha256(b"linked").hexdigest()}} for name in names]
    large, *linked = said(drill({"size_ratio": {"max": 0.5}}, *hashes, previous_bytes=1000))
    assert large[0] is False
    assert linked == [(True, "It is the same.")] * 2


def _fill(values, tree):
    if isinstance(values, dict):
        return {key: _fill(value, tree) for key, value in values.items()}
    if isinstance(values, list):
        return [_fill(value, tree) for value in values]
    return values.replace("{tree}", str(tree)) if isinstance(values, str) else values


def test_what_an_archive_holds_is_never_run_though_path_leads_there(drill, tree, monkeypatch):
    monkeypatch.setenv("PATH", f".{tree}:{str(tree).lstrip('/')}::/usr/bin:/bin")
    done = drill({"command": ["evil"], "needs": [str(tree / "evil")]})
    assert said(done) == [(False, "There is no program evil on this host.")]


def test_a_damaged_file_that_an_assertion_needs_fails_it(drill, tree, local_access):
    segment = max(
        (Path(local_access.location) / "data").rglob("*"), key=lambda path: path.is_file() and path.stat().st_size
    )
    with segment.open("r+b") as file:
        for offset in range(20_000, 240_000, 20_000):
            file.seek(offset)
            byte = file.read(1)[0]
            file.seek(offset)
            file.write(bytes([byte ^ 0x10]))
    digest = hashlib.sha256((tree / "file0").read_bytes()).hexdigest()
    done = drill({"sha256": {"path": str(tree / "file0"), "is": digest}}, {"file_exists": str(tree / "file1")})
    assert done.outcome is Outcome.FAILED
    assert said(done) == [(False, "It could not be restored whole.")] * 2
