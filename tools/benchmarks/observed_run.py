# SPDX-License-Identifier: GPL-3.0-or-later
"""``fleetkeep`` with its arguments, observed: what each Borg process and the telling of files took.

``python -m benchmarks.observed_run REPORT ARGUMENT...`` writes JSON to the file REPORT.
"""

from __future__ import annotations

import atexit
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fleetkeep.agent.file_indexing import FileIndexing
from fleetkeep.borg import process as borg_process
from fleetkeep.cli import main

from .measuring import peak_bytes

SEEN: list[dict[str, Any]] = []


class ObservedProcess(subprocess.Popen[bytes]):
    """A process whose own CPU time and peak memory are known at its end."""

    def poll(self) -> int | None:
        if self.returncode is None:
            self._reap(os.WNOHANG)
        return self.returncode

    def _try_wait(self, wait_flags: int) -> tuple[int, int]:
        return (self.pid, 0) if self.returncode is not None else self._reap(wait_flags)

    def _reap(self, flags: int) -> tuple[int, int]:
        pid, status, usage = os.wait4(self.pid, flags)
        if pid:
            words = [str(word) for word in self.args]  # type: ignore[union-attr]
            inside = any(word.endswith("inside_borg.py") for word in words)
            verb = "look" if inside else next((word for word in words[1:] if not word.startswith("-")), "")
            note("borg " + verb, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)
            self._handle_exitstatus(status)
        return pid, status


def note(what: str, cpu_seconds: float, peak: int) -> None:
    SEEN.append({"what": what, "cpu_seconds": cpu_seconds, "peak_bytes": peak})


def observed(what: str, method: Callable[..., Any]) -> Callable[..., Any]:
    """A method that notes the CPU time of this process, with all its threads, between its begin and its end."""

    def call(*arguments: Any) -> Any:
        begun = time.process_time()
        try:
            return method(*arguments)
        finally:
            note(what, time.process_time() - begun, 0)

    return call


def write_report(path: Path) -> None:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    note("fleetkeep", usage.ru_utime + usage.ru_stime, peak_bytes())
    path.write_text(json.dumps(SEEN))


if __name__ == "__main__":
    atexit.register(write_report, Path(sys.argv[1]))
    borg_process.subprocess.Popen = ObservedProcess  # type: ignore[misc,attr-defined]
    for name in ("look", "tell_before", "tell_files"):
        setattr(FileIndexing, name, observed(name, getattr(FileIndexing, name)))
    main(sys.argv[2:])
