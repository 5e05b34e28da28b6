# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from fleetkeep.borg.program import BorgProgram, check_version, parse_version, render_version
from fleetkeep.errors import BorgTooOld, BorgUnsupported


@pytest.mark.parametrize(
    ("text", "version"), [("borg 1.4.5\n", (1, 4, 5)), ("borg 1.2.4\n", (1, 2, 4)), ("borg2 2.0.0b25\n", (2, 0, 0))]
)
def test_reads_what_borg_prints(text: str, version: tuple[int, int, int]) -> None:
    assert parse_version(text) == version


def test_something_else_is_no_version() -> None:
    with pytest.raises(ValueError, match="no Borg version"):
        parse_version("bash: borg: command not found")


def test_refuses_a_release_that_restores_outside_its_target() -> None:
    with pytest.raises(BorgTooOld, match=r"/usr/bin/borg is BorgBackup 1\.2\.4, but 1\.4\.5 or newer is needed"):
        check_version(BorgProgram("/usr/bin/borg", (1, 2, 4)))


def test_refuses_borg_two() -> None:
    with pytest.raises(BorgUnsupported, match=r"2\.0\.0, which is not supported yet"):
        check_version(BorgProgram("/usr/bin/borg2", (2, 0, 0)))


def test_accepts_the_floor() -> None:
    found = BorgProgram("/usr/bin/borg", (1, 4, 5))
    assert check_version(found) is found
    assert render_version(found.version) == "1.4.5"
