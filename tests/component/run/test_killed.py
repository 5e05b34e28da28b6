# SPDX-License-Identifier: GPL-3.0-or-later
"""What survives when a process is killed without a word."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from datetime import datetime, timezone
from pathlib import Path

from empty_catalog import put_empty_catalog

from fleetkeep.agent.orphans import PROCESSES, end_orphans, find_orphans, is_making
from fleetkeep.agent.runner import KILLED
from fleetkeep.agent.spool import Spool
from fleetkeep.borg.process import Cancellation
from fleetkeep.clock import FixedClock, SystemClock
from fleetkeep.model import Outcome

from .conftest import Host  # type: ignore[import-not-found]
from .test_run_verb import arguments, declare, recorded  # type: ignore[import-not-found]

APPEND = """
import sys
from pathlib import Path
from fleetkeep.agent.spool import Spool
from fleetkeep.clock import SystemClock
from fleetkeep.link import RunStarted
from fleetkeep.model import Outcome, Run, Trigger
clock = SystemClock()
run = Run(id="r", client="web1", job="j", trigger=Trigger.HAND, outcome=Outcome.RUNNING, started_at=clock.now())
spool = Spool(Path(sys.argv[1]))
while True:
    print(spool.append(RunStarted(run=run), "web1", clock).sequence, flush=True)
"""


def test_a_run_that_was_killed_leaves_nothing_that_stops_the_next(host: Host, tree: Path) -> None:
    (tree / "large").write_bytes(os.urandom(300_000_000))
    host.add_repository("local")
    declare(host, host.job(tree))
    put_empty_catalog(host.paths.catalog)
    with subprocess.Popen(arguments(host, "--json"), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            event = json.loads(line)
            if event.get("original_bytes") and recorded(host):  # Borg may be at work before the catalog is open
                break
        process.kill()
    assert find_orphans(event["run"], PROCESSES), "Borg is expected to go on by itself"
    (tree / "large").unlink()
    run = host.run(host.job(tree))
    assert run.outcome is Outcome.SUCCEEDED, run.reason
    assert find_orphans(event["run"], PROCESSES) == []
    assert [entry.id for entry in host.archives("local")] == [run.repositories[0].archive.id]  # type: ignore[union-attr]
    assert host.locks() == []
    messages = [envelope.message for envelope in host.director.envelopes]
    ends = {message.run.id: message.run for message in messages if message.kind == "run_finished"}
    assert (ends[event["run"]].outcome, ends[event["run"]].reason) == (Outcome.FAILED, KILLED)
    assert [each.outcome for each in recorded(host)] == [Outcome.RUNNING]


def test_an_orphan_that_does_not_listen_is_killed(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr("fleetkeep.agent.orphans.GRACE_SECONDS", 0.3)
    script = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(60)"
    command = [sys.executable, "-c", script, "create", "/srv/borg::web1-j-20261121T020000Z-0123456789ab"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as orphan:
        assert orphan.stdout is not None
        orphan.stdout.readline()
        assert end_orphans("0123456789ab", SystemClock(), Cancellation()) == 1
        assert orphan.wait(5) == -signal.SIGKILL


def test_processes_of_others_are_left_alone() -> None:
    assert not is_making(b"borg\0list\0/srv/borg::web1-j-20261121T020000Z-0123456789ab\0", "0123456789ab")
    assert not is_making(b"borg\0create\0/srv/borg::web1-j-20261121T020000Z-ffffffffffff\0", "0123456789ab")
    assert end_orphans("no-such-run", FixedClock(datetime(2026, 1, 1, tzinfo=timezone.utc)), Cancellation()) == 0


def test_no_message_that_was_appended_is_lost_by_a_kill(tmp_path: Path) -> None:
    said = 0
    for round_number in range(8):
        path = str(tmp_path / "spool.sqlite")
        with subprocess.Popen([sys.executable, "-c", APPEND, path], stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            said = int(process.stdout.readline())
            time.sleep(0.01 * round_number)
            process.kill()
            for line in process.stdout:
                said = int(line) if line.endswith("\n") else said
        spool = Spool(Path(path))
        assert spool.set_aside is None
        numbers = [envelope.sequence for envelope in spool.pending(1_000_000)]
        spool.close()
        assert numbers == list(range(1, len(numbers) + 1))
        assert len(numbers) >= said
