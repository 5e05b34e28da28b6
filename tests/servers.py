# SPDX-License-Identifier: GPL-3.0-or-later
"""A real sshd on the loopback interface, for tests."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass
class Sshd:
    """A server with a key and settings of its own; ``authorized`` is its AuthorizedKeysFile, which may hold ``%u``."""

    folder: Path
    authorized: str
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def host_key(self) -> str:
        return " ".join(self.key.with_suffix(".pub").read_text().split()[:2])

    @property
    def key(self) -> Path:
        return self.folder / "ssh_host_ed25519_key"

    def make_key(self) -> None:
        for file in (self.key, self.key.with_suffix(".pub")):
            file.unlink(missing_ok=True)
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.key)], check=True)

    def start(self) -> None:
        settings = self.folder / "sshd_config"
        settings.write_text(
            f"Port {self.port}\nListenAddress 127.0.0.1\nHostKey {self.key}\nPidFile none\nUsePAM no\nStrictModes no\n"
            f"PasswordAuthentication no\nAuthorizedKeysFile {self.authorized}\n"
            "ClientAliveInterval 10\nClientAliveCountMax 3\n"
        )
        Path("/run/sshd").mkdir(exist_ok=True)
        command = [find_sshd(), "-D", "-e", "-f", str(settings)]
        self.process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        wait_for(self.port, self.process)

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait()
            self.process = None


def make_sshd(folder: Path, authorized: str) -> Sshd:
    """A server that is not started yet; skips where there is no sshd."""
    find_sshd()
    folder.mkdir(parents=True, exist_ok=True)
    server = Sshd(folder, authorized, free_port())
    server.make_key()
    return server


def find_sshd() -> str:
    sshd = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")
    if not sshd or not shutil.which("ssh-keygen"):
        pytest.skip("there is no sshd on this machine")
    return sshd


def user_name() -> str:
    return subprocess.check_output(["id", "-un"], text=True).strip()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(100):
        if process.poll() is not None:
            pytest.skip(f"sshd cannot run here, it ended with exit code {process.returncode}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    pytest.fail("sshd does not listen")


__all__ = ["Sshd", "free_port", "make_sshd", "user_name", "wait_for"]
