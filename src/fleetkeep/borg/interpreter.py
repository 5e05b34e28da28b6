# SPDX-License-Identifier: GPL-3.0-or-later
"""The interpreter that runs the borg program, so that Borg can be asked from the inside."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

#: What runs inside; see there.
INSIDE = Path(__file__).with_name("inside_borg.py")

#: Its exit code when it does not know the internals of this Borg.
UNKNOWN_INTERNALS = 117

_HEAD_BYTES = 1024
_SHEBANG = re.compile(rb"#![ \t]*(/\S*python[\d.]*)(?:[ \t]+(\S.*?))?[ \t\r]*\n")
#: What pip writes where the path of the interpreter is too long for the system.
_LONG_SHEBANG = re.compile(rb"#!/bin/sh\n'''exec' \"?(/[^\"\n]*?python[\d.]*)\"?( )?\"\$0\"")


@lru_cache(maxsize=8)
def interpreter_of(program: str) -> tuple[str, ...] | None:
    """The words that start the interpreter of a Python script; ``None`` for anything else, such as a frozen binary."""
    try:
        with Path(program).open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError:
        return None
    match = _SHEBANG.match(head) or _LONG_SHEBANG.match(head)
    if match is None:
        return None
    options = (match[2] or b"").decode(errors="replace").split()
    return (match[1].decode(errors="surrogateescape"), *options)


def inside_borg(program: str, question: Mapping[str, Any]) -> list[str]:
    """What to start instead of a borg program to put a question to its insides; empty where that cannot be done.

    The arguments of ``borg list`` follow. Source: ``inside_borg.py``.
    """
    interpreter = interpreter_of(program)
    if interpreter is None:
        return []
    return [*interpreter, str(INSIDE), json.dumps(question, separators=(",", ":"))]


__all__ = ["INSIDE", "UNKNOWN_INTERNALS", "inside_borg", "interpreter_of"]
