# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import threading
from pathlib import Path

from fleetkeep.model import Outcome

from .conftest import SECRET, Host  # type: ignore[import-not-found]


def test_no_process_of_a_run_shows_the_passphrase(host: Host, tree: Path) -> None:
    """Every process of this machine is looked at again and again while the run is at work."""
    (tree / "large").write_bytes(os.urandom(60_000_000))
    host.add_repository("local")
    done = threading.Event()
    seen: set[bytes] = set()

    def look() -> None:
        while not done.wait(0.02):
            for process in Path("/proc").glob("[0-9]*"):
                try:
                    seen.add((process / "cmdline").read_bytes())
                    seen.add((process / "environ").read_bytes())
                except OSError:
                    continue

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        run = host.run(host.job(tree))
    finally:
        done.set()
        watcher.join()
    assert run.outcome is Outcome.SUCCEEDED
    assert any(b"create" in text and b"--progress" in text for text in seen)
    assert any(b"BORG_PASSPHRASE_FD" in text for text in seen)
    assert not any(SECRET.encode() in text for text in seen)
