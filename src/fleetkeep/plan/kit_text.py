# SPDX-License-Identifier: GPL-3.0-or-later
"""A recovery kit as text: self-contained, of at most eighty columns where it can be, fit to print and to type back."""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Iterable, Sequence

from fleetkeep.model import Encryption

from .kit import KitContent, is_plain, labelled_values, value_line

_WIDTH = 79
_RULE = "=" * _WIDTH

#: As much as a QR code of 77 columns takes: version 14 with the lowest error correction.
_QR_BYTES = 458

_KEYFILE = (Encryption.KEYFILE, Encryption.KEYFILE_BLAKE2)
_AUTHENTICATED = (Encryption.AUTHENTICATED, Encryption.AUTHENTICATED_BLAKE2)


def render_kit(kit: KitContent) -> str:
    """The kit as text."""
    sections = [*kit_sections(kit)]
    lines = [_RULE, "FLEETKEEP RECOVERY KIT", _RULE, ""]
    for title, body in sections:
        lines += [title, "-" * len(title), "", *body, ""]
    lines += _qr_section(kit)
    return "\n".join(line.rstrip() for line in lines).rstrip("\n") + "\n"


def kit_sections(kit: KitContent, *, ascii_only: bool = False) -> Iterable[tuple[str, Sequence[str]]]:
    """What a kit says, in titled sections of lines; without the QR codes."""
    yield "What this is", _introduction(kit)
    yield "The repository", [value_line(*pair, ascii_only=ascii_only) for pair in labelled_values(kit)]
    if kit.key is not None:
        yield "The key, to be typed", kit.key.on_paper().splitlines()
    yield "How to restore on a blank machine", _instructions(kit)
    if kit.key is not None:
        yield "The key, as a file", kit.key.as_file().splitlines()


def qr_texts(kit: KitContent, *, largest: int = _QR_BYTES) -> list[tuple[str, str]]:
    """What the QR codes hold, each with its name; the key is cut at line ends where it is longer than ``largest``."""
    if kit.key is None or kit.passphrase is None:
        return []
    parts = [""]
    for line in kit.key.as_file().splitlines(keepends=True):
        if len(parts[-1]) + len(line) > largest:
            parts.append("")
        parts[-1] += line
    names = ["Key"] if len(parts) == 1 else [f"Key, part {n} of {len(parts)}" for n in range(1, len(parts) + 1)]
    return [("Passphrase", kit.passphrase.reveal()), *zip(names, parts, strict=True)]


def _qr_section(kit: KitContent) -> list[str]:
    texts = qr_texts(kit)
    if not texts:
        return []
    title = "The same as QR codes"
    lines = [title, "-" * len(title), "", *_wrapped("Put the parts of the key one after the other into one file."), ""]
    for name, text in texts:
        lines += [f"[{name}]", "", *qr_blocks(text), ""]
    return lines


def qr_blocks(text: str) -> list[str]:
    """A QR code of half blocks, dark on light as printed on paper."""
    import segno

    code = segno.make_qr(text.encode(), error="l", boost_error=False)
    rows = [list(row) for row in code.matrix_iter(border=2)]
    rows += [[0] * len(rows[0])] * (len(rows) % 2)
    half = {(0, 0): " ", (1, 0): "▀", (0, 1): "▄", (1, 1): "█"}
    pairs = zip(rows[::2], rows[1::2], strict=True)
    return ["".join(half[bool(up), bool(down)] for up, down in zip(*pair, strict=True)) for pair in pairs]


