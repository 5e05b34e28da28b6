# SPDX-License-Identifier: GPL-3.0-or-later
"""Many files that are made, changed and removed while they are read."""

from __future__ import annotations

import os
import random
import threading
from pathlib import Path

from hosts import Host, no_traceback

from .invariants import Kept, nothing_is_lost, record_is_true, restores_alike  # type: ignore[import-not-found]

#: What is promised, and what a run of all tests has time for.
WHOLE, FEW = 100_000, 3_000


class Unrest:
    """Changes files until it is told to stop, each of them a little and again and again."""

    def __init__(self, folder: Path, count: int) -> None:
        self.changed = 0
        self._paths = [folder / f"{number % 100}" / f"file{number}" for number in range(count)]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="unrest")

    def __enter__(self) -> Unrest:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        self._thread.join()

    def _work(self) -> None:
        chance = random.Random(4)
        while not self._stop.is_set():
            path = chance.choice(self._paths)
            fate = chance.random()
            if fate < 0.1:
                path.unlink(missing_ok=True)
            elif fate < 0.2:
                path.with_suffix(".new").write_bytes(chance.randbytes(100))
                path.with_suffix(".new").replace(path)
            else:
                with path.open("ab") as stream:
                    stream.write(chance.randbytes(100))
            self.changed += 1


def test_files_that_change_while_they_are_read(single: Host, kept: Kept, is_whole: bool) -> None:
    count = WHOLE if is_whole else FEW
    for number in range(100):
        (single.source / f"{number}").mkdir()
    for number in range(count):
        (single.source / f"{number % 100}" / f"file{number}").write_bytes(os.urandom(64))
    (single.source / "growing").write_bytes(os.urandom(20_000_000))
    kept.is_vague = True
    with Unrest(single.source, count) as unrest:
        for _ in range(2):
            done = single.fleetkeep("run", "docs")
            assert done.exit_code in (0, 3), done.said
            assert no_traceback(done), done.said
    assert unrest.changed > 100
    kept.note()
    record_is_true(kept, "files changed while they were read")
    for identity, name in kept.listed["one"]:
        restores_alike(kept, "one", identity, name, "files changed while they were read")
    [newest, *_] = single.runs()
    [part] = newest["repositories"]
    if newest["outcome"] == "warning":
        assert part["warning_count"] > 0, newest
    nothing_is_lost(kept, "files changed while they were read")
    identity, name = kept.listed["one"][-1]
    kept.is_vague = False
    restores_alike(kept, "one", identity, name, "once nothing changes, an archive is what the source is, to the byte")
