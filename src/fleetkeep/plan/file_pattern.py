# SPDX-License-Identifier: GPL-3.0-or-later
"""What a search pattern accepts: a test of folders, a test of names, and what an index may look for before them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

from fleetkeep.model import FileQuery, PatternKind

#: Letters of a piece that an index by trigrams can look up.
TRIGRAM = 3

_ANY_FOLDERS = "(?:[^/]+/)*"
_PIECE = re.compile(r"\*+|\?|\[(?P<not>[!^]?)(?P<set>[^/\]]+|\][^/\]]*)\]|(?P<literal>.)", re.DOTALL)

#: A range of letters or one letter in brackets.
_MEMBER = re.compile(r"(.)-(.)|(.)", re.DOTALL)


@dataclass(frozen=True)
class FilePattern:
    """A pattern, ready to be held against stored paths."""

    start: tuple[str, ...]
    """The folders from the root on in which everything lies that it accepts; folded unless the case matters."""

    is_one_folder: bool
    """Whether everything lies in that folder itself."""

    folder: re.Pattern[str] | None
    """What the folder's path, with a slash at its end, must be; none: any folder."""

    name: re.Pattern[str] | None
    """What the name must be; none: any name."""

    literals: tuple[str, ...]
    """Pieces that every accepted name has; folded unless the case matters."""

    match_case: bool

    folder_literals: tuple[str, ...] = ()
    """Pieces that the path of every accepted folder has; folded unless the case matters."""

    def accepts_folder(self, path: str) -> bool:
        """Whether something in the folder of this stored path may be accepted; the root has an empty path."""
        return self.folder is None or self.folder.fullmatch(self.form(f"{path}/" if path else "")) is not None

    def accepts_name(self, name: str) -> bool:
        """Whether a name is accepted that lies in an accepted folder."""
        return self.name is None or self.name.fullmatch(self.form(name)) is not None

    def accepted_of(self, names: str) -> Iterator[str]:
        """The accepted ones of names that have slashes between them and around them, as a whole.

        >>> list(parse_pattern(FileQuery(pattern="*.PDF")).accepted_of("/a.pdf/b.txt/C.pdf/"))
        ['a.pdf', 'C.pdf']
        """
        return (names[slice(*found.span(1))] for found in self._among.finditer(self.form(names)))

    @cached_property
    def _among(self) -> re.Pattern[str]:
        return _compiled(f"/({'[^/]+' if self.name is None else self.name.pattern})(?=/)")

    def form(self, text: str) -> str:
        """Text as it is compared."""
        return text if self.match_case else fold(text)

    @property
    def trigrams(self) -> tuple[str, ...]:
        """Every three letters in a row that an accepted name certainly has, as an index that folds letters can find
        them."""
        found = (
            literal[place : place + TRIGRAM]
            for literal in map(fold, self.literals)
            for place in range(len(literal) - TRIGRAM + 1)
        )
        return tuple(dict.fromkeys(three for three in found if all(map(is_searchable, three))))

    @property
    def letters(self) -> str:
        """Two letters in a row that an accepted name certainly has, as an index that folds letters can find them; one
        where there are no two."""
        literals = [fold(literal) for literal in self.literals]
        for length in (2, 1):
            for literal in literals:
                for place in range(len(literal) - length + 1):
                    some = literal[place : place + length]
                    if all(map(is_searchable, some)):
                        return some
        return ""

    @cached_property
    def needle(self) -> str:
        """The longest piece of ASCII that an accepted name certainly has, in small letters; empty when there is
        none."""
        return _longest_ascii(self.literals)

    @cached_property
    def folder_needle(self) -> str:
        """The longest piece of ASCII that the path of an accepted folder certainly has, in small letters."""
        return _longest_ascii(self.folder_literals)


def parse_pattern(query: FileQuery) -> FilePattern:
    """The pattern of a query.

    >>> pattern = parse_pattern(FileQuery(pattern="/etc/*.CONF"))
    >>> pattern.start, pattern.trigrams, pattern.accepts_folder("etc"), pattern.accepts_name("a.conf")
    (('etc',), ('.co', 'con', 'onf'), True, True)
    """
    kind = query.meaning
    match_case = query.match_case or kind is PatternKind.EXACT
    text = query.pattern if match_case else fold(query.pattern)
    if not text:
        return FilePattern((), False, None, None, (), match_case)
    parse = {PatternKind.SUBSTRING: _substring, PatternKind.GLOB: _glob, PatternKind.EXACT: _exact}[kind]
    return parse(text, match_case)


