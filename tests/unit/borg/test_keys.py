# SPDX-License-Identifier: GPL-3.0-or-later
"""A key as a file and on paper."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetkeep.borg.keys import KeyExport, KeyUnreadable, is_paper_line, parse_key_file, parse_paper_key

ID = "0d5da92e31660d520a5ca130c21a337824135720d5805dfc466e3b2ef521bec8"
KEYS = st.builds(KeyExport, st.text("0123456789abcdef", min_size=64, max_size=64), st.binary(min_size=20, max_size=900))

# Printed by `borg key export` and `borg key export --paper` (Borg 1.4.5) for a key of 32 bytes that was imported.
EXPORTED = f"BORG_KEY {ID}\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"
ON_PAPER = """\
BORG PAPER KEY v1
id: 2 / 0d5da9 2e3166 0d520a / 630dcd 2966c4 - 96
 1: 000102 030405 060708 090a0b 0c0d0e 0f1011 - 53
 2: 121314 151617 18191a 1b1c1d 1e1f - ec
"""


def test_a_key_looks_as_borg_exports_it() -> None:
    key = parse_key_file(EXPORTED)
    assert (key.repository_id, key.blob) == (ID, bytes(range(32)))
    assert key.as_file() == EXPORTED
    assert key.on_paper() == ON_PAPER


@given(KEYS)
def test_both_forms_are_read_back(key: KeyExport) -> None:
    assert parse_key_file(key.as_file()) == key
    lines = key.on_paper().splitlines()
    assert parse_paper_key(lines, key.repository_id) == key
    assert parse_paper_key([line.upper().replace("ID:", "id:") for line in lines[1:]], key.repository_id) == key
    assert all(is_paper_line(line) for line in lines[2:])


@given(KEYS, st.data())
def test_a_typing_error_is_found_and_its_line_is_named(key: KeyExport, data: st.DataObject) -> None:
    lines = key.on_paper().splitlines()[1:]
    number = data.draw(st.integers(1, len(lines) - 1))
    line = lines[number]
    place = data.draw(st.sampled_from([i for i, c in enumerate(line) if c in string.hexdigits and i > line.index(":")]))
    other = data.draw(st.sampled_from([c for c in "0123456789abcdef" if c != line[place]]))
    lines[number] = line[:place] + other + line[place + 1 :]
    with pytest.raises(KeyUnreadable, match=f"line {number} of the key|do not belong together"):
        parse_paper_key(lines, key.repository_id)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda lines: [], "that begins with id: is missing"),
        (lambda lines: lines[1:], "that begins with id: is missing"),
        (lambda lines: [lines[0].replace("630dcd", "630dce"), *lines[1:]], "begins with id: has a typing error"),
        (lambda lines: lines[:2], "the key has 2 lines, but 1 are here"),
        (lambda lines: [lines[0], lines[2], lines[1]], "line 1 of the key is missing"),
        (
            lambda lines: [*lines[:2], lines[2].replace("- ec", "")],
            "line 2 of the key is missing or has a typing error",
        ),
    ],
)
def test_what_is_missing_is_named(change: object, words: str) -> None:
    lines = ON_PAPER.splitlines()[1:]
    with pytest.raises(KeyUnreadable, match=words):
        parse_paper_key(change(lines), ID)  # type: ignore[operator]


def test_the_key_of_another_repository_is_refused() -> None:
    with pytest.raises(KeyUnreadable, match="another repository"):
        parse_paper_key(ON_PAPER.splitlines(), "f" * 64)


@pytest.mark.parametrize("text", ["", "BORG_KEY", f"BORG_KEY {ID}\nAAEC*\n", f"BORG_KEY {ID}\nAAEC\n", "hello\nworld"])
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(KeyUnreadable):
        parse_key_file(text)


def test_a_key_is_not_printed_by_accident() -> None:
    assert repr(KeyExport(ID, b"key material")) == f"KeyExport(repository_id='{ID}')"
