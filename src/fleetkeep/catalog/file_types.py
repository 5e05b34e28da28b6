# SPDX-License-Identifier: GPL-3.0-or-later
"""Types of files as SQL knows them: bits of a mode, and a flag of each for the types that a folder ever held."""

from __future__ import annotations

from fleetkeep.model import FileType

TYPE_BITS = {FileType.FILE: 0o100000, FileType.FOLDER: 0o040000, FileType.LINK: 0o120000}
"""Of ``st_mode``; anything else is of the type OTHER."""

TYPE_FLAGS = {FileType.FILE: 1, FileType.FOLDER: 2, FileType.LINK: 4, FileType.OTHER: 8}

_CASES = " ".join(f"WHEN {bits} THEN {TYPE_FLAGS[each]}" for each, bits in TYPE_BITS.items())

TYPE_FLAG = f"CASE attribute.mode & 61440 {_CASES} ELSE {TYPE_FLAGS[FileType.OTHER]} END"
"""The flag of an attribute, in SQL."""

__all__ = ["TYPE_BITS", "TYPE_FLAG", "TYPE_FLAGS"]
