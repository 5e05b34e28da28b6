# SPDX-License-Identifier: GPL-3.0-or-later
"""What a borg process says on its error output with ``--log-json``, line by line.

Source: Borg 1.4 documentation, "Frontends", and captured output of 1.4.5.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

#: Borg prints a traceback as one message; nobody needs more than this of it.
_LONGEST_MESSAGE = 16_384


@dataclass(frozen=True)
class ArchiveProgress:
    """How far ``borg create`` is; about five a second."""

    files: int = 0
    original_bytes: int = 0
    compressed_bytes: int = 0
    deduplicated_bytes: int = 0
    path: str = ""
    finished: bool = False


@dataclass(frozen=True)
class FileStatus:
    """One file: ``A`` added, ``M`` modified, ``U`` unchanged, ``C`` changed while it was read, ``E`` error."""

    status: str
    path: str


@dataclass(frozen=True)
class LogMessage:
    """One message. A line that is no JSON (of ssh, say) has level ``INFO`` and logger ``stderr``."""

    level: str
    """``DEBUG``, ``INFO``, ``WARNING``, ``ERROR`` or ``CRITICAL``."""

    message: str
    """Borg's words, without control characters."""

    message_id: str = ""
    """Borg's name of it, such as ``LockTimeout``; empty when it has none."""

    logger: str = ""
    """The part of Borg that says it."""


@dataclass(frozen=True)
class ProgressPercent:
    """How far a command with a known end is."""

    message_id: str
    current: int = 0
    total: int = 0
    message: str = ""
    finished: bool = False


@dataclass(frozen=True)
class ProgressMessage:
    """What a command is doing now."""

    message_id: str
    message: str = ""
    finished: bool = False


Event = ArchiveProgress | FileStatus | LogMessage | ProgressPercent | ProgressMessage


def parse_event(line: bytes) -> Event | None:
    """One line of Borg's error output as an event; ``None`` for an empty line or a kind that is not known.

    >>> parse_event(b'{"type": "file_status", "status": "A", "path": "etc/hosts"}')
    FileStatus(status='A', path='etc/hosts')
    >>> parse_event(b'Warning: something')
    LogMessage(level='INFO', message='Warning: something', message_id='', logger='stderr')
    """
    text = line.decode("utf-8", errors="surrogateescape").strip()
    if not text:
        return None
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        return LogMessage(level="INFO", message=clean_text(text), logger="stderr")
    parser = _PARSERS.get(str(content.get("type")))
    return parser(content) if parser else None


def clean_text(text: str, longest: int = _LONGEST_MESSAGE) -> str:
    r"""Text that is safe on a terminal and in any file: control characters and broken Unicode are escaped.

    >>> clean_text("a\x1b[31mb")
    'a\\x1b[31mb'
    """
    if len(text) > longest:
        text = text[: longest // 2] + " ... " + text[-longest // 2 :]
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() or letter in "\n\t" else _escape(letter) for letter in text)


def _escape(letter: str) -> str:
    return letter.encode("unicode_escape", errors="surrogatepass").decode("ascii")


def _number(content: dict[str, Any], key: str) -> int:
    value = content.get(key)
    return value if isinstance(value, int) else 0


def _text(content: dict[str, Any], key: str) -> str:
    value = content.get(key)
    return clean_text(value) if isinstance(value, str) else ""


def _archive_progress(content: dict[str, Any]) -> ArchiveProgress:
    return ArchiveProgress(
        files=_number(content, "nfiles"),
        original_bytes=_number(content, "original_size"),
        compressed_bytes=_number(content, "compressed_size"),
        deduplicated_bytes=_number(content, "deduplicated_size"),
        path=_text(content, "path"),
        finished=bool(content.get("finished")),
    )


def _file_status(content: dict[str, Any]) -> FileStatus:
    return FileStatus(status=_text(content, "status"), path=_text(content, "path"))


def _log_message(content: dict[str, Any]) -> LogMessage:
    return LogMessage(
        level=_text(content, "levelname"),
        message=_text(content, "message").strip(),
        message_id=_text(content, "msgid"),
        logger=_text(content, "name"),
    )


def _question(content: dict[str, Any]) -> LogMessage:
    """Borg asks for consent; we answer by environment variables, so here it is only a message."""
    return LogMessage(
        level="WARNING", message=_text(content, "message"), message_id=_text(content, "msgid"), logger="question"
    )


def _progress_percent(content: dict[str, Any]) -> ProgressPercent:
    return ProgressPercent(
        message_id=_text(content, "msgid"),
        current=_number(content, "current"),
        total=_number(content, "total"),
        message=_text(content, "message"),
        finished=bool(content.get("finished")),
    )


def _progress_message(content: dict[str, Any]) -> ProgressMessage:
    return ProgressMessage(
        message_id=_text(content, "msgid"), message=_text(content, "message"), finished=bool(content.get("finished"))
    )


_PARSERS: dict[str, Callable[[dict[str, Any]], Event]] = {
    "archive_progress": _archive_progress,
    "file_status": _file_status,
    "log_message": _log_message,
    "progress_message": _progress_message,
    "progress_percent": _progress_percent,
    "question_prompt": _question,
    "question_prompt_retry": _question,
    "question_invalid_answer": _question,
    "question_accepted_default": _question,
    "question_accepted_false": _question,
    "question_accepted_true": _question,
    "question_env_answer": _question,
}

__all__ = [
    "ArchiveProgress",
    "Event",
    "FileStatus",
    "LogMessage",
    "ProgressMessage",
    "ProgressPercent",
    "clean_text",
    "parse_event",
]
