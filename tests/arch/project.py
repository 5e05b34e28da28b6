# SPDX-License-Identifier: GPL-3.0-or-later
"""The checkout as the tests of this tier see it."""

from __future__ import annotations

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

#: Folders with Python of our own.
CODE_FOLDERS = ("src", "plugins", "tools", "tests")


def tracked_files(suffix: str, *folders: str) -> list[Path]:
    """The project's files with this suffix below these folders, in git or about to be; sorted."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *folders]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    return sorted(ROOT / name for name in listed if name.endswith(suffix) and (ROOT / name).is_file())


def relative(path: Path) -> str:
    """The path below the root of the checkout; a readable test id."""
    return str(path.relative_to(ROOT))
