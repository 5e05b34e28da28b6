# SPDX-License-Identifier: GPL-3.0-or-later
"""The QR codes of a kit, scanned back by a reader that shares no code with the writer."""

from __future__ import annotations

import os
from collections.abc import Sequence

import pytest
import zxingcpp
from PIL import Image

from fleetkeep.borg.keys import KeyExport
from fleetkeep.borg.passphrase import Passphrase
from fleetkeep.plan.kit import KitContent
from fleetkeep.plan.kit_parse import parse_kit
from fleetkeep.plan.kit_text import qr_blocks, render_kit

from .test_kit import ID, make_kit  # type: ignore[import-not-found]

#: How large a module of a code is when the text is photographed.
_PIXELS = 4

#: The upper and the lower half of a block of text.
_HALVES = {" ": (0, 0), "▀": (1, 0), "▄": (0, 1), "█": (1, 1)}


def photograph(blocks: Sequence[str]) -> Image.Image:
    """Blocks of text as they look on paper: dark on light, with some paper around them."""
    margin = 4
    rows = [[_HALVES[letter][half] for letter in line] for line in blocks for half in (0, 1)]
    image = Image.new("L", (len(rows[0]) + 2 * margin, len(rows) + 2 * margin), 255)
    for y, row in enumerate(rows):
        for x, is_dark in enumerate(row):
            image.putpixel((x + margin, y + margin), 0 if is_dark else 255)
    return image.resize((image.width * _PIXELS, image.height * _PIXELS), Image.Resampling.NEAREST)


def scan(image: Image.Image) -> list[str]:
    """The texts of the codes in an image, from left to right."""
    found = zxingcpp.read_barcodes(image, formats=zxingcpp.BarcodeFormat.QRCode)
    return [code.bytes.decode() for code in sorted(found, key=lambda code: code.position.top_left.x)]


def blocks_in(text: str) -> dict[str, list[str]]:
    """The codes of a kit in text form by their names, found as a person sees them."""
    codes: dict[str, list[str]] = {}
    name = ""
    for line in text.partition("The same as QR codes")[2].splitlines():
        if line.startswith("["):
            name = line.strip("[]")
        elif name and line and set(line) <= set(_HALVES):
            codes.setdefault(name, []).append(line)
    width = max(len(line) for lines in codes.values() for line in lines)
    return {name: [line.ljust(width) for line in lines] for name, lines in codes.items()}


KITS = {
    "usual": make_kit(),
    "odd passphrase": make_kit(passphrase=Passphrase(' tw"o \\ wörds  $(x) 密码 ')),
    "as long as Borg's own": make_kit(key=KeyExport(ID, os.urandom(460)), passphrase=Passphrase("a" * 43)),
}


@pytest.mark.parametrize("kit", KITS.values(), ids=KITS)
def test_the_codes_in_the_text_say_key_and_passphrase(kit: KitContent) -> None:
    text = render_kit(kit)
    assert parse_kit(text) == kit
    codes = blocks_in(text)
    scanned = {name: scan(photograph(lines)) for name, lines in codes.items()}
    assert all(len(texts) == 1 for texts in scanned.values()), scanned.keys()
    assert kit.passphrase is not None and kit.key is not None
    assert scanned.pop("Passphrase") == [kit.passphrase.reveal()]
    assert "".join(part for (part,) in scanned.values()) == kit.key.as_file()


def test_a_code_survives_a_stain() -> None:
    image = photograph(qr_blocks("correct-horse-battery-staple"))
    middle = image.width // 2
    image.paste(255, (middle, middle, middle + 2 * _PIXELS, middle + 2 * _PIXELS))
    assert scan(image) == ["correct-horse-battery-staple"]
