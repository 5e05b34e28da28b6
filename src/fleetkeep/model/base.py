# SPDX-License-Identifier: GPL-3.0-or-later
"""What all nouns share: frozen, strict about unknown keys, plain types for durations, sizes, names and secrets."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, StringConstraints, WithJsonSchema

_UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_DURATION = re.compile(r"(?:\d+[smhdw])+")
_SIZE_FACTORS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "P": 10**15}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)([KMGTP]?)B?")


class Model(BaseModel):
    """A frozen noun; an unknown key is an error, so that a typing mistake never passes for a setting."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def parse_duration(value: Any) -> timedelta:
    """A length of time from ``"26h"``, ``"1h30m"``, ``"45m"``, ``"7d"`` or a number of seconds.

    >>> parse_duration("1h30m")
    datetime.timedelta(seconds=5400)

    Raises ``ValueError`` for anything else.
    """
    if isinstance(value, timedelta):
        return value
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return timedelta(seconds=value)
    if isinstance(value, str) and _DURATION.fullmatch(value):
        parts = re.findall(r"(\d+)([smhdw])", value)
        return timedelta(seconds=sum(int(number) * _UNIT_SECONDS[unit] for number, unit in parts))
    raise ValueError("write a duration as a number with s, m, h, d or w, such as 45m, 26h or 7d")


def render_duration(value: timedelta) -> str:
    """A duration as people write it: in days only when it is whole days.

    >>> render_duration(timedelta(hours=26)), render_duration(timedelta(days=7)), render_duration(timedelta(minutes=90))
    ('26h', '7d', '1h30m')
    """
    seconds = int(value.total_seconds())
    if seconds and seconds % 86400 == 0:
        return f"{seconds // 86400}d"
    parts = []
    for unit, size in (("h", 3600), ("m", 60), ("s", 1)):
        number, seconds = divmod(seconds, size)
        if number:
            parts.append(f"{number}{unit}")
    return "".join(parts) or "0s"


def parse_size(value: Any) -> int:
    """Bytes from ``"2T"``, ``"500G"``, ``"1.5M"`` (powers of 1000, as Borg counts) or a plain number.

    >>> parse_size("1.5M")
    1500000
    """
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    if isinstance(value, str) and (match := _SIZE.fullmatch(value.strip())):
        return int(float(match[1]) * _SIZE_FACTORS[match[2]])
    raise ValueError("write a size as a number with K, M, G, T or P, such as 500G or 2T")


Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    PlainSerializer(render_duration, return_type=str),
    WithJsonSchema(
        {
            "anyOf": [{"type": "string", "pattern": r"^(\d+[smhdw])+$"}, {"type": "integer", "minimum": 0}],
            "examples": ["45m", "26h"],
        }
    ),
]
"""A length of time, written ``45m``, ``26h``, ``7d``."""

Bytes = Annotated[
    int,
    BeforeValidator(parse_size),
    WithJsonSchema(
        {
            "anyOf": [{"type": "string", "pattern": r"^\d+(\.\d+)?[KMGTP]?B?$"}, {"type": "integer", "minimum": 0}],
            "examples": ["500G", "2T"],
        }
    ),
]
"""A number of bytes, written ``500G``, ``2T``."""

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$")]
"""The name of a declared thing: letters, digits, ``_``, ``.``, ``-``; it becomes part of file and unit names."""


def refuse_truth(value: Any) -> Any:
    """The value, unless it is true or false, which Python would count as 1 and 0."""
    if isinstance(value, bool):
        raise ValueError("write a whole number, such as 7")
    return value


Count = Annotated[int, Field(ge=0, le=100_000), BeforeValidator(refuse_truth)]
"""A small whole number; ``yes`` is none. (The limits stand first: after a validator they miss the JSON Schema.)"""

Positive = Annotated[int, Field(ge=1, le=100_000), BeforeValidator(refuse_truth)]
"""A small whole number from one on."""

Port = Annotated[int, Field(ge=1, le=65_535), BeforeValidator(refuse_truth)]
"""A TCP port."""


__all__ = [
    "Bytes",
    "Count",
    "Duration",
    "Model",
    "Name",
    "Port",
    "Positive",
    "parse_duration",
    "parse_size",
    "render_duration",
]
