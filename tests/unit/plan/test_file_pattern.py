# SPDX-License-Identifier: GPL-3.0-or-later
"""What search patterns accept, and that an index which looks for three letters never misses what they accept."""

from __future__ import annotations

import sqlite3
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetkeep.model import FileQuery, PatternKind
from fleetkeep.plan.file_pattern import fold, is_searchable, parse_pattern


def accepts(pattern: str, path: str, **changes: object) -> bool:
    parsed = parse_pattern(FileQuery(pattern=pattern, **changes))
    folder, _, name = path.rpartition("/")
    return parsed.accepts_folder(folder) and parsed.accepts_name(name)


@pytest.mark.parametrize(
    ("pattern", "found", "left_out"),
    [
        ("", ["a", "a/b"], []),
        ("host", ["hosts", "etc/myHOST.conf"], ["host/x", "etc/hoost"]),
        ("etc/ho", ["etc/hosts", "srv/etc/hosts", "myetc/ho"], ["etc/x/hosts", "etc/xho", "ho", "etch/o"]),
        ("/etc/ho", ["etc/hosts", "ETC/HO"], ["srv/etc/hosts", "myetc/hosts", "etc/a/hosts"]),
        ("/ho", ["hosts"], ["etc/hosts"]),
        ("etc/", ["etc/hosts", "a/etc/b"], ["etc", "etc/a/b"]),
        ("/", ["a"], ["a/b"]),
        ("*.conf", ["a.conf", "etc/A.CONF", "new\nline.conf"], ["a.conf.old", "a.conf/x"]),
        ("?[a-c]*", ["xa", "xbc"], ["a", "xd"]),
        ("[!a-c]x", ["dx", "]x"], ["ax", "/x"]),
        ("[]x]", ["]", "x"], ["y"]),
        ("[z-a]", [], ["z", "a", "[z-a]"]),
        ("[!z-a]", ["q"], ["qq"]),
        ("[a&&b~~|^]x", ["ax", "&x", "~x", "|x", "^x"], ["cx"]),
        ("/etc/*.conf", ["etc/a.conf"], ["etc/a/b.conf", "srv/etc/a.conf"]),
        ("etc/*.conf", ["etc/a.conf", "srv/etc/a.conf"], ["etc/a/b.conf", "myetc/a.conf"]),
        ("/home/*/.bashrc", ["home/a/.bashrc"], ["home/.bashrc", "home/a/b/.bashrc"]),
        ("/home/**/*.pdf", ["home/a.pdf", "home/a/b/c.pdf"], ["srv/home/a.pdf", "home/a/b.pdfx"]),
        ("/home/**", ["home/a", "home/a/b"], ["home", "home2/a"]),
        ("**/cache/*", ["cache/x", "a/b/cache/x"], ["cache", "mycache/x"]),
        ("*/", ["a", "b/c"], []),
    ],
)
def test_patterns(pattern: str, found: list[str], left_out: list[str]) -> None:
    assert [path for path in found if not accepts(pattern, path)] == []
    assert [path for path in left_out if accepts(pattern, path)] == []


def test_how_a_pattern_is_meant_can_be_said() -> None:
    assert not accepts("a*", "xa*")
    assert accepts("a*", "xa*", kind=PatternKind.SUBSTRING)
    assert accepts("hosts", "etc/hosts", kind=PatternKind.EXACT)
    assert not accepts("Hosts", "etc/hosts", kind=PatternKind.EXACT)
    assert accepts("/etc/hosts", "etc/hosts", kind=PatternKind.EXACT)
    assert not accepts("etc/hosts", "srv/etc/hosts", kind=PatternKind.EXACT)
    assert accepts("HOSTS", "etc/hosts") and not accepts("HOSTS", "etc/hosts", match_case=True)
    assert not accepts("host", "hosts", kind=PatternKind.GLOB)
    assert FileQuery(pattern="a[b").meaning is PatternKind.SUBSTRING


