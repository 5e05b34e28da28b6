# SPDX-License-Identifier: GPL-3.0-or-later
"""A kit as PDF, drawn by another program as a printer would, and its codes scanned from the page."""

from __future__ import annotations

import shutil
import subprocess
from datetime import datetime, timezone
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image

from fleetkeep.borg.keys import KeyExport
from fleetkeep.borg.passphrase import Passphrase
from fleetkeep.model import Encryption
from fleetkeep.plan.kit import KitContent
from fleetkeep.plan.kit_pdf import render_kit_pdf

ID = "0123456789abcdef" * 4
SECRET = ' tw"o \\ wörds  $(x) '


def pages_of(pdf: bytes, folder: Path) -> list[Image.Image]:
    """The pages as a printer has them. 150 dots in an inch are what a bad one does."""
    if not shutil.which("pdftoppm"):
        pytest.skip("there is no pdftoppm on this machine")
    (folder / "kit.pdf").write_bytes(pdf)
    subprocess.run(["pdftoppm", "-r", "150", "-gray", "kit.pdf", "page"], cwd=folder, check=True)
    return [Image.open(path) for path in sorted(folder.glob("page*.pgm"))]


def test_the_codes_on_paper_say_key_and_passphrase(tmp_path: Path) -> None:
    kit = KitContent(
        id="3f9a1c0b2d4e",
        made_at=datetime(2026, 11, 25, 4, 50, tzinfo=timezone.utc),
        owner="Ada Lovelace",
        place="the safe in the office",
        client="laptop",
        repository="main",
        location="/srv/borg/main",
        repository_id=ID,
        encryption=Encryption.REPOKEY_BLAKE2,
        borg="1.4.5",
        key=KeyExport(ID, bytes(range(256)) * 2),
        passphrase=Passphrase(SECRET),
    )
    assert kit.key is not None
    found = [
        (code.position.top_left.x, code.bytes.decode())
        for page in pages_of(render_kit_pdf(kit), tmp_path)
        for code in zxingcpp.read_barcodes(page, formats=zxingcpp.BarcodeFormat.QRCode)
    ]
    assert [text for _, text in sorted(found)] == [SECRET, kit.key.as_file()]
