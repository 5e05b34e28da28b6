# SPDX-License-Identifier: GPL-3.0-or-later
"""Real trees and real file systems."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A small real tree."""
    folder = tmp_path / "tree"
    (folder / "sub").mkdir(parents=True)
    for number in range(5):
        (folder / f"file{number}").write_bytes(os.urandom(50_000))
    (folder / "sub" / "\u00fcml\u00e4ut name").write_text("hello")
    (folder / "link").symlink_to("file0")
    return folder


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of eight megabytes."""
    folder = tmp_path / "small-disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"a small file system cannot be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)
