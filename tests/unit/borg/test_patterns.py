# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetkeep.borg.patterns import ODD_PATHS_TOGETHER, exact_lines, parse_pattern

PATHS = st.text(min_size=1).map(lambda text: text.replace("\0", "\udcff"))


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("etc/*.conf", "sh:etc/*.conf"),
        ("fm:*.conf", "fm:*.conf"),
        ("pp:/etc", "pp:/etc"),
        ("re:^etc/.*[.]conf$", "re:^etc/.*[.]conf$"),
        ("srv/a:b", "sh:srv/a:b"),
        ("-x", "sh:-x"),
    ],
)
def test_a_pattern_has_a_style(text, pattern):
    assert parse_pattern(text) == pattern


@pytest.mark.parametrize("text", ["", "sh:", "xx:a", "re:(", "a\0b"])
def test_what_is_no_pattern_is_refused(text):
    with pytest.raises(ValueError, match=r".+"):
        parse_pattern(text)


def matches(line: str, path: str) -> bool:
    """As Borg reads a line of a pattern file."""
    line = line.encode().decode().strip()
    style, body = line[2:].split(":", 1)
    return path == body if style == "pf" else re.search(body, path) is not None


@given(PATHS, PATHS)
def test_a_line_means_one_path_and_no_other(path, other):
    (line,) = exact_lines("-", [path])
    assert line.endswith("\n")
    assert len(line.splitlines()) == 1
    assert matches(line, path)
    assert matches(line, other) is (path == other)


def test_odd_paths_share_few_lines():
    odd = [f"new\nline {number}" for number in range(ODD_PATHS_TOGETHER + 1)]
    lines = list(exact_lines("+", odd))
    assert len(lines) == 2
    assert all(any(matches(line, path) for line in lines) for path in odd)
