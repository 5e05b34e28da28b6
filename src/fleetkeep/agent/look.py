# SPDX-License-Identifier: GPL-3.0-or-later
"""One look at a repository after a backup: which archives it lists, and what is in those that the catalog lacks.

Borg is asked from the inside, by one process, see ``borg.inside_borg``. What it says of files may be long, so it waits
in a file without a name until it is told.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from fleetkeep.borg.access import BorgAccess
from fleetkeep.borg.answers import ArchiveName
from fleetkeep.borg.command import LOCK_WAIT_SECONDS, list_arguments
from fleetkeep.borg.interpreter import inside_borg
from fleetkeep.borg.process import BorgResult, Cancellation, run_borg
from fleetkeep.clock import UTC

from .files import make_folder

#: An index of many millions of files takes its time; a look that never ends is ended all the same.
LOOK_SECONDS = 6 * 3600

#: So many archives are named in one question, which is a single argument; the next look goes on.
ARCHIVES_AT_ONCE = 800

_COMMENT = re.compile(r"Fleetkeep run (\S+) of job \S+")


@dataclass(frozen=True)
class Question:
    """What a look is to find out."""

    base: str | None
    """The archive from which the first one may be told as differences."""

    wanted: Sequence[str] = ()
    """The ids of archives to tell, in their order; those that are gone are left out."""

    name: str = ""
    """And the one with this name."""

    prefix: str = ""
    """And all that a run made whose names begin so, where it is given."""

    runs: Sequence[str] | None = None
    """Of those with the prefix, only what these runs made, by their ids; ``None``: what any run made."""

    memory: Path | None = None
    """Where Borg's cuts of the last archive that was told are remembered."""

    known: Sequence[str] = ()
    """Archives, by id, that the prefix does not mean because all of them is known."""

    may_differ: bool = True
    """Whether differences are enough; not where an archive may hold a path twice."""


@dataclass(frozen=True)
class LookedArchive:
    """An archive as a look found it."""

    id: str
    name: str
    run_id: str
    started_at: datetime
    finished_at: datetime
    files: int
    original_bytes: int
    compressed_bytes: int
    base: str | None
    """The archive from which its lines lead to it; ``None``: they are a whole listing."""


class Look:
    """What a look found."""

    def __init__(self, result: BorgResult, file: IO[bytes]) -> None:
        self.result = result
        self._file = file
        self._listing: dict[str, Any] | None = None
        if result.is_success:
            file.seek(0)
            self._listing = json.loads(file.readline())[1]

    @property
    def listed(self) -> tuple[ArchiveName, ...] | None:
        """Every archive that is listed, with checkpoints; ``None`` when the look went wrong."""
        if self._listing is None:
            return None
        return tuple(ArchiveName(id, name) for id, name, _ in self._listing["archives"])

    @property
    def repository_id(self) -> str:
        """Borg's id of the repository."""
        return "" if self._listing is None else str(self._listing["repository"])

    def archives(self) -> list[LookedArchive]:
        """The archives that were looked into, in their order."""
        return [_looked(json.loads(line)[1]) for line in self._lines() if line.startswith(b'["archive"')]

    def told(self) -> Iterator[tuple[LookedArchive, str, int | None]]:
        """Every part of what is in the archives: the archive, some lines, and with the last how many entries it has."""
        archive: LookedArchive | None = None
        for kind, value in map(json.loads, self._lines()):
            if kind == "archive":
                archive = _looked(value)
            elif archive is not None:
                yield (archive, "", int(value["entries"])) if kind == "end" else (archive, value, None)

    def _lines(self) -> Iterator[bytes]:
        """All lines after the first."""
        if self._listing is not None:
            self._file.seek(0)
            self._file.readline()
            yield from self._file

    def close(self) -> None:
        """Let go of what waits on disk."""
        self._file.close()


def look_inside(
    access: BorgAccess,
    question: Question,
    folder: Path,
    *,
    cancellation: Cancellation | None = None,
    lock_wait_seconds: int = LOCK_WAIT_SECONDS,
) -> Look | None:
    """Look at a repository; ``None`` where this borg cannot be asked from the inside.

    Arguments:
        access: How to reach the repository.
        question: What to find out.
        folder: Where on this host lines may wait; it is made.
        cancellation: Ends the look when somebody asks to.
        lock_wait_seconds: How long Borg waits for a repository that another host writes to.

    Raises ``OSError`` where nothing can be written in the folder.
    """
    words = {
        "ask": "index",
        "base": question.base,
        "wanted": list(question.wanted[:ARCHIVES_AT_ONCE]),
        "name": question.name,
        "prefix": question.prefix,
        "runs": None if question.runs is None else list(question.runs),
        "known": list(question.known[-ARCHIVES_AT_ONCE:]) if question.prefix else [],
        "memory": None if question.memory is None else str(question.memory),
        "delta": question.may_differ,
    }
    inside = inside_borg(access.program, words)
    if not inside:
        return None
    make_folder(folder)
    if question.memory is not None:
        make_folder(question.memory.parent)
    file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 -- the look closes it
    try:
        result = run_borg(
            access,
            [word for word in list_arguments(access.location, lock_wait_seconds=lock_wait_seconds) if word != "--json"],
            cancellation=cancellation,
            deadline_seconds=LOOK_SECONDS,
            standard_output=file,
            inside=inside,
        )
        return Look(result, file)
    except BaseException:
        file.close()
        raise


def _looked(head: dict[str, Any]) -> LookedArchive:
    match = _COMMENT.fullmatch(head["comment"])
    return LookedArchive(
        id=head["id"],
        name=head["name"],
        run_id=match[1] if match else "",
        started_at=datetime.fromisoformat(head["start"]).astimezone(UTC),
        finished_at=datetime.fromisoformat(head["end"]).astimezone(UTC),
        files=int(head["files"]),
        original_bytes=int(head["size"]),
        compressed_bytes=int(head["csize"]),
        base=head["base"],
    )


__all__ = ["Look", "LookedArchive", "Question", "look_inside"]
