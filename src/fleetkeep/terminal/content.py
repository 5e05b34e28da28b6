# SPDX-License-Identifier: GPL-3.0-or-later
"""Contents of files as lines to read, and two of them compared; pure."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Iterator, Sequence

from fleetkeep.agent.beginning import FileContent
from fleetkeep.model import FileState, FileStatus
from fleetkeep.plan.words import printable, render_bytes, render_count

from .rows import moment

#: So much of a file is shown, and so much of each of two is compared.
PREVIEW_BYTES = 256 * 1024
COMPARED_BYTES = 256 * 1024

#: So much of a file without text is shown.
DUMP_BYTES = 1024
LONGEST_LINE = 2_000
_TAB = 8
_SAMPLE_BYTES = 8_192


def content_lines(content: FileContent) -> list[str]:
    """A file as lines that can be shown: text with everything escaped that could drive a terminal, else a dump."""
    if not content.data:
        return ["(empty)"]
    if is_text(content.data):
        lines = _text_lines(content.data)
        if not content.is_whole:
            lines.append(f"--- only the first {render_bytes(len(content.data))} are shown; restore it to see all ---")
        return lines
    size = render_bytes(len(content.data)) if content.is_whole else f"more than {render_bytes(len(content.data))}"
    return [f"This is no text ({size}). Its beginning:", "", *_dump(content.data[:DUMP_BYTES])]


def is_text(data: bytes) -> bool:
    """Whether a person could read it: no zero byte in its beginning, and hardly anything that is no UTF-8."""
    sample = data[:_SAMPLE_BYTES]
    if b"\0" in sample:
        return False
    broken = sample.decode("utf-8", errors="replace").count("\ufffd")
    return broken <= max(1, len(sample) // 20)


def compare(older: FileState, newer: FileState, contents: tuple[FileContent, FileContent] | None) -> list[str]:
    """How two versions of a path differ: what the archive says of them, then their text line by line."""
    lines = [f"--- {_title(older)}", f"+++ {_title(newer)}", ""]
    facts = list(_facts(older.status, newer.status))
    lines += [*facts, ""] if facts else []
    if contents is None:
        return lines + ([] if facts else ["Nothing that the catalog knows differs."])
    before, after = contents
    cut = "" if before.is_whole and after.is_whole else f" in the first {render_bytes(COMPARED_BYTES)}"
    if before.data == after.data:
        return [*lines, f"The content is the same{cut}: SHA-256 {_digest(before)}."]
    if not (is_text(before.data) and is_text(after.data)):
        return [
            *lines,
            "The content differs and is no text:",
            f"- SHA-256 {_digest(before)}",
            f"+ SHA-256 {_digest(after)}",
        ]
    changes = difflib.unified_diff(_text_lines(before.data), _text_lines(after.data), lineterm="", n=3)
    lines += [line for line in list(changes)[2:]]
    return [*lines, f"--- compared only{cut} ---"] if cut else lines


def can_compare(older: FileState, newer: FileState) -> bool:
    """Whether the two have content to compare."""
    return older.status.is_file and newer.status.is_file


def pick_pair(versions: Sequence[FileState], marked: Sequence[int], cursor: int) -> tuple[int, int] | None:
    """Which two versions are meant, the older first: two that are marked, the marked one and that under the cursor, or
    that under the cursor and the one before it. The newest stands first."""
    if len(marked) == 2:
        newer, older = sorted(marked)
    elif len(marked) == 1 and marked[0] != cursor:
        newer, older = sorted((marked[0], cursor))
    else:
        newer, older = cursor, cursor + 1
    return (older, newer) if 0 <= newer < older < len(versions) else None


def _facts(before: FileStatus, after: FileStatus) -> Iterator[str]:
    pairs = (
        ("size", f"{before.size:,} bytes", f"{after.size:,} bytes"),
        ("modified", moment(before.modified_at), moment(after.modified_at)),
        ("mode", f"{before.mode:06o}", f"{after.mode:06o}"),
        ("owner", _owner(before), _owner(after)),
        ("target", printable(before.target), printable(after.target)),
    )
    for name, one, other in pairs:
        if one != other:
            yield f"{name}: {one or 'none'} became {other or 'none'}"


def _owner(status: FileStatus) -> str:
    return printable(f"{status.owner or status.uid}:{status.group or status.gid}")


def _title(version: FileState) -> str:
    archives = render_count(version.archives, "archive")
    since = moment(version.first_seen_at)
    return f"/{printable(version.path)} since {since}, in {archives}, the last one {printable(version.last_archive)}"


def _text_lines(data: bytes) -> list[str]:
    text = data.decode("utf-8", errors="surrogateescape")
    return [_line(line) for line in text.removesuffix("\n").split("\n")]


def _line(line: str) -> str:
    shown = printable(line.removesuffix("\r").expandtabs(_TAB))
    return shown if len(shown) <= LONGEST_LINE else f"{shown[:LONGEST_LINE]} ... ({len(shown):,} characters)"


def _dump(data: bytes) -> Iterator[str]:
    for offset in range(0, len(data), 16):
        block = data[offset : offset + 16]
        letters = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in block)
        yield f"{offset:08x}  {block.hex(' '):<47}  {letters}"


def _digest(content: FileContent) -> str:
    return hashlib.sha256(content.data).hexdigest()


__all__ = [
    "COMPARED_BYTES",
    "PREVIEW_BYTES",
    "can_compare",
    "compare",
    "content_lines",
    "is_text",
    "pick_pair",
]
