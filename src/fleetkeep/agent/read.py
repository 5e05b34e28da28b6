# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the whole content of an archive, so that every chunk is decrypted and verified, and goes on where it ended.

Borg ends at the first damaged file. It names each item before it reads it, so the damaged one is known, and it is begun
again behind that; in the same way a later call goes on where the time of an earlier one was over.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from fleetkeep.borg.command import read_arguments
from fleetkeep.borg.events import Event, LogMessage, clean_text
from fleetkeep.borg.process import BorgResult, run_borg
from fleetkeep.errors import BorgFailed, Cancelled
from fleetkeep.model import EvidenceValue, Point, Verification, VerificationKind
from fleetkeep.plan.check import NAMES_KEPT, named, open_round

from .cancel import StepCancellation
from .check import DAMAGE, CheckPlace, Inventory, errors_of
from .items import stream_items
from .scratch import scratch_folder

#: After so many damaged files the rest is not read any more.
DAMAGED_FILES_PASSED = 20

_LISTING = "borg.output.list"


def check_data(place: CheckPlace, point: Point, past: Sequence[Verification], budget_seconds: int = 0) -> Verification:
    """Read the content of an archive.

    Arguments:
        place: The repository.
        point: The archive.
        past: Verifications of the repository, as ``plan.check.open_round`` takes them.
        budget_seconds: Stop after this time, but not in the middle of a file; 0 reads to the end.

    Raises as ``check.check_repository``.
    """
    began = place.clock.now()
    before = open_round(past, VerificationKind.DATA, point.archive.id)
    reading = _Reading(place, point, before.position, list(before.damaged))
    if budget_seconds:
        reading.ends_at = place.clock.monotonic() + budget_seconds
    try:
        with place.held():
            inventory = Inventory.of(place, point)
            reading.items = inventory.items
            reading.read()
    except DAMAGE as error:
        return place.verification(VerificationKind.DATA, began, str(error), {}, point=point)
    return _result(place, point, began, reading, inventory, before.reasons)


def _result(
    place: CheckPlace,
    point: Point,
    began: datetime,
    reading: _Reading,
    inventory: Inventory,
    earlier: tuple[str, ...],
) -> Verification:
    reasons = list(inventory.doubts(point))
    if reading.damaged:
        verb = "is" if len(reading.damaged) == 1 else "are"
        reasons.append(f"{named(reading.damaged, 'file')} {verb} damaged.")
    elif earlier:
        reasons += earlier
    if reading.gave_up:
        reasons.append("The rest was not read.")
    evidence: dict[str, EvidenceValue] = {
        "items": inventory.items,
        "files": inventory.files,
        "items_read": inventory.items if reading.is_complete and not reading.gave_up else reading.position,
        "damaged": tuple(reading.damaged[:NAMES_KEPT]),
        "messages": tuple(reading.messages[:NAMES_KEPT]),
    }
    return place.verification(
        VerificationKind.DATA, began, " ".join(reasons), evidence, point=point, is_complete=reading.is_complete
    )


@dataclass
class _Reading:
    """The reading of one archive."""

    place: CheckPlace
    point: Point
    position: int
    """So many items are read, in the order of the archive."""

    damaged: list[str]
    items: int = 0
    ends_at: float | None = None
    is_complete: bool = True
    gave_up: bool = False
    messages: list[str] = field(default_factory=list)

    def read(self) -> None:
        """Read from the position on, stepping over damaged files."""
        passed = 0
        with scratch_folder(self.place.scratch, f"read-{self.point.archive.id[:12]}") as folder:
            while True:
                listener = self._listener(folder / "skip")
                result = run_borg(
                    self.place.access,
                    read_arguments(self.place.access.location, self.point.archive.name, skip=listener.skip),
                    on_event=listener.take,
                    cancellation=listener.cancellation,
                )
                if self.place.cancellation.is_cancelled:
                    raise Cancelled(what="The check")
                self._take(listener, result)
                if result.is_success or listener.is_over:
                    self.is_complete = not listener.is_over
                    return
                passed += 1
                if passed >= DAMAGED_FILES_PASSED:
                    self.gave_up = True
                    return

    def _listener(self, skip: Path) -> _Listener:
        again = self._write_skip(skip) if self.position else 0
        return _Listener(self, skip if self.position else None, again)

    def _write_skip(self, path: Path) -> int:
        """Write what was read into a file of patterns; how many items no pattern can carry, which are read again."""
        again = 0
        archive = self.point.archive
        items = stream_items(self.place.access, archive.repository, archive.name, cancellation=self.place.cancellation)
        with path.open("wb") as file:
            for place, item in enumerate(items):
                if place >= self.position:
                    continue
                if is_sayable(item.path) and item.is_faithful:
                    file.write(b"pf:" + os.fsencode(item.path) + b"\n")
                else:
                    again += 1
        return again

    def _take(self, listener: _Listener, result: BorgResult) -> None:
        """Learn from a process that ended: in good order, at the end of the time, or at a damaged file."""
        for text in listener.warnings:
            path, _, words = text.partition(": ")
            if words and path not in self.damaged:
                self.damaged.append(path)
                self.messages.append(text)
        if listener.is_over:
            self.position = max(self.position, self.position + listener.listed - 1 - listener.again)
            return
        if result.is_success:
            return
        error = self.place.failure(result, "extract")
        if not isinstance(error, BorgFailed) or not listener.listed:
            raise error
        self.position = max(self.position, self.position + listener.listed - listener.again)
        if listener.current not in self.damaged:
            self.damaged.append(listener.current)
        self.messages += errors_of(result)[:1]


class _Listener:
    """Follows one process: what it reads, and whether the time is over."""

    def __init__(self, reading: _Reading, skip: Path | None, again: int) -> None:
        self.skip = skip
        self.again = again
        self.cancellation = StepCancellation(reading.place.cancellation)
        self.listed = 0
        self.current = ""
        self.is_over = False
        self.warnings: list[str] = []
        self._clock = reading.place.clock
        self._ends_at = reading.ends_at
        self._reading = reading

    def take(self, event: Event) -> None:
        if not isinstance(event, LogMessage) or self.is_over:
            return
        if event.logger == _LISTING:
            self.listed += 1
            self.current = clean_text(event.message)
            done = self._reading.position + self.listed - self.again
            self._reading.place.on_progress(max(done, 0), self._reading.items)
            # An item that comes again was read before, so the first new one is read whatever the time is.
            if self.listed > self.again + 1 and self._ends_at is not None and self._clock.monotonic() >= self._ends_at:
                self.is_over = True
                self.cancellation.cancel()
        elif event.level == "WARNING" and event.message_id.startswith("Backup"):
            self.warnings.append(clean_text(event.message))


def is_sayable(path: str) -> bool:
    r"""Whether a file of patterns can carry a path: it is read as UTF-8, line by line, without what is at the ends.

    >>> is_sayable("etc/hosts"), is_sayable("new\nline"), is_sayable("caf\udce9"), is_sayable("blank ")
    (True, False, False, False)
    """
    return path == path.strip() and len(path.splitlines()) == 1 and path.isprintable()


__all__ = ["check_data", "is_sayable"]
