# SPDX-License-Identifier: GPL-3.0-or-later
"""A real SSH server on the loopback interface, for tests of repositories far away."""

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
class Server:
    """A real sshd that lets one key start ``borg serve`` and nothing else."""

    port: int
    process: subprocess.Popen[bytes]
    folder: Path

    def location(self, name: str) -> str:
        user = os.environ.get("USER") or subprocess.check_output(["id", "-un"], text=True).strip()
        return f"ssh://{user}@127.0.0.1:{self.port}{self.folder}/{name}"

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()

    def start(self) -> None:
        self.process = subprocess.Popen(self.process.args, stderr=subprocess.DEVNULL)
        _wait_for(self.port, self.process)


@contextmanager
def ssh_server(folder: Path, paths: Paths, borg: str) -> Iterator[Server]:
    """A server below a folder, and a key of the host at these paths that it lets in; the test is skipped without sshd.

    Arguments:
        folder: A new folder.
        paths: The places of the host, which gets a key and knows the server.
        borg: The borg program that serves.
    """
    sshd = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")
    if not sshd or not shutil.which("ssh-keygen"):
        pytest.skip("there is no sshd on this machine")
    make_folder(folder / "repositories")
    make_folder(paths.ssh_identity.parent)
    for key in (folder / "host_key", paths.ssh_identity):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    public = paths.ssh_identity.with_suffix(".pub").read_text()
    serve = f"{borg} serve --restrict-to-path {folder}/repositories"
    (folder / "authorized_keys").write_text(f'command="{serve}",restrict {public}')
    port = _free_port()
    (folder / "sshd_config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host_key\nPidFile none\nUsePAM no\nStrictModes no\n"
        f"PasswordAuthentication no\nAuthorizedKeysFile {folder}/authorized_keys\n"
        "ClientAliveInterval 10\nClientAliveCountMax 3\n"
    )
    Path("/run/sshd").mkdir(exist_ok=True)
    key = (folder / "host_key.pub").read_text().split()[:2]
    paths.ssh_known_hosts.write_text(f"[127.0.0.1]:{port} {' '.join(key)}\n")
    process = subprocess.Popen([sshd, "-D", "-e", "-f", str(folder / "sshd_config")], stderr=subprocess.DEVNULL)
    _wait_for(port, process)
    server = Server(port, process, folder / "repositories")
    try:
        yield server
    finally:
        server.stop()


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


__all__ = ["Server", "ssh_server"]
