# SPDX-License-Identifier: GPL-3.0-or-later
"""A storage host and its clients, as the checks of this story see them."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
import testinfra
from testinfra.host import Host


@pytest.fixture(scope="session")
def at() -> Callable[[str], Host]:
    """Any host of the story, by its name."""
    settings = os.path.join(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"], "ssh_config")
    return lambda name: testinfra.get_host(f"ssh://{name}", ssh_config=settings)
