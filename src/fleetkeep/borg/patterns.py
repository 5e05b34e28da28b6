# SPDX-License-Identifier: GPL-3.0-or-later
"""Borg's patterns: reading what a person wrote, and writing lines of a pattern file that mean one exact path.

Source: ``borg help patterns`` of 1.4. A pattern file is UTF-8 text whose lines lose the whitespace at both ends, so a
name that such a line cannot carry is written as a regular expression of ASCII letters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

STYLES = ("fm", "sh", "re", "pp", "pf")

#: The style of a pattern that names none.
DEFAULT_STYLE = "sh"

#: So many paths share one regular expression, because Borg tries one after the other on each item.
ODD_PATHS_TOGETHER = 500

#: The line that ends a pattern file which includes exact paths only.
EXCLUDE_ALL = "- re:^\n"


def parse_pattern(text: str) -> str:
    """A pattern with its style, as Borg takes it on any command line.

    >>> parse_pattern("/etc/**/*.conf"), parse_pattern("re:^srv/.*")
    ('sh:/etc/**/*.conf', 're:^srv/.*')

    Raises ``ValueError`` with the reason when it is none.
    """
    style, colon, body = text.partition(":")
    if not (colon and len(style) == 2 and style.isalnum()):
        style, body = DEFAULT_STYLE, text
    if style not in STYLES:
        raise ValueError(f"{style} is none of the styles {', '.join(STYLES)}")
    if not body or "\0" in body:
        raise ValueError("it names nothing")
    if style == "re":
        try:
            re.compile(body)
        except re.error as error:
            raise ValueError(f"{error}") from None
    return f"{style}:{body}"


def exact_lines(sign: str, paths: Iterable[str]) -> Iterator[str]:
    r"""Lines of a pattern file for stored paths and nothing else; ``sign`` is ``+`` or ``-``.

    >>> list(exact_lines("-", ["etc/hosts", "a\nb ", "etc/motd"]))
    ['- pf:etc/hosts\n', '- pf:etc/motd\n', '- re:^(?:a\\nb\\x20)\\Z\n']
    """
    odd: list[str] = []
    for path in paths:
        if path.isprintable() and path == path.strip():
            yield f"{sign} pf:{path}\n"
            continue
        odd.append("".join(map(_escape, path)))
        if len(odd) == ODD_PATHS_TOGETHER:
            yield f"{sign} re:^(?:{'|'.join(odd)})\\Z\n"
            odd = []
    if odd:
        yield f"{sign} re:^(?:{'|'.join(odd)})\\Z\n"


def _escape(letter: str) -> str:
    if (letter.isascii() and letter.isalnum()) or letter in "/_-":
        return letter
    if letter == "\n":
        return r"\n"
    number = ord(letter)
    return rf"\x{number:02x}" if number < 0x100 else rf"\u{number:04x}" if number < 0x10000 else rf"\U{number:08x}"


__all__ = ["DEFAULT_STYLE", "EXCLUDE_ALL", "STYLES", "exact_lines", "parse_pattern"]
