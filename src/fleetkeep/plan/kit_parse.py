# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a recovery kit in its text form, also one that somebody typed back from paper; pure.

Only the lines with a label and the numbered lines of the key are needed; everything between them is for people.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from fleetkeep.borg.keys import KeyExport, KeyUnreadable, is_paper_line, parse_key_file, parse_paper_key
from fleetkeep.borg.passphrase import Passphrase
from fleetkeep.clock import UTC
from fleetkeep.model import Encryption

from .kit import FORM, GROUPED, KitContent, checksum, read_value

_LABELS = (
    "format",
    "kit",
    "made",
    "owner",
    "place",
    "client",
    "repository",
    "location",
    "repository-id-1",
    "repository-id-2",
    "encryption",
    "borg",
)
_SECRETS = ("passphrase", "passphrase-bytes")
_LINE = re.compile(r"\s*([A-Za-z0-9-]+)\s*:\s*(\S.*?)\s+-\s*([0-9A-Fa-f]{4})\s*")
_BEGINNING = re.compile(r"\s*([A-Za-z0-9-]+)\s*:")
_PAPER_ID = re.compile(r"\s*id\s*:", re.IGNORECASE)
_KEY_FILE = "BORG_KEY "


class KitProblem(ValueError):
    """A kit cannot be read; the words go on after "cannot be read as a recovery kit:"."""


def parse_kit(text: str) -> KitContent:
    """The content of a kit. Raises ``KitProblem``, which names the line where a person has to look."""
    lines = text.splitlines()
    values = _values(lines)
    if not values:
        raise KitProblem("it has none of the lines of a kit; of a PDF, type or copy its text into a file")
    if values.get("format", FORM) != FORM:
        raise KitProblem(f"it has the form {values['format']}, but this Fleetkeep knows form {FORM}")
    for label in _LABELS:
        if label not in values:
            raise KitProblem(f"its line {label}: is missing")
    encryption = _encryption(values["encryption"])
    repository_id = values["repository-id-1"] + values["repository-id-2"]
    encrypted = encryption is not Encryption.NONE
    return KitContent(
        id=values["kit"],
        made_at=_moment(values["made"]),
        owner=values["owner"],
        place=values["place"],
        client=values["client"],
        repository=values["repository"],
        location=values["location"],
        repository_id=repository_id,
        encryption=encryption,
        borg=values["borg"],
        key=_key(lines, repository_id) if encrypted else None,
        passphrase=_passphrase(values) if encrypted else None,
    )


def _values(lines: Sequence[str]) -> dict[str, str]:
    values: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        beginning = _BEGINNING.match(line)
        label = beginning[1].lower() if beginning else ""
        if label not in (*_LABELS, *_SECRETS):
            continue
        value = _value(label, line)
        if value is None:
            raise KitProblem(f"line {number} ({label}) has a typing error")
        if values.setdefault(label, value) != value:
            raise KitProblem(f"line {number} ({label}) says something else than an earlier one")
    return values


def _value(label: str, line: str) -> str | None:
    """The value of a line, if its checksum holds."""
    match = _LINE.fullmatch(line)
    if match is None:
        return None
    try:
        value = "".join(match[2].split()).lower() if label in GROUPED else read_value(match[2])
        return value if checksum(label, value) == match[3].lower() else None
    except ValueError:
        return None


def _encryption(text: str) -> Encryption:
    try:
        return Encryption(text)
    except ValueError:
        raise KitProblem(f"the encryption {text} is not known to this Fleetkeep") from None


def _moment(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise KitProblem(f"made: {text} is no moment") from None


def _passphrase(values: dict[str, str]) -> Passphrase:
    said = values.get("passphrase")
    if "passphrase-bytes" in values:
        try:
            spelled = bytes.fromhex(values["passphrase-bytes"]).decode()
        except ValueError:
            raise KitProblem("passphrase-bytes: is no text") from None
        if said not in (None, spelled):
            raise KitProblem("passphrase: and passphrase-bytes: do not say the same")
        said = spelled
    if not said:
        raise KitProblem("its line passphrase: is missing")
    return Passphrase(said)


def _key(lines: Sequence[str], repository_id: str) -> KeyExport:
    """The key from its numbered lines or from its export; where both are there, they have to agree."""
    try:
        found = [*_paper_key(lines, repository_id), *_key_file(lines)]
    except KeyUnreadable as error:
        raise KitProblem(str(error)) from None
    if not found:
        raise KitProblem("the lines of the key are missing")
    if any(key.repository_id != repository_id for key in found):
        raise KitProblem("its key is that of another repository")
    if any(key != found[0] for key in found):
        raise KitProblem("the numbered lines of the key and the key as a file do not say the same")
    return found[0]


def _paper_key(lines: Sequence[str], repository_id: str) -> list[KeyExport]:
    numbered = [line for line in lines if _PAPER_ID.match(line) or is_paper_line(line)]
    return [parse_paper_key(numbered, repository_id)] if numbered else []


def _key_file(lines: Sequence[str]) -> list[KeyExport]:
    """The export: from its head to the next line that is no part of it."""
    heads = [place for place, line in enumerate(lines) if line.strip().startswith(_KEY_FILE)]
    exports = []
    for head in heads:
        body = []
        for line in lines[head + 1 :]:
            if not line.strip() or " " in line.strip():
                break
            body.append(line.strip())
        exports.append(parse_key_file("\n".join((lines[head].strip(), *body))))
    return exports


__all__ = ["KitProblem", "parse_kit"]
