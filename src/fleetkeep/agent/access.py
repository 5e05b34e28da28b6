# SPDX-License-Identifier: GPL-3.0-or-later
"""How this host reaches a repository: its secret, its keys, its folders and its manners on the network."""

from __future__ import annotations

import shlex
import subprocess

from fleetkeep.borg.access import BorgAccess
from fleetkeep.borg.passphrase import Passphrase
from fleetkeep.borg.program import BorgProgram, find_borg
from fleetkeep.errors import PassphraseCommandFailed, PassphraseEmpty, PassphraseMissing
from fleetkeep.model import PassphraseKind, Repository
from fleetkeep.settings import borg_program, child_environment, search_path

from .paths import Paths

PASSPHRASE_COMMAND_SECONDS = 60

#: Ask nobody, trust no unknown host, and notice a dead path within half a minute instead of never.
_SSH_OPTIONS = (
    "BatchMode=yes",
    "StrictHostKeyChecking=yes",
    "ConnectTimeout=20",
    "ServerAliveInterval=10",
    "ServerAliveCountMax=3",
)


def host_borg(paths: Paths, *, remember: bool = True) -> BorgProgram:
    """The borg binary of this host; its version is remembered until the binary changes.

    Without ``remember`` nothing is written, as check mode needs it.

    Raises BorgMissing, BorgTooOld, BorgUnsupported.
    """
    return find_borg(borg_program(), search_path(), paths.borg_version if remember else None)


def repository_access(
    paths: Paths, repository: Repository, program: BorgProgram, given: str | None = None
) -> BorgAccess:
    """The access to a repository, with its passphrase read from where the repository says it is.

    ``given`` is a passphrase that is declared but not yet on this host.

    Raises PassphraseMissing, PassphraseEmpty, PassphraseCommandFailed.
    """
    return BorgAccess(
        program=program.path,
        location=repository.location,
        passphrase=Passphrase(given) if given else _passphrase(paths, repository),
        environment=child_environment(_borg_environment(paths, repository)),
    )


def ssh_command(paths: Paths, repository: Repository | None = None) -> str:
    """How Borg calls ssh.

    On a storage host that Fleetkeep keeps, with the key of this one repository and the host keys that it is known by,
    and without the user's own settings; elsewhere with the key and the known hosts below the prefix, where they exist.
    """
    words = ["ssh", *(f"-o{option}" for option in _SSH_OPTIONS)]
    if repository is not None and repository.storage is not None:
        storage = repository.storage.name
        words += ["-F", "none", "-i", str(paths.repository_key(repository.name)), "-oIdentitiesOnly=yes"]
        words += [f"-oHostKeyAlias={storage}", f"-oUserKnownHostsFile={paths.storage_host_keys(storage)}"]
        return shlex.join([*words, "-oGlobalKnownHostsFile=none", "-oUpdateHostKeys=no"])
    if paths.ssh_identity.is_file():
        words += ["-i", str(paths.ssh_identity), "-oIdentitiesOnly=yes"]
    if paths.ssh_known_hosts.is_file():
        words.append(f"-oUserKnownHostsFile={paths.ssh_known_hosts}")
    return shlex.join(words)


def bare_environment(paths: Paths) -> dict[str, str]:
    """The environment of a borg that asks nobody and knows no repository: only how to reach storage over SSH."""
    return child_environment(_manners(ssh_command(paths)))


def _borg_environment(paths: Paths, repository: Repository) -> dict[str, str]:
    return {
        **_manners(ssh_command(paths, repository)),
        "BORG_BASE_DIR": str(paths.borg_base),
        "BORG_CACHE_DIR": str(paths.borg_cache),
        "BORG_KEYS_DIR": str(paths.keys),
        # Where readable content is declared, the repository id that this host knows takes the place of this question.
        "BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK": "no" if repository.encryption.hides_content else "yes",
    }


def _manners(ssh: str) -> dict[str, str]:
    return {
        "BORG_RSH": ssh,
        "BORG_RELOCATED_REPO_ACCESS_IS_OK": "no",
        "BORG_DELETE_I_KNOW_WHAT_I_AM_DOING": "no",
        "BORG_CHECK_I_KNOW_WHAT_I_AM_DOING": "no",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
    }


def _passphrase(paths: Paths, repository: Repository) -> Passphrase | None:
    if repository.passphrase is PassphraseKind.NONE:
        return None
    if repository.passphrase is PassphraseKind.COMMAND:
        secret = _ask_command(repository)
    else:
        secret = _read_file(paths, repository)
    if not secret:
        raise PassphraseEmpty(repository=repository.name)
    return Passphrase(secret)


def _read_file(paths: Paths, repository: Repository) -> str:
    path = paths.passphrase(repository.name)
    try:
        return path.read_bytes().decode().rstrip("\n")
    except (OSError, UnicodeDecodeError):
        raise PassphraseMissing(repository=repository.name, path=path) from None


def _ask_command(repository: Repository) -> str:
    try:
        answer = subprocess.run(
            repository.passphrase_command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=child_environment({}),
            timeout=PASSPHRASE_COMMAND_SECONDS,
            start_new_session=True,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise _command_failed(repository, f"did not end within {PASSPHRASE_COMMAND_SECONDS} seconds") from None
    except OSError as error:
        raise _command_failed(repository, f"cannot be started ({error.strerror})") from None
    if answer.returncode != 0:
        raise _command_failed(repository, f"ended with exit code {answer.returncode}")
    return answer.stdout.decode("utf-8", errors="replace").split("\n")[0]


def _command_failed(repository: Repository, problem: str) -> PassphraseCommandFailed:
    return PassphraseCommandFailed(
        repository=repository.name, command=shlex.join(repository.passphrase_command), problem=problem
    )


__all__ = ["bare_environment", "host_borg", "repository_access", "ssh_command"]
