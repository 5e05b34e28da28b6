# SPDX-License-Identifier: GPL-3.0-or-later
"""Single hooks, as real processes."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from fleetkeep.agent.hooks import LARGEST_OUTPUT_BYTES, HookResult, run_hook
from fleetkeep.borg.process import Cancellation
from fleetkeep.model import Hook


def shell(script: str, timeout: int = 10) -> Hook:
    return Hook.model_validate({"command": ["sh", "-c", script], "timeout": timeout})


def run(script: str, timeout: int = 10, **options: object) -> HookResult:
    return run_hook(shell(script, timeout), {"FLEETKEEP_JOB": "documents"}, **options)  # type: ignore[arg-type]


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that ended and waits to be collected does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_output_and_environment() -> None:
    result = run("echo $FLEETKEEP_JOB; echo bad >&2")
    assert (result.exit_code, result.problem, result.output) == (0, "", "documents\nbad\n")


@pytest.mark.parametrize(
    ("command", "exit_code", "problem"),
    [
        (["false"], 1, "ended with exit code 1"),
        (["sh", "-c", "kill -9 $$"], 137, "was ended by SIGKILL"),
        (["/no/such/program"], None, "cannot be started (No such file or directory)"),
        (["a\0b"], None, "cannot be started (embedded null byte)"),
    ],
)
def test_failures(command: list[str], exit_code: int | None, problem: str) -> None:
    result = run_hook(Hook(command=tuple(command)), {})
    assert (result.exit_code, result.problem) == (exit_code, problem)


def test_no_shell_reads_the_arguments() -> None:
    result = run_hook(Hook(command=("printf", "%s", "$HOME; `id`")), {})
    assert result.output == "$HOME; `id`"


@pytest.mark.parametrize("script", ["sleep 60 & echo $!; sleep 60", "trap '' TERM; sleep 60 & echo $!; sleep 60"])
def test_a_timeout_ends_the_whole_group(script: str) -> None:
    began = time.monotonic()
    result = run(script, timeout=1)
    assert time.monotonic() - began < 4
    assert result.problem == "did not end within 1 seconds"
    child = int(result.output)
    time.sleep(0.2)
    assert not is_alive(child)


def test_a_daemon_that_a_good_hook_started_may_stay(tmp_path: Path) -> None:
    began = time.monotonic()
    result = run("sleep 5 & echo $!")
    assert result.problem == ""
    assert time.monotonic() - began < 3
    assert is_alive(int(result.output))


def test_a_hook_that_closes_its_output_is_still_waited_for() -> None:
    result = run("exec >&- 2>&-; sleep 0.5; exit 3")
    assert result.problem == "ended with exit code 3"


def test_a_long_output_is_cut_and_blocks_nothing() -> None:
    result = run("yes | head -c 5000000; echo end")
    assert result.problem == ""
    assert len(result.output) == LARGEST_OUTPUT_BYTES


def test_output_is_safe_on_a_terminal() -> None:
    assert run("printf 'a\\033[2Jb\\377'").output == "a\\x1b[2Jb\\udcff"


def test_a_cancellation_ends_it() -> None:
    cancellation = Cancellation()
    threading.Timer(0.3, cancellation.cancel).start()
    result = run("sleep 60", cancellation=cancellation)
    assert result.cancelled
    assert result.duration_seconds < 3


def test_a_shorter_limit_counts() -> None:
    assert run("sleep 60", longest_seconds=0.2).problem == "did not end within 0.2 seconds"
