# SPDX-License-Identifier: GPL-3.0-or-later
"""Real SSH servers on the loopback interface, for tests of repositories far away."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from fleetkeep.agent.files import make_folder
from fleetkeep.agent.paths import Paths


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
        command = [_find_sshd(), "-D", "-e", "-f", str(settings)]
        self.process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        _wait_for(self.port, self.process)

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait()
            self.process = None


def make_sshd(folder: Path, authorized: str) -> Sshd:
    """A server that is not started yet; skips where there is no sshd."""
    _find_sshd()
    folder.mkdir(parents=True, exist_ok=True)
    server = Sshd(folder, authorized, _free_port())
    server.make_key()
    return server


@dataclass
class Server:
    """A real sshd that lets one key start ``borg serve`` below a folder, and nothing else."""

    sshd: Sshd
    folder: Path

    @property
    def port(self) -> int:
        return self.sshd.port

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self.sshd.process is not None
        return self.sshd.process

    def location(self, name: str) -> str:
        return f"ssh://{user_name()}@127.0.0.1:{self.port}{self.folder}/{name}"

    def stop(self) -> None:
        self.sshd.stop()

    def start(self) -> None:
        self.sshd.start()


@contextmanager
def ssh_server(folder: Path, paths: Paths, borg: str) -> Iterator[Server]:
    """A server below a folder, and a key of the host at these paths that it lets in; the test is skipped without sshd.

    Arguments:
        folder: A new folder.
        paths: The places of the host, which gets a key and knows the server.
        borg: The borg program that serves.
    """
    sshd = make_sshd(folder, f"{folder}/authorized_keys")
    make_folder(folder / "repositories")
    make_folder(paths.ssh_identity.parent)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(paths.ssh_identity)], check=True)
    public = paths.ssh_identity.with_suffix(".pub").read_text()
    serve = f"{borg} serve --restrict-to-path {folder}/repositories"
    (folder / "authorized_keys").write_text(f'command="{serve}",restrict {public}')
    paths.ssh_known_hosts.write_text(f"[127.0.0.1]:{sshd.port} {sshd.host_key}\n")
    sshd.start()
    try:
        yield Server(sshd, folder / "repositories")
    finally:
        sshd.stop()


def _find_sshd() -> str:
    sshd = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")
    if not sshd or not shutil.which("ssh-keygen"):
        pytest.skip("there is no sshd on this machine")
    return sshd


def user_name() -> str:
    return subprocess.check_output(["id", "-un"], text=True).strip()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(100):
        if process.poll() is not None:
            pytest.skip(f"sshd cannot run here, it ended with exit code {process.returncode}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    pytest.fail("sshd does not listen")


__all__ = ["Server", "Sshd", "make_sshd", "ssh_server", "user_name"]
