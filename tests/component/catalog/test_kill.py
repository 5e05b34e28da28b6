# SPDX-License-Identifier: GPL-3.0-or-later
"""What was acknowledged survives ``kill -9`` at any moment, whole, and what was not is nowhere in part."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest

from fleetkeep.catalog.database import open_catalog
from fleetkeep.director import history

#: Delivers batches of an archive and its run for ever, and says after each that it is committed.
PROGRAM = """
import sys
from itertools import count
from pathlib import Path
from builders import NOW, Sender, make_archive, make_part, make_run, received
from fleetkeep.catalog.database import open_catalog
from fleetkeep.clock import FixedClock
from fleetkeep.director.embedded import EmbeddedDirector
from fleetkeep.link import RunFinished

director, say = EmbeddedDirector(open_catalog(Path(sys.argv[1])), FixedClock(NOW)), Sender()
for number in count():
    archive = make_archive(f"a{number}")
    run = make_run(f"run-{number}", repositories=(make_part(archive=archive),))
    director.deliver([say(received(archive, run_id=run.id)), say(RunFinished(run=run))])
    print(number, flush=True)
"""


@pytest.mark.parametrize("seed", range(6))
def test_what_was_acknowledged_survives_kill_9(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "catalog.sqlite"
    open_catalog(path).close()
    acknowledged = _deliver_until_killed(path, random.Random(seed).uniform(0.05, 0.6))
    with closing(open_catalog(path)) as catalog:
        runs = {run.id: run for run in history.list_runs(catalog, limit=10_000)}
        archives = {point.archive.name for point in history.list_archives(catalog, limit=None)}
        with catalog.read() as connection:
            assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
    assert {f"run-{number}" for number in range(acknowledged)} <= runs.keys()
    assert len(runs) <= acknowledged + 1
    assert {f"a{identity.removeprefix('run-')}" for identity in runs} == archives
    assert all(run.repositories[0].archive is not None for run in runs.values())


def _deliver_until_killed(path: Path, seconds: float) -> int:
    """How many batches were acknowledged until the process was killed, so many seconds after the first."""
    child = subprocess.Popen([sys.executable, "-c", PROGRAM, str(path)], stdout=subprocess.PIPE, env=_environment())
    with child:
        assert child.stdout is not None
        first = child.stdout.readline()
        killer = threading.Timer(seconds, child.send_signal, [signal.SIGKILL])
        killer.start()
        rest = child.stdout.read().splitlines(keepends=True)
        killer.join()
    assert child.returncode == -signal.SIGKILL
    return len([line for line in [first, *rest] if line.endswith(b"\n")])


def _environment() -> dict[str, str]:
    import os

    return {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
