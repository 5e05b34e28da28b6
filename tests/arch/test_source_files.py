# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules that every file of code keeps."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from .project import CODE_FOLDERS, relative, tracked_files

MAXIMUM_LINES = 500
MAXIMUM_FUNCTION_LINES = 60
#: A list is as long as it is: each of its entries stands for itself, and a test wants them in one file.
LISTS = ("src/fleetkeep/errors.py",)
LICENCE = "# SPDX-License-Identifier: GPL-3.0-or-later"

ALL_CODE = tracked_files(".py", *CODE_FOLDERS)
PACKAGE = tracked_files(".py", "src")


def test_there_is_code() -> None:
    assert len(PACKAGE) > 20


@pytest.mark.parametrize("path", ALL_CODE, ids=relative)
def test_licence_is_at_the_top(path: Path) -> None:
    # An executable's first line is its interpreter, a module's may be its encoding.
    assert LICENCE in path.read_text(encoding="utf-8").splitlines()[:3]


@pytest.mark.parametrize("path", [path for path in ALL_CODE if relative(path) not in LISTS], ids=relative)
def test_file_is_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) < MAXIMUM_LINES


@pytest.mark.parametrize("path", ALL_CODE, ids=relative)
def test_functions_are_short(path: Path) -> None:
    long = [f"{name} ({lines} lines)" for name, lines in _functions(path) if lines > MAXIMUM_FUNCTION_LINES]
    assert long == []


@pytest.mark.parametrize("path", PACKAGE, ids=relative)
def test_package_does_not_import_ansible(path: Path) -> None:
    assert [name for name in _imports(path) if name.split(".")[0].startswith("ansible")] == []


def _functions(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.end_lineno is not None:
            yield node.name, node.end_lineno - node.lineno + 1


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module
