# SPDX-License-Identifier: GPL-3.0-or-later
"""The plugins as Ansible imports them: below ``ansible_collections``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader
from ansible.template import Templar

ROOT = Path(__file__).resolve().parents[3]
LINK = ROOT / "collections/ansible_collections/fleetkeep/backup"

if not LINK.exists():
    LINK.parent.mkdir(parents=True, exist_ok=True)
    LINK.symlink_to("../../..")
init_plugin_loader([str(ROOT / "collections")])


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    """Reads YAML text as Ansible reads an inventory file, ``fleet.yml`` of the working directory."""
    monkeypatch.chdir(tmp_path)

    def load_text(text: str) -> Any:
        (tmp_path / "fleet.yml").write_text(text)
        return DataLoader().load_from_file(str(tmp_path / "fleet.yml"), cache="none", trusted_as_template=True)

    return load_text


@pytest.fixture
def templar() -> Callable[[dict[str, Any]], Templar]:
    """A templar with these variables."""
    return lambda variables: Templar(loader=DataLoader(), variables=variables)
