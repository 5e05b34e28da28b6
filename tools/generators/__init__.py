# SPDX-License-Identifier: GPL-3.0-or-later
"""The one registry of generated files. A generator gives a text for each file that it owns; only this file writes.

To add one, write a module here with ``render()`` and put it into ``GENERATORS``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from . import command_line, errors, fleet_file, json_output, schemas

ROOT = Path(__file__).resolve().parents[2]

#: Text by path, relative to the root of the checkout.
Files = Mapping[str, str]

GENERATORS: tuple[Callable[[], Files], ...] = (
    schemas.render,
    errors.render,
    command_line.render,
    fleet_file.render,
    json_output.render,
)

#: Folders in which every file is generated: what no generator gives is a leftover.
OWNED_FOLDERS = ("schemas",)


def render_all() -> dict[str, str]:
    """Every generated file.

    Raises ``ValueError`` when two generators give the same one.
    """
    files: dict[str, str] = {}
    for render in GENERATORS:
        for path, text in render().items():
            if path in files:
                raise ValueError(f"two generators give {path}")
            files[path] = text
    return files


def find_stale(files: Files, root: Path = ROOT) -> list[str]:
    """The paths below ``root`` that differ from ``files``, are missing, or are leftovers; sorted."""
    changed = [path for path, text in files.items() if _read(root / path) != text]
    return sorted(changed + _leftovers(files, root))


def write_all(files: Files, root: Path = ROOT) -> list[str]:
    """Brings ``root`` to ``files`` and gives the paths that it wrote or removed; sorted."""
    stale = find_stale(files, root)
    for path in stale:
        if path not in files:
            (root / path).unlink()
            continue
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(files[path], encoding="utf-8")
    return stale


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None


def _leftovers(files: Files, root: Path) -> list[str]:
    present = [path for folder in OWNED_FOLDERS for path in (root / folder).rglob("*") if path.is_file()]
    return [str(path.relative_to(root)) for path in present if str(path.relative_to(root)) not in files]


__all__ = ["GENERATORS", "OWNED_FOLDERS", "ROOT", "Files", "find_stale", "render_all", "write_all"]
