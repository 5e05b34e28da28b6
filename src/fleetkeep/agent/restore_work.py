# SPDX-License-Identifier: GPL-3.0-or-later
"""What a restore keeps of itself while it is at work: its choices and the patterns that it gives to Borg.

The folder of a restore that was interrupted stays, so that ``--resume`` goes on with what was decided at its beginning
instead of taking half a restore for what was there before.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path

from fleetkeep.clock import Clock
from fleetkeep.errors import RestoreRunning
from fleetkeep.plan.restore import RestorePlan
from fleetkeep.plan.restore_choice import Choice

from .files import make_folder, write_file
from .scratch import remove_tree

#: What nobody resumed for so long is forgotten.
KEPT = timedelta(days=90)

#: Below that, the start of Borg is most of the time.
TELLING_BYTES = 5_000_000

_PACE = "pace.json"
_CHOICES = "choices.jsonl"
_ORIGIN = "restore.json"


class RestoreWork:
    """The folder of one restore."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def is_begun(self) -> bool:
        """Whether its choices are complete, so that something may have been written."""
        return (self.folder / _CHOICES).exists()

    @property
    def began_at(self) -> datetime:
        """When the restore began first."""
        return datetime.fromisoformat(json.loads((self.folder / _ORIGIN).read_text())["began_at"])

    @property
    def suffix(self) -> str:
        """What is added to the names of things that are put beside others."""
        return f".restored-{self.began_at:%Y%m%dT%H%M%SZ}"

    @property
    def scratch_name(self) -> str:
        """The name of a folder at the target that belongs to this restore alone."""
        return f".fleetkeep-restore-{self.folder.name[-16:]}"

    def store(self, choices: Iterable[Choice], began_at: datetime) -> None:
        """Write down all choices; they count when the last one is there."""
        (self.folder / _ORIGIN).write_text(json.dumps({"began_at": began_at.isoformat()}))
        partial = self.folder / f"{_CHOICES}.partial"
        with partial.open("w", encoding="ascii") as file:
            for choice in choices:
                file.write(json.dumps(choice.to_record(), separators=(",", ":")) + "\n")
            file.flush()
            os.fsync(file.fileno())
        partial.replace(self.folder / _CHOICES)

    def choices(self) -> Iterator[Choice]:
        """The choices, in the order of the archive."""
        with (self.folder / _CHOICES).open(encoding="ascii") as file:
            for line in file:
                yield Choice.from_record(json.loads(line))


def find_work(parent: Path | None, plan: RestorePlan) -> RestoreWork | None:
    """What an interrupted restore with the same words left, if there is one."""
    work = RestoreWork(parent / work_name(plan)) if parent is not None else None
    return work if work is not None and work.is_begun else None


@contextmanager
def open_work(parent: Path | None, plan: RestorePlan, clock: Clock) -> Iterator[RestoreWork]:
    """The folder of a restore, closed to others; gone at the end unless something was begun and not finished.

    Without ``parent`` it is a temporary one, and nobody can resume. Raises RestoreRunning, and ``OSError`` where it
    cannot be made.
    """
    if parent is None:
        with tempfile.TemporaryDirectory(prefix="fleetkeep-restore-") as temporary:
            yield RestoreWork(Path(temporary))
        return
    make_folder(parent)
    _forget_old(parent, clock.now())
    work = RestoreWork(parent / work_name(plan))
    make_folder(work.folder)
    lock = os.open(work.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise RestoreRunning from None
        try:
            if not plan.resume:
                (work.folder / _CHOICES).unlink(missing_ok=True)
            yield work
        except BaseException:
            if not work.is_begun:
                remove_tree(work.folder)
            raise
        remove_tree(work.folder)
    finally:
        os.close(lock)


def known_pace(parent: Path | None, repository: str) -> float | None:
    """Bytes a second of the last restore from a repository that was large enough to tell."""
    return _paces(parent).get(repository) if parent is not None else None


def remember_pace(parent: Path | None, repository: str, size_bytes: int, seconds: float) -> None:
    """Note how fast a restore was; best effort, because nothing depends on it."""
    if parent is None or size_bytes < TELLING_BYTES or seconds <= 0:
        return
    paces = {**_paces(parent), repository: size_bytes / seconds}
    with suppress(OSError):
        write_file(parent / _PACE, json.dumps(paces))


def _paces(parent: Path) -> dict[str, float]:
    try:
        content = json.loads((parent / _PACE).read_text())
        return {str(name): float(pace) for name, pace in content.items() if float(pace) > 0}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def work_name(plan: RestorePlan) -> str:
    """The same for the same words and the same archive, whatever is at the target."""
    words = [
        plan.repository,
        plan.archive,
        plan.target,
        plan.selection.model_dump(),
        plan.manner.model_dump(mode="json"),
    ]
    return hashlib.sha256(json.dumps(words, sort_keys=True).encode("ascii")).hexdigest()[:16]


def _forget_old(parent: Path, now: datetime) -> None:
    for folder in parent.iterdir():
        with suppress(OSError):
            if folder.is_dir() and now.timestamp() - folder.lstat().st_mtime > KEPT.total_seconds():
                remove_tree(folder)


__all__ = ["RestoreWork", "find_work", "known_pace", "open_work", "remember_pace", "work_name"]
