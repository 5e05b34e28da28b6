# SPDX-License-Identifier: GPL-3.0-or-later
"""The SSH server of a storage host: its settings are checked before it reads them, and their effect after."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

from fleetkeep.errors import SshdNotEffective, SshdRefused, ToolMissing
from fleetkeep.settings import child_environment

from .paths import Paths
from .storage_files import ALIVE

_SECONDS = 60
_PATH = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
_SYSTEMD = Path("/run/systemd/system")
_PROCESS = Path("/run/sshd.pid")


def check_settings() -> None:
    """Refuse settings with which the server would not start. Raises ``SshdRefused``, ``ToolMissing``."""
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # where it was not started yet, it would miss that alone
    done = _run("sshd", "-t")
    if done.returncode:
        raise SshdRefused(reason=_last_line(done.stderr))


def reload() -> None:
    """Have the server read its settings again; connections go on. One that does not run reads them when it starts.

    Raises ``SshdRefused``.
    """
    if _SYSTEMD.is_dir():
        done = _run("systemctl", "--no-ask-password", "try-reload-or-restart", "ssh.service")
        if done.returncode:
            raise SshdRefused(reason=_last_line(done.stderr))
        return
    try:
        os.kill(int(_PROCESS.read_text()), signal.SIGHUP)
    except (FileNotFoundError, ProcessLookupError, ValueError):
        return


def check_effect(users: Sequence[str], paths: Paths) -> None:
    """Refuse to believe in settings that do not reach an account, because another file of the server says otherwise.

    Raises ``SshdNotEffective``, ``SshdRefused``.
    """
    for user in users:
        done = _run("sshd", "-T", "-C", f"user={user},host=localhost,addr=127.0.0.1")
        if done.returncode:
            raise SshdRefused(reason=_last_line(done.stderr))
        effective = dict(line.split(" ", 1) for line in done.stdout.splitlines() if " " in line)
        wanted = {"AuthorizedKeysFile": str(paths.authorized_keys("%u")), "PermitTTY": "no", **ALIVE}
        for name, value in wanted.items():
            found = effective.get(name.lower(), "nothing")
            if found != value:
                raise SshdNotEffective(setting=name, account=user, found=found, wanted=value)


def host_keys() -> tuple[str, ...]:
    """The public keys by which this host's SSH server is known, sorted. Raises ``SshdRefused``, ``ToolMissing``."""
    done = _run("sshd", "-T")
    if done.returncode:
        raise SshdRefused(reason=_last_line(done.stderr))
    files = [line.split(" ", 1)[1] for line in done.stdout.splitlines() if line.startswith("hostkey ")]
    return read_host_keys(Path(f"{file}.pub") for file in files)


def read_host_keys(files: Iterable[Path]) -> tuple[str, ...]:
    """The public keys in some files, sorted; a file that is not there is none."""
    keys = set()
    for file in files:
        try:
            keys.add(" ".join(file.read_text(encoding="ascii").split()[:2]))
        except OSError:
            continue
    return tuple(sorted(keys))


def _run(*words: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            env=child_environment(_PATH),
            check=False,
        )
    except FileNotFoundError:
        raise ToolMissing(tool=words[0], package="openssh-server") from None
    except subprocess.TimeoutExpired:
        raise SshdRefused(reason=f"{words[0]} did not end within {_SECONDS} seconds") from None


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1].rstrip(".") if lines else "it said nothing"


__all__ = ["check_effect", "check_settings", "host_keys", "read_host_keys", "reload"]