def _introduction(kit: KitContent) -> list[str]:
    if kit.encryption is Encryption.NONE:
        care = (
            "The repository is NOT ENCRYPTED: there is neither key nor passphrase, and whoever reaches its place can "
            "read every backup in it. This page only says where it is and how to restore from it."
        )
    else:
        care = (
            "It holds key and passphrase. Whoever holds this page and reaches the repository can read every "
            "backup in it. Keep it as you keep a key, and not on the machine that it is for. When the passphrase was "
            "changed, make a new kit and destroy this one: it still decrypts what was stored until then."
        )
    if kit.encryption in _AUTHENTICATED:
        care += " The content itself is not encrypted in this mode, only protected against changes."
    paragraphs = (
        f"With this page and BorgBackup alone, a blank machine restores the backups in repository {kit.repository} "
        f"of {kit.client}. Nothing of Fleetkeep is needed, and no other secret.",
        care,
        "Each line below ends with a checksum (- 4f1a). To type the kit back, type those lines and the numbered lines "
        "of the key into a file; `fleetkeep kit test FILE` names a line with a typing error, and proves that the kit "
        "opens the repository.",
    )
    return [line for paragraph in paragraphs for line in (*_wrapped(paragraph), "")][:-1]


def _instructions(kit: KitContent) -> list[str]:
    steps: list[tuple[str, list[str]]] = [
        (
            f"Install BorgBackup {kit.borg} or a newer release of 1.4 (not 2).",
            ["apt install borgbackup      # or: pip install borgbackup", "borg --version"],
        ),
        _reach_step(kit),
    ]
    if kit.passphrase is not None:
        steps.append(_passphrase_step(kit.passphrase.reveal()))
    if kit.key is not None:
        steps.append(_key_step(kit))
    repository = "$REPOSITORY"
    steps += [
        ("See which archives there are.", [f'borg list "{repository}"']),
        (
            "Restore one into an empty folder that has room for it; a path (without the leading slash) takes a part.",
            ["mkdir /restored && cd /restored", f'borg extract --list "{repository}::ARCHIVE" etc/fstab'],
        ),
    ]
    lines = []
    for number, (text, commands) in enumerate(steps, start=1):
        lines += [*_wrapped(f"{number}. {text}", indent="   "), "", *(f"     {command}" for command in commands), ""]
    questions = (
        "Borg may ask whether you want to access a repository that was at another place, or an unknown unencrypted "
        "one: answer y, if this page is about it."
    )
    return [*lines, *_wrapped(questions)]


def _reach_step(kit: KitContent) -> tuple[str, list[str]]:
    place = f"REPOSITORY={shlex.quote(kit.location)}"
    if kit.location.startswith("/"):
        text = f"Bring the disk with the repository. It was at this path on {kit.client}; write where it is now."
    else:
        text = (
            "Reach the storage over SSH. This kit holds no SSH key: whoever runs the storage lets in a new one "
            "(ssh-keygen makes it)."
        )
    return text, [place]


def _passphrase_step(secret: str) -> tuple[str, list[str]]:
    if is_plain(secret, ascii_only=True):
        return (
            "Give the passphrase without leaving it in the history of the shell: type it after this command.",
            ["read -r BORG_PASSPHRASE && export BORG_PASSPHRASE"],
        )
    return (
        "Give the passphrase. It has letters that are easily mistaken, so take it from the line passphrase-bytes. Type "
        "its digits after this command of bash, without spaces.",
        [
            "read -r DIGITS",
            'export BORG_PASSPHRASE="$(printf %b "$(echo "$DIGITS" | sed \'s/../\\\\x&/g\')")"',
        ],
    )


def _key_step(kit: KitContent) -> tuple[str, list[str]]:
    command = ['borg key import --paper "$REPOSITORY"', 'borg key import "$REPOSITORY" FILE    # or from a file']
    if kit.encryption in _KEYFILE:
        return (
            "Import the key, which is not in the repository. Type the lines of the key, or save the key as a file (the "
            "line BORG_KEY and those below it) and name it.",
            command,
        )
    return (
        "Only if Borg says that the key is missing or the passphrase wrong, import the key. First copy the file config "
        "of the repository, because the import writes the key into it.",
        command,
    )


def _wrapped(text: str, indent: str = "") -> list[str]:
    return textwrap.wrap(text, _WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


__all__ = ["kit_sections", "qr_blocks", "qr_texts", "render_kit"]