@pytest.mark.parametrize(
    ("pattern", "start", "is_one_folder", "trigrams", "needle"),
    [
        ("hOsts", (), False, ("hos", "ost", "sts"), "hosts"),
        ("ab", (), False, (), "ab"),
        ("/etc/ssh/*key*.pub", ("etc", "ssh"), True, ("key", ".pu", "pub"), ".pub"),
        ("/srv/*/data/x", ("srv",), False, (), "x"),
        ("/srv/**", ("srv",), False, (), ""),
        ("srv/www/index", (), False, ("ind", "nde", "dex"), "index"),
        ("caf\udce9", (), False, ("caf",), "caf"),
        ("Отчёт", (), False, ("отч", "тчё", "чёт"), ""),
    ],
)
def test_what_an_index_may_look_for(
    pattern: str, start: tuple[str, ...], is_one_folder: bool, trigrams: tuple[str, ...], needle: str
) -> None:
    parsed = parse_pattern(FileQuery(pattern=pattern))
    assert (parsed.start, parsed.is_one_folder) == (start, is_one_folder)
    assert (parsed.trigrams, parsed.needle) == (trigrams, needle)


@pytest.mark.parametrize(
    ("pattern", "letters", "folder_needle"),
    [
        ("aB", "ab", ""),
        ("?é*", "é", ""),
        ("x*yz*", "yz", ""),
        ("\udce9", "", ""),
        ("*", "", ""),
        ("SSH/key", "ke", "ssh"),
        ("/etc/ssh/k", "k", "etc/ssh"),
        ("/home/*/docu[m]ents/**/*.pdf", ".p", "home"),
    ],
)
def test_what_else_tells_where_to_look(pattern: str, letters: str, folder_needle: str) -> None:
    parsed = parse_pattern(FileQuery(pattern=pattern))
    assert (parsed.letters, parsed.folder_needle) == (letters, folder_needle)


ODD = st.text(alphabet=st.sampled_from("abAB[]!*?-+:^.\n\udce9é"), min_size=1, max_size=6)


@given(ODD, st.lists(ODD, min_size=1, max_size=5), st.booleans())
def test_of_many_names_those_are_accepted_that_are_accepted_alone(
    pattern: str, names: list[str], match_case: bool
) -> None:
    parsed = parse_pattern(FileQuery(pattern=pattern, match_case=match_case))
    assert list(parsed.accepted_of(f"/{'/'.join(names)}/")) == [name for name in names if parsed.accepts_name(name)]


@given(st.text(alphabet=st.characters(exclude_characters="/\0")))
def test_folding_keeps_the_length_and_needs_no_second_time(text: str) -> None:
    assert len(fold(text)) == len(text)
    assert fold(fold(text)) == fold(text)
    assert [letter.isascii() for letter in fold(text)] == [letter.isascii() for letter in text]


@given(
    st.text(alphabet=st.sampled_from("abAB[]!*?-^&~|\\/.\n\udce9"), max_size=12), st.sampled_from(["a", "b/A", "ab/-"])
)
def test_no_pattern_is_too_odd(pattern: str, path: str) -> None:
    for kind in (None, *PatternKind):
        for match_case in (False, True):
            assert accepts(pattern, path, kind=kind, match_case=match_case) in (True, False)


def test_the_index_of_sqlite_folds_every_letter_that_is_looked_up_as_we_do() -> None:
    """For each letter that another one folds to: a name with the one is found by the other."""
    index = sqlite3.connect(":memory:")
    index.execute(
        "CREATE VIRTUAL TABLE names USING fts5(name, content='', columnsize=0, detail=none, "
        "tokenize='trigram case_sensitive 0')"
    )
    letters = [chr(code) for code in range(1, sys.maxunicode + 1) if not 0xD800 <= code <= 0xDFFF]
    changed = [letter for letter in letters if fold(letter) != letter and is_searchable(fold(letter))]
    assert len(changed) > 300
    kept = [letter for letter in letters[:0x3000] if fold(letter) == letter and is_searchable(letter)]
    assert len(kept) > 5_000
    for letter in changed + kept:
        index.execute("INSERT INTO names (rowid, name) VALUES (?, ?)", (ord(letter), f"ab{letter}"))
    for letter in changed + kept:
        word = '"ab{}"'.format(fold(letter).replace('"', '""'))
        found = index.execute("SELECT 1 FROM names WHERE names MATCH ? AND rowid = ?", (word, ord(letter))).fetchone()
        assert found, hex(ord(letter))
