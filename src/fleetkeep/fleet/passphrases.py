# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a declared repository gets its passphrase.

Only this file looks at the value of a passphrase, and only to hand it on: no problem ever shows it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from fleetkeep.model import Encryption, PassphraseKind

from .problems import problem, suggest
from .sentences import wrong_value
from .setting import UNKNOWN, Refused, Setting

_WAYS = "give passphrase: {generate: true}, a value from Vault, or {command: [...]}"
_KEYS = ("generate", "command")


@dataclass(frozen=True)
class DeclaredPassphrase:
    """A passphrase as it is declared."""

    kind: PassphraseKind
    """Where it comes from."""

    secret: str | None = field(default=None, repr=False)
    """The passphrase itself, when it is declared as a value."""

    command: tuple[str, ...] = ()
    """What prints it on the client."""


def read_passphrase(repository: Setting, encryption: Encryption | None) -> DeclaredPassphrase:
    """The passphrase of a declared repository; ``encryption`` is ``None`` when it is not known.

    Raises ``Refused`` when there is none, it is empty, has the wrong form, or does not go with the encryption.
    """
    given = repository.get("passphrase")
    if given is None and encryption is not None and encryption is not Encryption.NONE:
        what = f"{repository.address} has no passphrase, but its encryption {encryption.value} needs one; {_WAYS}"
        raise Refused(problem(repository.place, what))
    if given is None:
        return DeclaredPassphrase(PassphraseKind.NONE)
    if given.value is UNKNOWN:
        raise Refused(None)
    if encryption is Encryption.NONE:
        what = f"{given.address} is given, but encryption none takes no passphrase; take one of them out"
        raise Refused(problem(given.place, what))
    if given.entries() is not None:
        return _by_map(given)
    if not isinstance(given.value, str):
        raise Refused(wrong_value(given, "text in quotes, {generate: true} or {command: [...]}"))
    return DeclaredPassphrase(PassphraseKind.GIVEN, secret=_checked(given, str(given.value)))


def _checked(given: Setting, value: str) -> str:
    """The passphrase without the line end that Vault files have; Borg leaves it out as well."""
    secret = value.rstrip("\r\n")
    if not secret.strip():
        raise Refused(problem(given.origin, f"{given.address} is empty; {_WAYS}"))
    if any(character in secret for character in "\r\n\0"):
        what = f"{given.address} has several lines or a NUL; a passphrase is one line of text"
        raise Refused(problem(given.origin, what))
    return secret


def _by_map(given: Setting) -> DeclaredPassphrase:
    entries = given.entries() or {}
    for name, child in entries.items():
        if name not in _KEYS:
            what = f"{given.address} has the unknown key {name!r}; {suggest(name, _KEYS)}"
            raise Refused(problem(child.place, what))
    if len(entries) != 1:
        raise Refused(problem(given.place, f"{given.address} takes one of generate and command; {_WAYS}"))
    (name, child), *_ = entries.items()
    if child.value is UNKNOWN:
        raise Refused(None)
    if name == "command":
        return DeclaredPassphrase(PassphraseKind.COMMAND, command=_command(child))
    if child.value is not True:
        raise Refused(problem(child.origin, f"{child.address} is only ever true; {_WAYS}"))
    return DeclaredPassphrase(PassphraseKind.GENERATED)


def _command(given: Setting) -> tuple[str, ...]:
    items = given.items()
    if any(item.value is UNKNOWN for item in items or ()):
        raise Refused(None)
    if not items or not all(isinstance(item.value, str) for item in items):
        raise Refused(wrong_value(given, "a list of program and arguments such as [pass, show, backup/offsite]"))
    return tuple(str(item.value) for item in items)


__all__ = ["DeclaredPassphrase", "read_passphrase"]
