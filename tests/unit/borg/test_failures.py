# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from fleetkeep.borg.events import LogMessage
from fleetkeep.borg.failures import failure_of, reason_of
from fleetkeep.borg.process import BorgResult
from fleetkeep.errors import (
    BorgFailed,
    FleetkeepError,
    NotARepository,
    ReadOnly,
    RepositoryLocked,
    RepositoryMissing,
    RepositoryUnreachable,
    RepositoryWrongPassphrase,
    StorageFull,
)

TRACEBACK = (
    'Traceback (most recent call last):\n  File "borg/archiver.py", line 5917, in main\n    exit_code = archiver.run('
    "args)\n                ^^^^^^^^^^^^^^^^^^\nOSError: [Errno 28] No space left on device\n\nPlatform: Linux"
)


def result(exit_code: int, *messages: LogMessage) -> BorgResult:
    return BorgResult(exit_code=exit_code, log=messages)


def error(message: str, message_id: str = "") -> LogMessage:
    return LogMessage("ERROR", message, message_id, "borg.archiver")


@pytest.mark.parametrize(
    ("exit_code", "kind"),
    [
        (13, RepositoryMissing),
        (14, StorageFull),
        (15, NotARepository),
        (19, NotARepository),
        (20, StorageFull),
        (50, RepositoryWrongPassphrase),
        (52, RepositoryWrongPassphrase),
        (73, RepositoryLocked),
        (81, RepositoryUnreachable),
        (87, RepositoryUnreachable),
        (64, BorgFailed),
        (2, BorgFailed),
        (143, BorgFailed),
    ],
)
def test_each_exit_code_has_its_error(exit_code: int, kind: type[FleetkeepError]) -> None:
    failure = failure_of(result(exit_code, error("Something.")), "create", "offsite", "/srv/borg")
    assert type(failure) is kind
    assert "/srv/borg" in str(failure) or "offsite" in str(failure)
    assert ".." not in str(failure)


def test_a_full_disk_is_seen_through_a_traceback() -> None:
    failure = failure_of(
        result(2, error("Local Exception", "Exception"), error(TRACEBACK)), "create", "offsite", "/srv/borg"
    )
    assert str(failure).startswith("There is no space left for repository offsite at /srv/borg; ")


@pytest.mark.parametrize(
    ("words", "kind", "place"),
    [
        ("OSError: [Errno 30] Read-only file system: '/srv/borg/lock.x'", ReadOnly, "repository offsite (/srv/borg)"),
        ("OSError: [Errno 30] Read-only file system: '/var/lib/x/nonce'", ReadOnly, "Borg's memory of repository"),
        ("OSError: [Errno 30] Read-only file system: '/var/lib/x/nonce'", ReadOnly, "(/var/lib/x)"),
        ("OSError: [Errno 28] No space left on device: '/var/cache/b/chunks'", StorageFull, "at /var/cache/b;"),
        ("OSError: [Errno 28] No space left on device: '/srv/borg/data/1'", StorageFull, "at /srv/borg;"),
    ],
)
def test_a_disk_that_cannot_be_written_is_the_one_that_is_named(
    words: str, kind: type[FleetkeepError], place: str
) -> None:
    failure = failure_of(result(2, error(words)), "create", "offsite", "/srv/borg")
    assert type(failure) is kind
    assert place.lower() in str(failure).lower()


def test_ssh_tells_why_it_could_not_connect() -> None:
    refused = LogMessage("WARNING", "Remote: ssh: connect to host 127.0.0.1 port 1: Connection refused", "", "root")
    closed = error("Connection closed by remote host. Is borg working on the server?", "ConnectionClosedWithHint")
    failure = failure_of(result(81, refused, closed), "create", "offsite", "ssh://borg@vault1/srv")
    assert str(failure) == (
        "Repository offsite at ssh://borg@vault1/srv cannot be reached: ssh: connect to host 127.0.0.1 port 1: "
        "Connection refused. Check the host, the network and the SSH key."
    )


def test_the_reason_is_the_exception_and_not_its_traceback() -> None:
    other = TRACEBACK.replace("[Errno 28] No space left on device", "[Errno 5] Input/output error")
    assert reason_of(result(2, error("Local Exception"), error(other))) == "OSError: [Errno 5] Input/output error."


@pytest.mark.parametrize(
    ("ended", "words"),
    [
        (BorgResult(143, cancelled=True), "It was cancelled."),
        (BorgResult(143, timed_out=True), "It took longer than it may and was ended."),
        (BorgResult(137), "It was killed, perhaps because memory ran out."),
        (BorgResult(2), "It said nothing."),
        (
            result(2, LogMessage("INFO", "borg: cannot open shared object", "", "stderr")),
            "borg: cannot open shared object.",
        ),
        (
            result(64, error("Cache is newer")),
            "It is older than what this host remembers of it; an old copy was put in its place.",
        ),
    ],
)
def test_reasons(ended: BorgResult, words: str) -> None:
    assert reason_of(ended) == words


def test_a_reason_is_short() -> None:
    assert len(reason_of(result(2, error("x" * 9999)))) <= 401
