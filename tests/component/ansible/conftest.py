# SPDX-License-Identifier: GPL-3.0-or-later
"""The real ansible-playbook and the real command, on this machine, below a prefix of its own."""

from __future__ import annotations

from pathlib import Path

import pytest
from sites import ROOT, SECRET, Done, Site, make_site


@pytest.fixture
def site(tmp_path: Path, borg_program: object) -> Site:
    return make_site(tmp_path)


__all__ = ["ROOT", "SECRET", "Done", "Site", "site"]
