# SPDX-License-Identifier: GPL-3.0-or-later
"""Ed25519 keys of SSH: made here, never leaving this host. Source: ssh-keygen(1)."""

from __future__ import annotations

import base64
import hashlib
import re
import subprocess
import tempfile
from pathlib import Path

from fleetkeep.errors import ToolMissing
from fleetkeep.settings import child_environment

_SECONDS = 60
_KEY = re.compile(r"(ssh|ecdsa|sk)-[a-z0-9@.-]+ [A-Za-z0-9+/]+={0,3}")


def new_private_key(comment: str) -> str:
    """A new private key without a passphrase, as the text of its file. Raises ``ToolMissing``, ``OSError``."""
    with tempfile.TemporaryDirectory(prefix="fleetkeep-") as folder:
        place = Path(folder, "key")
        _keygen("-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(place))
        return place.read_text(encoding="ascii")


def public_key(private: Path) -> str | None:
    """The public half of a private key, as ``ssh-ed25519 AAAA...``; ``None`` where there is no key that can be read.

    Raises ``ToolMissing``.
    """
    if not private.is_file():
        return None
    try:
        answer = _keygen("-y", "-P", "", "-f", str(private))
    except OSError:
        return None
    return " ".join(answer.split()[:2])


def is_public_key(text: str) -> bool:
    r"""Whether a text is one public key and nothing else, so that it can be written into a line of others.

    >>> is_public_key("ssh-ed25519 AAAA"), is_public_key("ssh-ed25519 AAAA\nssh-ed25519 BBBB")
    (True, False)
    """
    return _KEY.fullmatch(text) is not None


def fingerprint(key: str) -> str:
    """The fingerprint of a public key, as ``ssh-keygen -l`` prints it.

    >>> fingerprint("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ2Mj1Uh0DlIgJZbX3pYl0BSgTrb1TbZH9rGHg2XSZ0k")[:7]
    'SHA256:'
    """
    digest = hashlib.sha256(base64.b64decode(key.split()[1])).digest()
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


def _keygen(*arguments: str) -> str:
    try:
        done = subprocess.run(
            ["ssh-keygen", *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            env=child_environment({}),
            check=False,
        )
    except FileNotFoundError:
        raise ToolMissing(tool="ssh-keygen", package="openssh-client") from None
    except subprocess.TimeoutExpired:
        raise OSError(f"ssh-keygen did not end within {_SECONDS} seconds") from None
    if done.returncode:
        raise OSError(f"ssh-keygen: {done.stderr.strip() or done.returncode}")
    return done.stdout


__all__ = ["fingerprint", "is_public_key", "new_private_key", "public_key"]
