# SPDX-License-Identifier: GPL-3.0-or-later
"""A catalog of a file tree that never was, told to the Director by the messages that agents send.

Run as a program, ``python -m benchmarks.synthetic CATALOG PATHS VERSIONS``, so that its memory is its own; it prints
what that took as JSON. The paths are computed from their numbers, so that they need no memory.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from itertools import islice
from pathlib import Path

from fleetkeep.catalog.database import open_catalog
from fleetkeep.clock import SystemClock
from fleetkeep.director.embedded import EmbeddedDirector
from fleetkeep.ids import new_id
from fleetkeep.link import ArchiveFound, Envelope, FilesIndexed, Message
from fleetkeep.link.files import LINES_OF_PART, Line, pack_lines
from fleetkeep.model import ArchiveFacts

from .measuring import peak_bytes

CLIENT, JOB, REPOSITORY, REPOSITORY_ID = "bench", "tree", "local", "0" * 64
FILES_OF_FOLDER = 25
CHANGED_SHARE = 0.10

#: A delivery has about a megabyte, as agents do it.
PARTS_OF_DELIVERY = 8

_BEGUN = datetime(2026, 1, 1, tzinfo=timezone.utc)
_PLACES = ("srv/data", "home/anna", "home/bert", "usr/share", "var/lib", "var/www", "opt/service", "srv/media")
_WORDS = """
report invoice budget archive config module image session index backup letter contract project summary draft
schema driver kernel locale manual package release update support customer product order payment account
journal calendar message picture thumbnail texture shader vector matrix parser lexer token buffer stream socket
handler service monitor metric sensor station weather harbour village bridge garden
""".split()  # noqa: SIM905 -- a list of words reads as words
_ENDINGS = (".txt", ".pdf", ".py", ".jpg", ".html", ".json", ".so", ".conf", ".gz", ".mo", ".xml", ".docx")


@dataclass(frozen=True)
class Indexing:
    """What the telling of a synthetic tree took."""

    versions: int
    first_rows_per_cpu_second: float
    later_rows_per_cpu_second: float
    cpu_seconds: float
    peak_bytes: int


def main() -> int:
    catalog, paths, versions = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    print(json.dumps(tell_tree(catalog, paths, versions).__dict__))
    return 0


def path_of(number: int) -> str:
    """The path of a file, the same on every machine.

    >>> path_of(0) == path_of(0), path_of(1).count("/") >= 3
    (True, True)
    """
    folder, _ = divmod(number, FILES_OF_FOLDER)
    above = folder // 40
    words = [_WORDS[(folder * 7 + 3) % len(_WORDS)], _WORDS[(above * 13 + 5) % len(_WORDS)]]
    name = _WORDS[(number * 2654435761 >> 7) % len(_WORDS)]
    second = _WORDS[(number * 40503 >> 3) % len(_WORDS)]
    ending = _ENDINGS[(number * 97 >> 2) % len(_ENDINGS)]
    place = _PLACES[above % len(_PLACES)]
    return f"{place}/{words[1]}-{above}/{words[0]}-{folder % 40:02}/{name}_{second}{number % 9973:04}{ending}"


def tell_tree(path: Path, paths: int, versions: int) -> Indexing:
    """Make a catalog in which ``paths`` paths have ``versions`` versions together."""
    catalog = open_catalog(path)
    director = EmbeddedDirector(catalog, SystemClock())
    envelopes = _envelopes(paths, versions)
    rows = {True: 0, False: 0}
    spent = {True: 0.0, False: 0.0}
    while batch := list(islice(envelopes, PARTS_OF_DELIVERY)):
        begun = time.process_time()
        director.deliver([envelope for envelope, _ in batch])
        is_first = batch[0][0].sequence * LINES_OF_PART <= paths
        spent[is_first] += time.process_time() - begun
        rows[is_first] += sum(count for _, count in batch)
    catalog.close()
    return Indexing(
        versions=sum(rows.values()),
        first_rows_per_cpu_second=rows[True] / max(spent[True], 1e-9),
        later_rows_per_cpu_second=rows[False] / max(spent[False], 1e-9),
        cpu_seconds=sum(spent.values()),
        peak_bytes=peak_bytes(),
    )


def _envelopes(paths: int, versions: int) -> Iterator[tuple[Envelope, int]]:
    """Messages in their order, each with the number of versions that it begins."""
    for sequence, (message, count) in enumerate(_messages(paths, versions), start=1):
        now = datetime.now(timezone.utc)
        token = new_id()
        yield Envelope(client=CLIENT, sequence=sequence, token=token, recorded_at=now, message=message), count


def _messages(paths: int, versions: int) -> Iterator[tuple[Message, int]]:
    source = random.Random(7)
    base, number, left = None, 0, versions
    while left > 0:
        number += 1
        archive = _archive(number)
        yield ArchiveFound(job=JOB, run_id=f"{number:012x}", archive=archive), 0
        changed = range(paths)[:left] if base is None else _some(source, paths, left)
        lines = (_line(path, number) for path in changed)
        attempt, part = new_id(), 0
        while chunk := list(islice(lines, LINES_OF_PART)):
            part += 1
            yield _part(archive.id, base, attempt, part, pack_lines(chunk), None), len(chunk)
        yield _part(archive.id, base, attempt, part + 1, "", paths), 0
        base, left = archive.id, left - len(changed)


def _some(source: random.Random, paths: int, most: int) -> list[int]:
    return sorted(source.sample(range(paths), min(most, max(1, int(paths * CHANGED_SHARE)))))


def _line(path: int, archive: int) -> Line:
    changed = int(_BEGUN.timestamp() + archive * 86_400 - path % 50_000) * 1_000_000 + path % 999_983
    size = (path * 7919 + archive * 104_729) % 200_000
    return ("+", path_of(path), 0o100644, 1000, 1000, "anna", "anna", size, changed, changed, "")


def _part(archive: str, base: str | None, attempt: str, part: int, lines: str, entries: int | None) -> FilesIndexed:
    return FilesIndexed(
        job=JOB,
        repository=REPOSITORY,
        repository_id=REPOSITORY_ID,
        archive_id=archive,
        base=base,
        attempt=attempt,
        part=part,
        lines=lines,
        entries=entries,
    )


def _archive(number: int) -> ArchiveFacts:
    begun = _BEGUN + timedelta(days=number)
    return ArchiveFacts(
        id=f"{number:064x}",
        name=f"bench-tree-{number:05}",
        repository=REPOSITORY,
        repository_id=REPOSITORY_ID,
        started_at=begun,
        finished_at=begun + timedelta(minutes=5),
        files=1,
        original_bytes=1,
        compressed_bytes=1,
        deduplicated_bytes=1,
    )


if __name__ == "__main__":
    sys.exit(main())
