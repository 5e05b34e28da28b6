# SPDX-License-Identifier: GPL-3.0-or-later
"""A catalog of a file tree that never was, told to the Director by the messages that agents send.

Telling ten million versions takes a quarter of an hour; so what is beyond a number of them is written at once, with the
same changes in each archive. Run as a program, ``python -m benchmarks.synthetic CATALOG PATHS VERSIONS TOLD``, so that
its memory is its own; it prints what the telling took as JSON. The paths are computed from their numbers, so that they
need no memory.
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

from sqlalchemy import text

from fleetkeep.catalog.database import Catalog, open_catalog
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

    told: int
    first_rows_per_cpu_second: float
    later_rows_per_cpu_second: float
    cpu_seconds: float
    peak_bytes: int


def main() -> int:
    path, (paths, versions, told) = Path(sys.argv[1]), map(int, sys.argv[2:5])
    indexing = tell_tree(path, paths, min(told, versions))
    written = write_rest(path, versions - indexing.told)
    print(json.dumps({**indexing.__dict__, "versions": indexing.told + written}))
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
        told=sum(rows.values()),
        first_rows_per_cpu_second=rows[True] / max(spent[True], 1e-9),
        later_rows_per_cpu_second=rows[False] / max(spent[False], 1e-9),
        cpu_seconds=sum(spent.values()),
        peak_bytes=peak_bytes(),
    )


def write_rest(path: Path, versions: int) -> int:
    """Give the paths more versions, about so many in all, without telling them; gives how many.

    Each path changes in every tenth archive, another tenth of them in each.
    """
    catalog = open_catalog(path)
    with catalog.read() as connection:
        paths, last = connection.execute(text("SELECT count(*), max(first) FROM file_version WHERE last IS NULL")).one()
    rounds = round(versions / paths) if paths else 0
    if rounds:
        _find_archives(catalog, last, 10 * rounds)
        values = {"last": last, "rounds": rounds, "day": 86_400_000_000}
        with catalog.write() as connection:
            connection.execute(_WRITE_VERSIONS, values)
            connection.execute(_END_VERSIONS, values)
            connection.execute(_WIDEN)
    catalog.close()
    return int(rounds * paths)


def _find_archives(catalog: Catalog, last: int, count: int) -> None:
    """Further archives, whose files are said to be known."""
    director = EmbeddedDirector(catalog, SystemClock())
    for number in range(last + 1, last + count + 1):
        found = ArchiveFound(job=JOB, run_id=f"{number:012x}", archive=_archive(number))
        now = datetime.now(timezone.utc)
        director.deliver(
            [Envelope(client=CLIENT, sequence=1_000_000 + number, token=new_id(), recorded_at=now, message=found)]
        )
    with catalog.write() as connection:
        connection.execute(_COMPLETE_POINTS)


#: The tenth of a path, which is the round's archive in which it changes.
_TENTH = "(version.size / 7 + version.folder) % 10"

_COMPLETE_POINTS = text(
    """
    INSERT INTO file_point (tree, ordinal, archive, state, attempt, parts, entries, indexed_at)
    SELECT newest.tree, newest.ordinal + row_number() OVER (ORDER BY archive.number), archive.number, 'complete',
           'written', 1, newest.entries, newest.indexed_at
    FROM archive CROSS JOIN (SELECT * FROM file_point ORDER BY ordinal DESC LIMIT 1) AS newest
    WHERE archive.number NOT IN (SELECT archive FROM file_point)
    """
)

_WRITE_VERSIONS = text(
    f"""
    WITH RECURSIVE round (number) AS (SELECT 0 UNION ALL SELECT number + 1 FROM round WHERE number + 1 < :rounds)
    INSERT INTO file_version
        (tree, folder, name, first, last, size, modified_us, inode_after_us, attribute, target)
    SELECT tree, folder, name, :last + 1 + 10 * round.number + {_TENTH},
           CASE WHEN round.number + 1 < :rounds THEN :last + 10 + 10 * round.number + {_TENTH} END,
           (size + 104729 * (round.number + 1)) % 200000, modified_us + (10 * round.number + {_TENTH}) * :day,
           inode_after_us, attribute, target
    FROM file_version AS version CROSS JOIN round
    WHERE last IS NULL AND first <= :last
    """
)

_END_VERSIONS = text(
    f"UPDATE file_version AS version SET last = :last + {_TENTH} WHERE last IS NULL AND first <= :last"
)

_WIDEN = text(
    """
    UPDATE file_folder SET largest_bytes = held.largest, newest_us = held.newest
    FROM (SELECT folder, max(size) AS largest, max(modified_us) AS newest FROM file_version GROUP BY folder) AS held
    WHERE number = held.folder
    """
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
