# SPDX-License-Identifier: GPL-3.0-or-later
"""The items of an archive as a stream, so that an archive of millions needs no memory."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from typing import IO

from fleetkeep.borg.access import BorgAccess
from fleetkeep.borg.command import list_items_arguments
from fleetkeep.borg.failures import failure_of
from fleetkeep.borg.interpreter import UNKNOWN_INTERNALS, inside_borg
from fleetkeep.borg.items import ITEM_KEYS, ArchiveItem, parse_exact_item, parse_item
from fleetkeep.borg.process import BorgResult, Cancellation, run_borg
from fleetkeep.errors import BorgFailed, Cancelled

from .cancel import StepCancellation

#: No item of a real archive comes near; a hostile storage could send a line without end.
LONGEST_LINE_BYTES = 1 << 20

#: Patterns of one borg process together; Linux takes 2 MiB of arguments and environment.
PATTERN_BYTES = 512 << 10


class InternalsUnknown(Exception):
    """Borg cannot be asked from the inside; its printed listing has to do."""


def stream_items(
    access: BorgAccess,
    repository: str,
    archive: str,
    paths: Sequence[str] = (),
    *,
    patterns: Sequence[str] = (),
    excludes: Sequence[str] = (),
    cancellation: Cancellation | None = None,
) -> Generator[ArchiveItem, None, None]:
    """The items of an archive, in its order, while Borg lists them.

    Arguments:
        access: How to reach the repository; its environment says ``TZ=UTC``.
        repository: Its declared name, for messages.
        archive: The archive's name.
        paths: Stored paths; each stands for itself and all below it.
        patterns: Borg patterns with their style, which include more. Neither paths nor patterns mean all.
        excludes: Borg patterns with their style, which win over both.
        cancellation: Ends the listing when somebody asks to.

    Raises the error of a failed listing after its last item, and ``Cancelled``.
    """
    chosen = [*(f"pp:{path}" for path in paths), *patterns]
    inside = inside_borg(access.program, {"ask": "items"})
    try:
        lines = _lines(access, repository, archive, chosen, ITEM_KEYS, cancellation, inside, excludes)
        yield from _parsed(lines, parse_exact_item if inside else parse_item, repository)
    except InternalsUnknown:
        lines = _lines(access, repository, archive, chosen, ITEM_KEYS, cancellation, excludes=excludes)
        yield from _parsed(lines, parse_item, repository)


def _parsed(
    lines: Generator[bytes, None, None], parse: Callable[[bytes], ArchiveItem], repository: str
) -> Generator[ArchiveItem, None, None]:
    with closing(lines):
        for line in lines:
            try:
                item = parse(line)
            except ValueError:
                reason = "It listed something that is no item of an archive."
                raise BorgFailed(command="list", repository=repository, exit_code=0, reason=reason) from None
            yield item


def content_hashes(
    access: BorgAccess,
    repository: str,
    archive: str,
    paths: Sequence[str],
    *,
    cancellation: Cancellation | None = None,
) -> dict[str, str]:
    """The SHA-256 of the content of some files as the archive holds it, in hexadecimal, by stored path.

    Borg reads the content for it, so ask for few. Raises as ``stream_items``.
    """
    hashes: dict[str, str] = {}
    for batch in batches(paths):
        patterns = [f"pf:{path}" for path in batch]
        inside = inside_borg(access.program, {"ask": "hashes"})
        try:
            for line in _lines(access, repository, archive, patterns, ("sha256",), cancellation, inside):
                item = json.loads(line)
                path, digest = item if inside else (item["path"], item["sha256"])
                hashes[path] = digest
        except InternalsUnknown:
            for line in _lines(access, repository, archive, patterns, ("sha256",), cancellation):
                item = json.loads(line)
                hashes[item["path"]] = item["sha256"]
    return hashes


def stream_hashes(
    access: BorgAccess,
    repository: str,
    archive: str,
    paths: Sequence[str] = (),
    *,
    patterns: Sequence[str] = (),
    excludes: Sequence[str] = (),
    cancellation: Cancellation | None = None,
) -> Generator[tuple[str, str], None, None]:
    """Path and SHA-256 of each file with content of its own, in the order of the archive; chosen as ``stream_items``
    does.

    Borg reads all that content for it. Raises as ``stream_items``.
    """
    chosen = [*(f"pp:{path}" for path in paths), *patterns]
    inside = inside_borg(access.program, {"ask": "hashes"})
    try:
        lines = _lines(access, repository, archive, chosen, ("sha256",), cancellation, inside, excludes)
        with closing(lines):
            for line in lines:
                item = json.loads(line)
                path, digest = item if inside else (item["path"], item["sha256"])
                yield path, digest
    except InternalsUnknown:
        lines = _lines(access, repository, archive, chosen, ("sha256",), cancellation, excludes=excludes)
        with closing(lines):
            for line in lines:
                item = json.loads(line)
                yield item["path"], item["sha256"]


def batches(paths: Sequence[str]) -> Generator[list[str], None, None]:
    """Paths in portions that fit the arguments of one process, in their order."""
    batch: list[str] = []
    room = PATTERN_BYTES
    for path in paths:
        size = len(os.fsencode(path)) + len("pf:") + 1
        if batch and size > room:
            yield batch
            batch, room = [], PATTERN_BYTES
        batch.append(path)
        room -= size
    if batch:
        yield batch


def _lines(
    access: BorgAccess,
    repository: str,
    archive: str,
    patterns: Sequence[str],
    keys: Sequence[str],
    cancellation: Cancellation | None,
    inside: Sequence[str] = (),
    excludes: Sequence[str] = (),
) -> Generator[bytes, None, None]:
    """The lines of a listing. Raises ``InternalsUnknown`` before the first one where Borg cannot be asked inside."""
    arguments = list_items_arguments(access.location, archive, keys=keys, paths=patterns, excludes=excludes)
    listing = _Listing(access, arguments, cancellation, inside)
    try:
        yield from listing.lines()
    finally:
        listing.close()
    listing.check(repository)


class _Listing:
    """A borg process that writes into a pipe, watched over by a thread of its own."""

    def __init__(
        self,
        access: BorgAccess,
        arguments: Sequence[str],
        cancellation: Cancellation | None,
        inside: Sequence[str],
    ) -> None:
        self._access = access
        self._inside = inside
        self._cancellation = StepCancellation(cancellation)
        self._outcome: BorgResult | BaseException | None = None
        self._is_read = False
        self._rest = b""
        readable, writable = os.pipe()
        self._output = os.fdopen(readable, "rb")
        self._thread = threading.Thread(
            target=self._run, args=(arguments, os.fdopen(writable, "wb")), name="borg-list", daemon=True
        )
        self._thread.start()

    def _run(self, arguments: Sequence[str], pipe: IO[bytes]) -> None:
        try:
            self._outcome = run_borg(
                self._access,
                arguments,
                cancellation=self._cancellation,
                standard_output=pipe,
                inside=self._inside,
            )
        except BaseException as error:  # handed to the thread that reads
            self._outcome = error
        finally:
            pipe.close()

    def lines(self) -> Generator[bytes, None, None]:
        """The complete lines."""
        while (line := self._output.readline(LONGEST_LINE_BYTES)).endswith(b"\n"):
            yield line
        self._rest = line
        self._is_read = not line

    def close(self) -> None:
        """End a process that still writes, and wait for it."""
        if not self._is_read:
            self._cancellation.cancel()
        self._output.close()
        self._thread.join()

    def check(self, repository: str) -> None:
        """Raise what went wrong."""
        outcome = self._outcome
        if isinstance(outcome, BaseException):
            raise outcome
        if outcome is None or self._cancellation.is_whole_cancelled:
            raise Cancelled(what="The listing")
        if self._inside and outcome.exit_code == UNKNOWN_INTERNALS:
            raise InternalsUnknown
        if not outcome.is_success and not outcome.cancelled:
            raise failure_of(outcome, "list", repository, self._access.location)
        if self._rest:
            raise BorgFailed(
                command="list", repository=repository, exit_code=outcome.exit_code, reason="A line of it has no end."
            )


__all__ = ["InternalsUnknown", "batches", "content_hashes", "stream_hashes", "stream_items"]
