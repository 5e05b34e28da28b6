# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes a recovery kit on a host that can open the repository, and writes it where only its owner reads it."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from fleetkeep.borg.access import BorgAccess
from fleetkeep.borg.command import key_export_arguments
from fleetkeep.borg.failures import failure_of
from fleetkeep.borg.keys import KeyExport, KeyUnreadable, parse_key_file
from fleetkeep.borg.process import run_borg
from fleetkeep.borg.program import BorgProgram, render_version
from fleetkeep.clock import Clock
from fleetkeep.errors import (
    BorgFailed,
    KitTargetOpen,
    KitTargetTaken,
    KitTargetUnusable,
    KitUnreadable,
    KitWithoutPdf,
    RepositoryMissing,
)
from fleetkeep.ids import new_id
from fleetkeep.model import Encryption, Repository
from fleetkeep.plan.kit import KitContent
from fleetkeep.plan.kit_parse import parse_kit
from fleetkeep.plan.kit_pdf import render_kit_pdf
from fleetkeep.plan.kit_text import render_kit

from .files import sync_folder
from .repositories import find_repository

EXPORT_SECONDS = 300

#: The forms of a kit, by the ends of their files.
TEXT, PDF = ".txt", ".pdf"

_ODD = re.compile(r"[^A-Za-z0-9_.-]+")


@dataclass(frozen=True)
class KitKeeper:
    """Who keeps a kit, and where."""

    owner: str
    place: str


def make_kit(
    repository: Repository,
    access: BorgAccess,
    program: BorgProgram,
    *,
    client: str,
    keeper: KitKeeper,
    clock: Clock,
) -> KitContent:
    """The content of a new kit, after the repository was opened with the passphrase that it will hold.

    Raises ``RepositoryMissing`` and the other Borg failures.
    """
    found = find_repository(repository, access)
    if found is None:
        raise RepositoryMissing(repository=repository.name, location=repository.location)
    encrypted = repository.encryption is not Encryption.NONE
    return KitContent(
        id=new_id(),
        made_at=clock.now().replace(microsecond=0),
        owner=keeper.owner,
        place=keeper.place,
        client=client,
        repository=repository.name,
        location=repository.location,
        repository_id=found,
        encryption=repository.encryption,
        borg=render_version(program.version),
        key=export_key(access, repository.name) if encrypted else None,
        passphrase=access.passphrase,
    )


def export_key(access: BorgAccess, repository: str) -> KeyExport:
    """A repository's key as it is now, still encrypted. Raises Borg failures."""
    result = run_borg(access, key_export_arguments(access.location), deadline_seconds=EXPORT_SECONDS)
    if result.exit_code:
        raise failure_of(result, "key export", repository, access.location)
    try:
        return parse_key_file(result.stdout.decode("ascii"))
    except (KeyUnreadable, UnicodeDecodeError):
        raise BorgFailed(
            command="key export", repository=repository, exit_code=0, reason="What it printed is no key."
        ) from None


def kit_files(kit: KitContent, to: Path, forms: Sequence[str]) -> dict[Path, bytes]:
    """The files of a kit: in the folder ``to``, or of that name; of several forms, each gets its own ending.

    Raises ``KitUnreadable`` should the text not be read back as it was meant, ``KitWithoutPdf``.
    """
    base = to / _ODD.sub("_", f"kit-{kit.client}-{kit.repository}-{kit.id}") if to.is_dir() else to
    named = {form: base.with_name(base.name + form) if to.is_dir() else base.with_suffix(form) for form in forms}
    if len(forms) == 1 and not to.is_dir():
        named = {forms[0]: to}
    return {path: render_form(kit, form) for form, path in named.items()}


def render_form(kit: KitContent, form: str) -> bytes:
    """A kit in one of its forms. Raises as ``kit_files``."""
    text = render_kit(kit)
    if parse_kit(text) != kit:
        raise KitUnreadable(path="The new kit", reason="it would not be read back as it was written")
    if form == TEXT:
        return text.encode()
    try:
        return render_kit_pdf(kit)
    except ImportError as error:
        raise KitWithoutPdf(missing=error.name or "fpdf2") from None


def write_kit(files: Mapping[Path, bytes]) -> None:
    """Write the forms of a kit, each as a new file that only this user reads; all of them or none.

    Raises ``KitTargetTaken``, ``KitTargetOpen``, ``KitTargetUnusable``.
    """
    written: list[Path] = []
    try:
        for path, content in files.items():
            _create(path, content, written)
    except BaseException:
        for path in written:
            with suppress(OSError):
                path.unlink()
        raise


def _create(path: Path, content: bytes, written: list[Path]) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        written.append(path)
        with os.fdopen(descriptor, "wb") as file:
            mode = stat.S_IMODE(os.fstat(descriptor).st_mode)
            if mode & 0o077:
                raise KitTargetOpen(path=path, mode=f"{mode:04o}")
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        sync_folder(path.parent)
    except FileExistsError:
        raise KitTargetTaken(path=path) from None
    except OSError as error:
        raise KitTargetUnusable(path=path, reason=error.strerror or error) from None


__all__ = ["PDF", "TEXT", "KitKeeper", "export_key", "kit_files", "make_kit", "render_form", "write_kit"]
