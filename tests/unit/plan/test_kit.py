# SPDX-License-Identifier: GPL-3.0-or-later
"""A recovery kit is written, and read back from what somebody typed."""

from __future__ import annotations

import os
import re
import zlib
from dataclasses import replace
from datetime import datetime, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleetkeep.borg.keys import KeyExport
from fleetkeep.borg.passphrase import Passphrase
from fleetkeep.model import Encryption
from fleetkeep.plan.kit import KitContent, fingerprint
from fleetkeep.plan.kit_parse import KitProblem, parse_kit
from fleetkeep.plan.kit_pdf import render_kit_pdf
from fleetkeep.plan.kit_text import qr_blocks, qr_texts, render_kit

ID = "0123456789abcdef" * 4
KEY = KeyExport(ID, bytes(range(256)) * 2 + b"the end of it is odd")


def make_kit(**changes: object) -> KitContent:
    values: dict[str, object] = {
        "id": "3f9a1c0b2d4e",
        "made_at": datetime(2026, 11, 25, 4, 50, tzinfo=timezone.utc),
        "owner": "Ada Lovelace",
        "place": "the safe in the office",
        "client": "laptop",
        "repository": "main",
        "location": "ssh://backup@vault1:2222/srv/borg/main",
        "repository_id": ID,
        "encryption": Encryption.REPOKEY_BLAKE2,
        "borg": "1.4.5",
        "key": KEY,
        "passphrase": Passphrase("correct-horse-battery-staple"),
    }
    return KitContent(**values | changes)  # type: ignore[arg-type]


#: One line of text as Borg takes it, with all that is hard to read.
PASSPHRASES = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\r\n\0"), min_size=1).filter(
    lambda text: text.strip() != ""
)
TEXTS = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=60)


@settings(max_examples=30)
@given(TEXTS, TEXTS, TEXTS, PASSPHRASES)
def test_a_kit_is_read_back_as_it_was_written(owner: str, place: str, location: str, passphrase: str) -> None:
    kit = make_kit(owner=owner, place=place, location=location, passphrase=Passphrase(passphrase))
    assert parse_kit(render_kit(kit)) == kit


def test_an_unencrypted_repository_is_said_to_be_one() -> None:
    kit = make_kit(encryption=Encryption.NONE, key=None, passphrase=None)
    text = render_kit(kit)
    assert "NOT ENCRYPTED" in text and "BORG_PASSPHRASE" not in text and "QR" not in text
    assert parse_kit(text) == kit


TEXT = render_kit(make_kit())


def needed(text: str) -> list[str]:
    """Only the lines that somebody has to type, in another spelling of the spaces."""
    wanted = re.compile(r"\s*([a-z0-9-]+:\s.* - [0-9a-f]{4}|id: .*|\d+: .*)")
    return [line.replace("  ", " ").strip() for line in text.splitlines() if wanted.fullmatch(line)]


@settings(max_examples=30)
@given(PASSPHRASES)
def test_only_the_lines_with_a_checksum_have_to_be_typed(passphrase: str) -> None:
    kit = make_kit(passphrase=Passphrase(passphrase))
    lines = needed(render_kit(kit))
    assert len(lines) < 60
    assert parse_kit("\r\n".join(lines)) == kit


def test_a_kit_is_read_from_its_key_as_a_file_too() -> None:
    text = "\n".join(line for line in render_kit(make_kit()).splitlines() if not re.match(r"id: | ?\d+: ", line))
    assert parse_kit(text) == make_kit()


@given(st.data())
def test_a_typing_error_never_gives_another_kit(data: st.DataObject) -> None:
    lines = needed(TEXT)
    number = data.draw(st.integers(0, len(lines) - 1))
    place = data.draw(st.integers(0, len(lines[number]) - 1))
    letter = data.draw(st.sampled_from("0123456789abcdefxyzO l-:/"))
    lines[number] = lines[number][:place] + letter + lines[number][place + 1 :]
    try:
        found = parse_kit("\n".join(lines))
    except KitProblem as problem:
        assert str(problem)
    else:
        assert found == make_kit()


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("correct-horse", "corect-horse", r"line \d+ \(passphrase\) has a typing error"),
        ("location: ", "lokation: ", "its line location: is missing"),
        ("passphrase: ", "pass phrase: ", "its line passphrase: is missing"),
        ("format:            1 - 5e8f", "format:            2 - 0ae0", "the form 2, but this Fleetkeep knows form 1"),
        (" 3: ", " 4: ", "line 3 of the key is missing or has a typing error"),
    ],
)
def test_the_place_of_a_mistake_is_named(old: str, new: str, words: str) -> None:
    assert old in TEXT
    with pytest.raises(KitProblem, match=words):
        parse_kit(TEXT.replace(old, new, 1))


@pytest.mark.parametrize("text", ["", "hello", "owner: Ada", "%PDF-1.4"])
def test_what_is_no_kit_is_refused(text: str) -> None:
    with pytest.raises(KitProblem):
        parse_kit(text)


def test_two_keys_that_differ_are_refused() -> None:
    other = render_kit(make_kit(key=KeyExport(ID, os.urandom(500))))
    mixed = render_kit(make_kit()).split("The key, as a file")[0] + "The key" + other.split("The key, as a file")[1]
    with pytest.raises(KitProblem, match="do not say the same"):
        parse_kit(mixed)


def test_the_text_is_narrow_enough_for_paper() -> None:
    lines = TEXT.splitlines()
    assert max(map(len, lines)) <= 79


def test_the_codes_hold_the_passphrase_and_the_whole_key() -> None:
    (name, secret), *parts = qr_texts(make_kit())
    assert (name, secret) == ("Passphrase", "correct-horse-battery-staple")
    assert "".join(text for _, text in parts) == KEY.as_file()
    assert [name for name, _ in parts] == ["Key, part 1 of 2", "Key, part 2 of 2"]
    blocks = qr_blocks(secret)
    assert len({len(line) for line in blocks}) == 1
    assert set("".join(blocks)) <= set(" ▀▄█")


def content_of(pdf: bytes) -> str:
    """The text operators of all pages."""
    streams = re.findall(rb"stream\n(.*?)\nendstream", pdf, re.DOTALL)
    return "".join(zlib.decompress(stream).decode("latin-1") for stream in streams if stream[:1] == b"x")


def test_the_pdf_has_the_same_lines_and_drawn_codes() -> None:
    pdf = render_kit_pdf(make_kit(owner="Łukasz"))
    content = content_of(pdf)
    assert pdf.startswith(b"%PDF-")
    for words in ("correct-horse-battery-staple - ", '\\\\u0141ukasz" - ', KEY.on_paper().splitlines()[5].strip()):
        assert words in content
    assert content.count(" re f") > 1000, "no code was drawn"


def test_the_fingerprint_tells_keys_apart_and_nothing_of_the_passphrase() -> None:
    kit = make_kit()
    assert kit.record.fingerprint == fingerprint(ID, KEY)
    assert fingerprint(ID, KEY) != fingerprint(ID, KeyExport(ID, KEY.blob[1:] + b"x")) != fingerprint(ID, None)
    assert replace(kit, passphrase=Passphrase("another")).record == kit.record
    assert "correct-horse" not in repr(kit) + kit.record.model_dump_json()
