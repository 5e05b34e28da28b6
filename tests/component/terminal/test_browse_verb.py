# SPDX-License-Identifier: GPL-3.0-or-later
"""``fleetkeep browse`` as a person calls it: on a real terminal, and where there is none."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest
from managed import ManagedHost

PATIENCE_SECONDS = 30.0


@pytest.fixture
def host(tmp_path: Path, tree: Path, borg_program) -> ManagedHost:
    made = ManagedHost(tmp_path, borg_program, [tree])
    made.run()
    return made


def command(host: ManagedHost, *words: str) -> list[str]:
    return [sys.executable, "-m", "fleetkeep", "--prefix", str(host.paths.prefix), "browse", *words]


def browse(host: ManagedHost, *words: str, keys: bytes, until: bytes, **variables: str) -> tuple[int, bytes]:
    """Browse on a terminal of 80 by 24 until something is shown, then press keys; the exit status and what was said."""
    process, terminal = pty.fork()
    if process == 0:
        os.environ |= {"TERM": "xterm-256color", **variables}
        os.execv(sys.executable, command(host, *words))
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    said, pressed = b"", False
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        if not select.select([terminal], [], [], 0.1)[0]:
            continue
        try:
            said += os.read(terminal, 65_536)
        except OSError:
            break
        if not pressed and until in said:
            os.write(terminal, keys)
            pressed = True
    os.close(terminal)
    _, status = os.waitpid(process, 0)
    assert pressed, said[-2_000:]
    return os.waitstatus_to_exitcode(status), said


def test_it_opens_at_a_path_and_quits(host, tree):
    status, said = browse(host, "--job", "system", str(tree / "file1"), keys=b"q", until=b"file1")
    assert status == 0
    assert b"Traceback" not in said
    assert b"\x1b[?1049l" in said, "the screen of before is not back"


def test_without_colours_there_are_only_shades_of_grey(host):
    status, said = browse(host, keys=b"q", until=b"unproven", NO_COLOR="1", COLORTERM="truecolor")
    assert status == 0
    colours = re.findall(rb"[34]8;2;(\d+);(\d+);(\d+)", said)
    assert all(red == green == blue for red, green, blue in colours)


def test_bad_input_gets_one_clear_sentence(host, tmp_path):
    for words, sentence in (
        ([], "FK580"),
        (["--at", "1h"], "--at needs --job"),
        (["--job", "system", "/a", "/b"], "name one PATH"),
        (["--job", "system", "../up"], "does not lead upwards"),
    ):
        done = subprocess.run(
            command(host, *words), capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
        )
        assert (done.returncode, done.stdout) == (1, ""), words
        assert sentence in done.stderr, words
        assert "Traceback" not in done.stderr


def test_an_unknown_archive_is_said_before_anything_is_drawn(host):
    status, said = browse(host, "never", keys=b"", until=b"FK500")
    assert status == 1
    assert b"\x1b[?1049h" not in said
