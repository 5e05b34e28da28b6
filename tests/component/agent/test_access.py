# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

import pytest

from fleetkeep.agent import access
from fleetkeep.agent.access import repository_access, ssh_command
from fleetkeep.agent.paths import Paths
from fleetkeep.borg.program import BorgProgram
from fleetkeep.errors import FleetkeepError, PassphraseCommandFailed, PassphraseEmpty, PassphraseMissing
from fleetkeep.model import Encryption, PassphraseKind, Repository

PROGRAM = BorgProgram("/usr/bin/borg", (1, 4, 5))


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path)


def repository(*command: str) -> Repository:
    kind = PassphraseKind.COMMAND if command else PassphraseKind.GIVEN
    return Repository(name="offsite", location="/srv/borg", passphrase=kind, passphrase_command=command)


def store(paths: Paths, content: bytes) -> None:
    paths.passphrase("offsite").parent.mkdir(parents=True)
    paths.passphrase("offsite").write_bytes(content)


def test_the_passphrase_comes_from_its_file_and_is_in_no_environment(paths: Paths) -> None:
    store(paths, "s3cret ü\n".encode())
    found = repository_access(paths, repository(), PROGRAM)
    assert found.passphrase is not None
    assert found.passphrase.reveal() == "s3cret ü"
    assert not any("s3cret" in value for value in found.environment.values())
    assert found.environment["BORG_BASE_DIR"] == str(paths.borg_base)


@pytest.mark.parametrize(("content", "kind"), [(b"\n", PassphraseEmpty), (b"\xff", PassphraseMissing)])
def test_a_file_without_a_passphrase(paths: Paths, content: bytes, kind: type[FleetkeepError]) -> None:
    store(paths, content)
    with pytest.raises(kind):
        repository_access(paths, repository(), PROGRAM)


def test_a_missing_file_is_named(paths: Paths) -> None:
    with pytest.raises(PassphraseMissing, match=r"offsite\.passphrase"):
        repository_access(paths, repository(), PROGRAM)


def test_without_encryption_there_is_none(paths: Paths) -> None:
    plain = Repository(name="plain", location="/srv/borg", encryption=Encryption.NONE, passphrase=PassphraseKind.NONE)
    assert repository_access(paths, plain, PROGRAM).passphrase is None


def test_a_command_prints_it(paths: Paths) -> None:
    found = repository_access(paths, repository("printf", "first\nsecond\n"), PROGRAM)
    assert found.passphrase is not None
    assert found.passphrase.reveal() == "first"


@pytest.mark.parametrize(
    ("command", "kind", "words"),
    [
        (("true",), PassphraseEmpty, "offsite is empty"),
        (("false",), PassphraseCommandFailed, "ended with exit code 1"),
        (("/no/such/program",), PassphraseCommandFailed, r"cannot be started \(No such file or directory\)"),
        (("sleep", "9"), PassphraseCommandFailed, r"\(sleep 9\) did not end within 0\.2 seconds"),
    ],
)
def test_a_command_that_fails(
    paths: Paths, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...], kind: type[FleetkeepError], words: str
) -> None:
    if command[0] == "sleep":
        monkeypatch.setattr(access, "PASSPHRASE_COMMAND_SECONDS", 0.2)
    with pytest.raises(kind, match=words):
        repository_access(paths, repository(*command), PROGRAM)


def test_ssh_asks_nobody_and_notices_a_dead_path(paths: Paths) -> None:
    assert "BatchMode=yes" in ssh_command(paths)
    assert "StrictHostKeyChecking=yes" in ssh_command(paths)
    assert "ServerAliveInterval=10" in ssh_command(paths)
    assert "-i " not in ssh_command(paths)


def test_ssh_uses_the_key_and_the_known_hosts_of_the_prefix(paths: Paths) -> None:
    paths.ssh_identity.parent.mkdir(parents=True)
    paths.ssh_identity.touch()
    paths.ssh_known_hosts.touch()
    assert f"-i {paths.ssh_identity} -oIdentitiesOnly=yes" in ssh_command(paths)
    assert f"UserKnownHostsFile={paths.ssh_known_hosts}" in ssh_command(paths)


def test_a_passphrase_loses_its_line_feed_and_nothing_else(paths: Paths) -> None:
    """Borg does the same with what it gets, so that a repository opens with what it was made with."""
    store(paths, b"a\r\nb\r\n")
    found = repository_access(paths, repository(), PROGRAM)
    assert found.passphrase is not None
    assert found.passphrase.reveal() == "a\r\nb\r"
