# SPDX-License-Identifier: GPL-3.0-or-later
"""The real ansible-playbook and the real command, on this machine, below a prefix of its own."""

from __future__ import annotations

from pathlib import Path

import pytest
from sites import ROOT, SECRET, Done, Kept, Site, make_site


@pytest.fixture
def site(tmp_path: Path, borg_program: object) -> Site:
    return make_site(tmp_path)


@pytest.fixture(scope="session")
def kept_site(tmp_path_factory: pytest.TempPathFactory, borg_program: object) -> tuple[Site, Kept]:
    """A site that was applied once, and what it held then."""
    folder = tmp_path_factory.mktemp("applied") / "site"
    folder.mkdir()
    site = make_site(folder)
    assert site.fleetkeep("apply", "--yes").exit_code == 2
    return site, Kept(folder)


@pytest.fixture
def applied_site(kept_site: tuple[Site, Kept]) -> Site:
    """A site as its first apply left it."""
    site, kept = kept_site
    kept.bring_back()
    return site


__all__ = ["ROOT", "SECRET", "Done", "Site", "site"]
