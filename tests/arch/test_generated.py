# SPDX-License-Identifier: GPL-3.0-or-later
"""Generated files are those that the generators give today, and the check would see if they were not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .project import ROOT


@pytest.fixture
def generators(monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    import generators as package

    return package


def test_generated_files_are_fresh() -> None:
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'tools'}:{ROOT / 'src'}"}
    command = [sys.executable, "-m", "generators", "--check"]
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_a_changed_a_missing_and_a_leftover_file_are_stale(generators, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    files = {"schemas/a.json": "{}\n", "schemas/b.json": "[]\n", "docs/page.md": "text\n"}
    assert generators.find_stale(files, tmp_path) == ["docs/page.md", "schemas/a.json", "schemas/b.json"]

    generators.write_all(files, tmp_path)
    assert generators.find_stale(files, tmp_path) == []

    (tmp_path / "schemas/a.json").write_text("{ }\n")
    (tmp_path / "schemas/b.json").unlink()
    (tmp_path / "schemas/old.json").write_text("{}\n")
    assert generators.find_stale(files, tmp_path) == ["schemas/a.json", "schemas/b.json", "schemas/old.json"]

    assert generators.write_all(files, tmp_path) == ["schemas/a.json", "schemas/b.json", "schemas/old.json"]
    assert not (tmp_path / "schemas/old.json").exists()