def fold(text: str) -> str:
    """Text without the difference between capital and small letters; its length stays, and ASCII meets only ASCII.

    >>> fold("Straße ÄÖÜ")
    'straße äöü'
    """
    lower = text.lower()
    if len(lower) == len(text) and text.isascii():
        return lower
    return "".join(map(_fold_letter, text))


def _longest_ascii(literals: tuple[str, ...]) -> str:
    runs = (run for literal in literals for run in re.findall(r"[\x01-\x7f]+", fold(literal)))
    return max(runs, key=len, default="")


@lru_cache(maxsize=4096)
def _fold_letter(letter: str) -> str:
    lower = letter.lower()
    return lower if len(lower) == 1 and lower.isascii() == letter.isascii() else letter


def is_searchable(letter: str) -> bool:
    """Whether every index folds this letter as ``fold`` does: it knows only older alphabets with capital letters."""
    if letter < "\u0250" or "\u0391" <= letter <= "\u03c9" or "\u0400" <= letter < "\u0528":
        return True
    return letter.lower() == letter == letter.upper() and not "\ud800" <= letter <= "\udfff"


def _substring(text: str, match_case: bool) -> FilePattern:
    head, slash, tail = text.rpartition("/")
    name = f"[^/]*{re.escape(tail)}[^/]*" if not slash else f"{re.escape(tail)}[^/]*"
    start: tuple[str, ...] = ()
    folder = None
    is_anchored = text.startswith("/")
    if is_anchored:
        start = tuple(filter(None, head.split("/")))
        folder = _compiled("".join(f"{re.escape(part)}/" for part in start))
    elif slash:
        folder = _compiled(f".*{re.escape(head)}/")
    literals = (tail,) if tail else ()
    return FilePattern(start, is_anchored, folder, _compiled(name), literals, match_case, (head.strip("/"),))


def _exact(text: str, match_case: bool) -> FilePattern:
    *start, name = [part for part in text.split("/") if part] or [""]
    folder = _compiled("".join(f"{re.escape(part)}/" for part in start)) if "/" in text else None
    return FilePattern(tuple(start), "/" in text, folder, _compiled(re.escape(name)), (name,), match_case)


def _glob(text: str, match_case: bool) -> FilePattern:
    parts = [part for part in text.split("/") if part] or [""]
    if parts[-1] == "**":
        parts.append("*")
    *folders, last = parts
    is_path, is_anchored = "/" in text, text.startswith("/")
    start: list[str] = []
    if is_anchored:
        for part in folders:
            expression, literals = _translate(part)
            if expression != re.escape("".join(literals)):
                break
            start.append(part)
    expression = "".join(_ANY_FOLDERS if part == "**" else f"{_translate(part)[0]}/" for part in folders)
    folder = _compiled(expression if is_anchored else _ANY_FOLDERS + expression) if is_path else None
    name, literals = _translate(last)
    is_one_folder = is_anchored and len(start) == len(folders)
    above = tuple(literal for part in folders for literal in _translate(part)[1])
    return FilePattern(tuple(start), is_one_folder, folder, _compiled(name), literals, match_case, above)


def _translate(part: str) -> tuple[str, tuple[str, ...]]:
    """The expression of one name of a glob, and the pieces of it that are no wildcard."""
    expression, pieces = "", [""]
    for piece in _PIECE.finditer(part):
        if piece["literal"] is not None:
            expression += re.escape(piece["literal"])
            pieces[-1] += piece["literal"]
            continue
        pieces.append("")
        expression += _wildcard(piece)
    return expression, tuple(filter(None, pieces))


def _wildcard(piece: re.Match[str]) -> str:
    if piece[0][0] == "*":
        return "[^/]*"
    if piece[0] == "?":
        return "[^/]"
    letters = "".join(
        f"{re.escape(first)}-{re.escape(last)}" if first else re.escape(single)
        for first, last, single in _MEMBER.findall(piece["set"])
    )
    inside = f"(?!/)[{'^' if piece['not'] else ''}{letters}]"
    try:
        re.compile(inside)
    except re.error:  # a range that ends before it begins holds no letter
        return "[^/]" if piece["not"] else "(?!)"
    return inside


def _compiled(expression: str) -> re.Pattern[str]:
    return re.compile(expression, re.DOTALL)


__all__ = ["TRIGRAM", "FilePattern", "fold", "is_searchable", "parse_pattern"]
