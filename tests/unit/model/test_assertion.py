# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from fleetkeep.model import Assertion, AssertionKind, DrillRules, SizeRatio

DIGEST = "ab" * 32


@pytest.mark.parametrize(
    ("values", "kind", "paths", "words"),
    [
        ({"file_exists": "/etc//passwd"}, AssertionKind.FILE_EXISTS, ("/etc/passwd",), "file_exists /etc/passwd"),
        ({"sha256": {"path": "/a", "is": DIGEST}}, AssertionKind.SHA256, ("/a",), "sha256 of /a"),
        ({"size_ratio": {"min": 0.8}}, AssertionKind.SIZE_RATIO, (), "size_ratio at least 0.8"),
        (
            {"size_ratio": {"min": 0.8, "compared_with": "previous"}},
            AssertionKind.SIZE_RATIO,
            (),
            "size_ratio at least 0.8 of the previous archive",
        ),
        ({"size_ratio": {"min": 0.8, "max": 3}}, AssertionKind.SIZE_RATIO, (), "size_ratio at least 0.8 and at most 3"),
        (
            {"command": ["pg_restore", "--file={restored}/db", "{restored}/b", "x"], "needs": ["/c"]},
            AssertionKind.COMMAND,
            ("/db", "/b", "/c"),
            "command pg_restore --file={restored}/db {restored}/b x",
        ),
    ],
)
def test_each_kind_knows_what_it_needs_and_comes_back_from_json(values, kind, paths, words):
    assertion = Assertion.model_validate(values)
    assert (assertion.kind, assertion.paths, str(assertion)) == (kind, paths, words)
    assert Assertion.model_validate_json(assertion.model_dump_json()) == assertion
    assert set(assertion.model_dump()) & {"file_exists", "sha256", "size_ratio", "command"} == {kind.value}


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "exactly one of"),
        ({"file_exists": "/a", "command": ["true"]}, "exactly one of"),
        ({"file_exists": "a"}, "absolute"),
        ({"file_exists": "/a/../b"}, r"no \.\."),
        ({"file_exists": "/a", "exit_code": 1}, "exit_code belongs to a command"),
        ({"sha256": {"path": "/a", "is": "abc"}}, "pattern"),
        ({"size_ratio": {}}, "give min, max or both"),
        ({"size_ratio": {"min": 2, "max": 1}}, "no size will do"),
        ({"size_ratio": {"min": 1, "compared_with": "first"}}, "'proven' or 'previous'"),
        ({"command": []}, "at least 1"),
        ({"command": ["{restored}/bin/evil"]}, "never one in"),
        ({"command": ["./evil"]}, "never one in"),
        ({"command": ["bin/evil"]}, "never one in"),
        ({"command": ["true"], "colour": "red"}, "Extra inputs"),
    ],
)
def test_what_is_refused(values: dict[str, Any], words: str):
    with pytest.raises(ValidationError, match=words):
        Assertion.model_validate(values)


def test_the_rules_of_a_drill_have_limits():
    assert (DrillRules().files, SizeRatio(min=0).min) == (300, 0)
    with pytest.raises(ValidationError, match="less than or equal to 1000"):
        DrillRules(files=1001)
