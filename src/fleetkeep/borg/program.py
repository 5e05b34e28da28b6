# SPDX-License-Identifier: GPL-3.0-or-later
"""Finding a borg binary that is fit for use."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from fleetkeep.errors import BorgMissing, BorgTooOld, BorgUnsupported

from .features import Feature, Version, supports

MINIMUM: Version = Feature.CONFINED_EXTRACT.value
_VERSION = re.compile(r"borg2? (\d+)\.(\d+)\.(\d+)")
_VERSION_TIMEOUT_SECONDS = 60


@dataclass(frozen=True)
class BorgProgram:
    """A borg binary."""

    path: str
    """Its absolute path."""

    version: Version
    """Its release."""


def parse_version(text: str) -> Version:
    """The release that ``borg --version`` printed.

    >>> parse_version("borg 1.4.5")
    (1, 4, 5)

    Raises ``ValueError`` when there is none in the text.
    """
    match = _VERSION.search(text)
    if not match:
        raise ValueError(f"no Borg version in {text.strip()[:80]!r}")
    return int(match[1]), int(match[2]), int(match[3])


def find_borg(program: str | None, search_path: str, remember: Path | None = None) -> BorgProgram:
    """The borg binary to use.

    Arguments:
        program: The path or name that was asked for; ``None`` takes the one that is installed beside this interpreter
            (its version was chosen with this program), and failing that, ``borg`` of the search path.
        search_path: Folders separated by colons, as in ``PATH``.
        remember: A file that keeps the version of a binary that has not changed since, which saves the half second
            of asking it; without one the binary is asked each time.

    Raises BorgMissing, BorgTooOld, BorgUnsupported.
    """
    path = _locate(program, search_path)
    if path is None:
        searched = program or f"borg beside {sys.executable} and in {search_path}"
        raise BorgMissing(searched=searched, minimum=render_version(MINIMUM))
    return check_version(BorgProgram(path=path, version=_version_of(path, remember)))


def check_version(found: BorgProgram) -> BorgProgram:
    """The same binary, if its release is fit for use.

    Raises BorgTooOld, BorgUnsupported.
    """
    details = {
        "program": found.path,
        "found": render_version(found.version),
        "minimum": render_version(MINIMUM),
    }
    if not supports(found.version, Feature.CONFINED_EXTRACT):
        raise BorgTooOld(**details)
    if supports(found.version, Feature.REPOSITORY_OPTION):
        raise BorgUnsupported(**details)
    return found


def render_version(version: Version) -> str:
    """A release as people write it.

    >>> render_version((1, 4, 5))
    '1.4.5'
    """
    return ".".join(map(str, version))


def _locate(program: str | None, search_path: str) -> str | None:
    if program is not None:
        return shutil.which(program, path=search_path)
    beside = str(Path(sys.executable).parent)
    return shutil.which("borg", path=beside) or shutil.which("borg", path=search_path)


def _version_of(path: str, remember: Path | None) -> Version:
    if remember is None:
        return _ask_version(path)
    mark = _mark_of(path)
    known = _recall(remember, mark)
    if known is None:
        known = _ask_version(path)
        if supports(known, Feature.CONFINED_EXTRACT):  # one that is refused leaves no trace on the host
            _memorize(remember, mark, known)
    return known


def _ask_version(path: str) -> Version:
    try:
        answer = subprocess.run(
            [path, "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_VERSION_TIMEOUT_SECONDS,
            check=False,
        )
        return parse_version(answer.stdout.decode(errors="replace"))
    except (OSError, subprocess.TimeoutExpired, ValueError) as error:
        searched = f"{path} does not answer --version: {error}"
        raise BorgMissing(searched=searched, minimum=render_version(MINIMUM)) from None


def _mark_of(path: str) -> list[object]:
    """What changes when the binary is replaced."""
    status = os.stat(path)  # noqa: PTH116 - follows links, as running it does
    return [os.path.realpath(path), status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino]


def _recall(remember: Path, mark: list[object]) -> Version | None:
    try:
        content = json.loads(remember.read_bytes())
        if content["mark"] != mark:
            return None
        major, minor, patch = content["version"]
        return int(major), int(minor), int(patch)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _memorize(remember: Path, mark: list[object], version: Version) -> None:
    """Best effort: a host that cannot write it asks again next time."""
    try:
        remember.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = remember.with_name(f".{remember.name}.{os.getpid()}")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(json.dumps({"mark": mark, "version": version}))
        fresh.replace(remember)
    except OSError:
        return


__all__ = ["MINIMUM", "BorgProgram", "check_version", "find_borg", "parse_version", "render_version"]
