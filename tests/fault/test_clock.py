# SPDX-License-Identifier: GPL-3.0-or-later
"""A clock that is set back an hour, or forward a day, and put right again."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from hosts import Host, no_traceback
from sites import Done

from .invariants import Kept, nothing_is_lost  # type: ignore[import-not-found]


def run_at(host: Host, offset: str) -> Done:
    """Run the job while the clock of the host is wrong.

    What counts time is wrong by as much, all the while: left alone, faketime would break each sleep of Python.
    """
    program = shutil.which("faketime")
    if program is None:
        pytest.skip("there is no faketime here (Debian package faketime)")
    command = [program, "-f", offset, *host.command("run", "docs")]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    return Done(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize("offset", ["-1h", "+1d"])
def test_a_wrong_clock(single: Host, kept: Kept, offset: str) -> None:
    single.declare("docs", str(single.source), retention={"last": 50, "daily": 7, "hourly": 24})
    single.apply()
    for number, wrong in enumerate(["", offset, "", offset]):
        (single.source / "letter").write_text(f"{number}\n")
        done = run_at(single, wrong) if wrong else single.fleetkeep("run", "docs")
        assert done.exit_code == 0, (offset, number, done.said)
        assert no_traceback(done)
        kept.note()
    (single.source / "letter").write_text("the right time\n")
    nothing_is_lost(kept, offset, restores=5)
    assert len(kept.listed["one"]) == 5
    status = single.fleetkeep("status")
    assert no_traceback(status), status.said
    assert single.fleetkeep("restore", "--job", "docs", "--to", single.folder / "newest").exit_code == 0
    letter = single.folder / "newest" / str(single.source).lstrip("/") / "letter"
    assert letter.read_text() == "the right time\n", "the newest archive is the one that was made last"
