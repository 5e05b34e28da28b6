# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks at what a restore left on the disk: hashes it, compares it with the archive, and writes the report."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from fleetkeep.borg.access import BorgAccess
from fleetkeep.borg.events import clean_text
from fleetkeep.borg.process import Cancellation
from fleetkeep.errors import BorgFailed, Cancelled, ReportRefused
from fleetkeep.model import OwnerRule
from fleetkeep.plan.restore import RestoreAction, RestorePlan
from fleetkeep.plan.restore_choice import Choice

from .disk import DiskView, hash_file, open_beneath, open_folder_beneath, split_beneath
from .items import stream_hashes
from .restore_choices import final_place, look_at
from .restore_work import RestoreWork

_WORDS = {
    RestoreAction.CREATE: "created",
    RestoreAction.OVERWRITE: "overwritten",
    RestoreAction.CONFLICT: "overwritten",
    RestoreAction.UNCLEAR: "overwritten",
    RestoreAction.RENAME: "renamed",
    RestoreAction.KEEP: "kept",
}


@dataclass
class Proof:
    """What was found."""

    hashed: int = 0
    """How many files were read."""

    compared: int = 0
    """How many of them were compared with the archive."""

    differing: int = 0
    """How many were not as in the archive."""

    missing: int = 0
    """How many things that were to be restored are not there."""

    strangers: int = 0
    """How many things could not be given to the user who restores."""


class Report:
    """A file of JSON lines that only this user can read; without a path, nothing is written."""

    def __init__(self, file: IO[str] | None) -> None:
        self._file = file

    @property
    def is_wanted(self) -> bool:
        return self._file is not None

    def write(self, **facts: Any) -> None:
        """One line."""
        if self._file is not None:
            self._file.write(json.dumps(facts, separators=(", ", ": ")) + "\n")


@contextmanager
def open_report(path: Path | None) -> Iterator[Report]:
    """The report, durable at the end. Raises ReportRefused, before anything is restored."""
    if path is None:
        yield Report(None)
        return
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        descriptor = os.open(path, flags, 0o600)
        os.fchmod(descriptor, 0o600)
    except OSError as error:
        raise ReportRefused(path=clean_text(str(path)), reason=error.strerror or error) from None
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        yield Report(file)
        file.flush()
        os.fsync(file.fileno())


def prove_restore(
    access: BorgAccess,
    plan: RestorePlan,
    work: RestoreWork,
    report: Report,
    *,
    verify: bool,
    cancellation: Cancellation | None,
) -> Proof:
    """Look at everything that was to be restored, in the order of the archive.

    With ``verify``, the archive's own content is read for comparison. With an owner of ``none`` for root, what was
    restored is given to root first.

    Raises Cancelled, and the errors of a repository that cannot be read.
    """
    proof, view = Proof(), DiskView(Path(plan.target))
    theirs = _archive_hashes(access, plan, cancellation) if verify else None
    is_hashing = verify or report.is_wanted
    disown = plan.manner.owner is OwnerRule.NONE and os.geteuid() == 0
    for choice in work.choices():
        if cancellation is not None and cancellation.is_cancelled:
            raise Cancelled(what="Looking at what was restored")
        expected = _next_hash(theirs, choice, plan) if theirs is not None and choice.item.is_file else ""
        place = final_place(choice, work.suffix)
        found = look_at(view, choice.item, place)
        is_there = found is not None and found.kind in (choice.item.kind, "?")
        if not choice.is_written and choice.action is not RestoreAction.SAME:
            report.write(path=choice.item.path, action="kept", kind=choice.item.kind, reason=choice.reason)
            continue
        if choice.is_written and is_there and disown:
            proof.strangers += not _disown(plan.target, place)
        ours = _hash(plan.target, place, cancellation) if is_hashing and is_there and choice.item.kind == "-" else ""
        proof.hashed += bool(ours)
        _judge(choice, is_there, ours, expected, proof)
        _describe(report, choice, place, ours, expected, is_there)
    return proof


def _judge(choice: Choice, is_there: bool, ours: str, expected: str, proof: Proof) -> None:
    proof.missing += not is_there
    if expected and is_there:
        proof.compared += 1
        proof.differing += ours != expected


def _describe(report: Report, choice: Choice, place: str, ours: str, expected: str, is_there: bool) -> None:
    facts: dict[str, Any] = {"path": choice.item.path}
    if place != choice.item.path:
        facts["place"] = place
    is_rewritten = choice.action is RestoreAction.SAME and choice.is_written
    facts["action"] = "overwritten" if is_rewritten else _WORDS.get(choice.action, "same") if is_there else "missing"
    if not is_there:
        facts["action"] = "missing"
    facts["kind"] = choice.item.kind
    if choice.item.kind == "-":
        facts |= {"size_bytes": choice.item.size_bytes, "sha256": ours}
        if expected:
            facts["as_archived"] = ours == expected
    report.write(**facts)


def _hash(target: str, place: str, cancellation: Cancellation | None) -> str:
    def stop_when_asked() -> None:
        if cancellation is not None and cancellation.is_cancelled:
            raise Cancelled(what="Looking at what was restored")

    try:
        descriptor = open_beneath(Path(target), place)
    except OSError:
        return ""
    try:
        return hash_file(descriptor, stop_when_asked)
    except OSError:
        return ""
    finally:
        os.close(descriptor)


def _disown(target: str, place: str) -> bool:
    """Give something to this user; whether that was possible."""
    try:
        above, name = split_beneath(place)
        folder = open_folder_beneath(Path(target), above)
    except OSError:
        return False
    try:
        os.chown(name, os.geteuid(), os.getegid(), dir_fd=folder, follow_symlinks=False)
    except OSError:
        return False
    finally:
        os.close(folder)
    return True


def _archive_hashes(
    access: BorgAccess, plan: RestorePlan, cancellation: Cancellation | None
) -> Iterator[tuple[str, str]]:
    return stream_hashes(
        access,
        plan.repository,
        plan.archive,
        plan.paths,
        patterns=plan.patterns,
        excludes=plan.excludes,
        cancellation=cancellation,
    )


def _next_hash(theirs: Iterator[tuple[str, str]], choice: Choice, plan: RestorePlan) -> str:
    """The archive's hash of a choice; both come in the order of the archive. Raises BorgFailed."""
    for path, sha256 in theirs:
        if path == choice.item.path:
            return sha256
    raise BorgFailed(
        command="list",
        repository=plan.repository,
        exit_code=0,
        reason=f"It did not list {clean_text(choice.item.path)} again.",
    )


__all__ = ["Proof", "Report", "open_report", "prove_restore"]
