# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible-doc shows every plugin."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from .conftest import ROOT, Site

MODULES = sorted(path.stem for path in (ROOT / "plugins/modules").glob("*.py"))
PLUGINS = {"module": MODULES, "inventory": ["fleet"], "callback": ["report"]}


@pytest.mark.parametrize("kind", PLUGINS)
def test_ansible_doc_shows_them(site: Site, kind: str) -> None:
    program = Path(sys.executable).with_name("ansible-doc")
    names = [f"fleetkeep.backup.{name}" for name in PLUGINS[kind]]
    done = site.run([str(program), "--json", "-t", kind, *names])
    assert done.exit_code == 0, done.said
    assert set(done.json) == set(names)
    for shown in done.json.values():
        assert shown["doc"]["short_description"]
        assert shown["examples"]
        if kind == "module":
            assert set(shown["doc"]["attributes"]) == {"check_mode", "diff_mode", "idempotent", "platform"}
            assert shown["return"]
