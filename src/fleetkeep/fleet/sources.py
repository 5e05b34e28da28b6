# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files of an inventory are fleet files, found without Ansible.

Ansible only warns about an inventory file that it cannot read. A fleet file that is missed that way would look like a
fleet without its jobs; whoever plans checks with this that each one was read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

_SUFFIXES = (".yml", ".yaml")
_NOT_INVENTORY = ("group_vars", "host_vars", "vars_plugins")
_PLUGIN = re.compile(rb"""^plugin\s*:\s*["']?fleetkeep\.backup\.fleet\b""", re.MULTILINE)


def find_fleet_files(sources: Iterable[Path]) -> list[Path]:
    """The fleet files among inventory sources (files, or folders as Ansible walks them), in order.

    Reads only the text: a file that is not valid YAML is found as well. An encrypted file is not.
    """
    return [file for source in sources for file in _walk(source) if _is_fleet_file(file)]


def _walk(source: Path) -> Iterator[Path]:
    if not source.is_dir():
        yield source
        return
    for entry in sorted(source.iterdir()):
        if not entry.name.startswith(".") and entry.name not in _NOT_INVENTORY:
            yield from _walk(entry)


def _is_fleet_file(file: Path) -> bool:
    try:
        return file.suffix in _SUFFIXES and _PLUGIN.search(file.read_bytes()) is not None
    except OSError:
        return False


__all__ = ["find_fleet_files"]
