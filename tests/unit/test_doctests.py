# SPDX-License-Identifier: GPL-3.0-or-later
"""Examples in docstrings are true."""

from __future__ import annotations

import doctest
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
#: Folders from which packages are imported.
SOURCES = (ROOT / "src", ROOT / "tools")
WITH_EXAMPLES = [
    (source, path)
    for source in SOURCES
    for path in sorted(source.rglob("*.py"))
    if "\n    >>> " in path.read_text(encoding="utf-8")
]


def test_there_are_examples() -> None:
    assert WITH_EXAMPLES


@pytest.mark.parametrize(("source", "path"), WITH_EXAMPLES, ids=lambda path: path.stem)
def test_examples_are_true(source: Path, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(source))
    name = ".".join(path.relative_to(source).with_suffix("").parts)
    __import__(name)
    results = doctest.testmod(sys.modules[name])
    assert results.attempted > 0
    assert results.failed == 0
