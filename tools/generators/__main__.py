# SPDX-License-Identifier: GPL-3.0-or-later
"""``tools/generate``: writes what is stale; with ``--check`` names it and exits 1."""

from __future__ import annotations

import argparse
import difflib
import sys

from . import ROOT, Files, find_stale, render_all, write_all


def main() -> int:
    parser = argparse.ArgumentParser(prog="tools/generate", description="Write every generated file.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a file is stale")
    arguments = parser.parse_args()
    files = render_all()
    if arguments.check:
        return _check(files)
    for path in write_all(files):
        print(f"{'wrote' if path in files else 'removed'} {path}")
    return 0


def _check(files: Files) -> int:
    stale = find_stale(files)
    for path in stale:
        print(*_first_differences(path, files.get(path, "")), sep="\n")
    if stale:
        print(f"error: stale: {', '.join(stale)}; run `make generate` and commit what it writes", file=sys.stderr)
    return 1 if stale else 0


def _first_differences(path: str, wanted: str, limit: int = 40) -> list[str]:
    found = (ROOT / path).read_text(encoding="utf-8") if (ROOT / path).is_file() else ""
    lines = difflib.unified_diff(found.splitlines(), wanted.splitlines(), path, f"{path} (generated)", lineterm="")
    return list(lines)[:limit]


if __name__ == "__main__":
    sys.exit(main())
