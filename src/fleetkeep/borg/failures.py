# SPDX-License-Identifier: GPL-3.0-or-later
"""What a failed borg process means for a person: one error with the next step.

Source: Borg 1.4 documentation, "Return codes", and captured output of 1.4.5.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

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

from .events import LogMessage
from .process import BorgResult

_NO_SPACE = ("[Errno 28]", "No space left on device", "[Errno 122]", "Disk quota exceeded")
_READ_ONLY = ("[Errno 30]", "Read-only file system")
_PLACE = re.compile(r"(?:No space left on device|Disk quota exceeded|Read-only file system): '(?P<path>/[^']*)'")
_REMOTE = "Remote: "
_LONGEST_REASON = 400

#: Exit codes that mean one thing, whatever Borg was doing.
_MEANINGS: dict[int, type[FleetkeepError]] = {
    11: NotARepository,
    13: RepositoryMissing,
    14: StorageFull,
    15: NotARepository,
    16: NotARepository,
    19: NotARepository,
    20: StorageFull,
    50: RepositoryWrongPassphrase,
    51: RepositoryWrongPassphrase,
    52: RepositoryWrongPassphrase,
    53: RepositoryWrongPassphrase,
    73: RepositoryLocked,
    80: RepositoryUnreachable,
    81: RepositoryUnreachable,
    83: RepositoryUnreachable,
    86: RepositoryUnreachable,
    87: RepositoryUnreachable,
}

#: Where Borg's own words do not say what to do.
_EXPLANATIONS = {
    42: "Its key file is not on this host; copy it from the host that made the repository into etc/fleetkeep/keys.",
    60: "It is not encrypted, but it was when this host last used it, or this host never saw it; find out who put it "
    "there.",
    61: "Its encryption changed since this host last used it; find out who put it there.",
    62: "It is not where it was when this host last used it; if you moved it, apply again with its new path.",
    63: "It is older than what this host remembers of it; an old copy was put in its place.",
    64: "It is older than what this host remembers of it; an old copy was put in its place.",
}


def failure_of(result: BorgResult, command: str, repository: str, location: str) -> FleetkeepError:
    """The error that a failed borg process is, ready to be shown or raised.

    Arguments:
        result: How it ended; its exit code is an error or a signal.
        command: The borg command, such as ``create``.
        repository: The declared name of the repository.
        location: Where it is.
    """
    kind = _MEANINGS.get(result.exit_code, BorgFailed)
    if _says(result, _NO_SPACE):
        kind = StorageFull
    elif kind is BorgFailed and _says(result, _READ_ONLY):
        kind = ReadOnly
    elsewhere = _place_beside(result, location) if kind in (StorageFull, ReadOnly) else None
    what = f"Borg's memory of repository {repository}" if elsewhere else f"repository {repository}"
    return kind(
        repository=repository,
        location=elsewhere or location,
        command=command,
        exit_code=result.exit_code,
        what=what,
        place=f"{what[0].upper()}{what[1:]} ({elsewhere or location})",
        reason=reason_of(result),
    )


def _place_beside(result: BorgResult, location: str) -> str | None:
    """The folder on this host that Borg could not write to, if it named one that is no part of the repository."""
    named = (_PLACE.search(message.message) for message in result.log)
    found = next((PurePosixPath(match["path"]).parent for match in named if match), None)
    remote = any(message.message.startswith(_REMOTE) for message in result.log)
    return None if found is None or remote or found.is_relative_to(location) else str(found)


def reason_of(result: BorgResult) -> str:
    """Why a borg process failed, in one sentence that ends with a full stop."""
    if result.cancelled:
        return "It was cancelled."
    if result.timed_out:
        return "It took longer than it may and was ended."
    explanation = _EXPLANATIONS.get(result.exit_code)
    if explanation:
        return explanation
    if result.exit_code == 128 + 9:
        return "It was killed, perhaps because memory ran out."
    said = _remote_words(result.log) or _last_words(result.log) or "It said nothing."
    return _as_sentence(said[:_LONGEST_REASON])


def _as_sentence(text: str) -> str:
    """Text that ends with one mark.

    >>> _as_sentence("Is borg there?"), _as_sentence("Connection refused")
    ('Is borg there?', 'Connection refused.')
    """
    text = text.rstrip(" .")
    return text if text.endswith(("?", "!")) else f"{text}."


def _says(result: BorgResult, marks: Sequence[str]) -> bool:
    return any(mark in message.message for message in result.log for mark in marks)


def _remote_words(log: tuple[LogMessage, ...]) -> str:
    """What ssh or the far side said, which tells more than "connection closed"."""
    said = [message.message[len(_REMOTE) :].strip() for message in log if message.message.startswith(_REMOTE)]
    return "; ".join(line for line in said[-3:] if line)


def _last_words(log: tuple[LogMessage, ...]) -> str:
    errors = [message.message for message in log if message.level in ("ERROR", "CRITICAL") and message.message]
    tracebacks = [text for text in errors if text.startswith("Traceback")]
    if tracebacks:
        return _cause_of(tracebacks[-1])
    plain = [message.message for message in log if message.logger == "stderr"]
    said = errors or plain
    return " ".join(said[-1].split()) if said else ""


def _cause_of(traceback: str) -> str:
    r"""The line of a traceback that names the exception.

    >>> _cause_of("Traceback (most recent call last):\n  File \"x\", line 1\nOSError: [Errno 5] bad\n\nPlatform: L")
    'OSError: [Errno 5] bad'
    """
    body = traceback.split("\n\n")[0]
    return next((line for line in reversed(body.splitlines()) if line and not line.startswith(" ")), body).strip()


__all__ = ["failure_of", "reason_of"]
