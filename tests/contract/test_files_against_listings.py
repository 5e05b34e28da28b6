# SPDX-License-Identifier: GPL-3.0-or-later
"""Random histories: what the catalog says of files is what full listings of all archives say.

Among the archives are deleted ones and some whose indexing never ended, and among the names those that break things.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import pytest
from builders import MINUTE, NOW
from empty_catalog import put_empty_catalog
from hypothesis import given, settings
from hypothesis import strategies as st
from listings import FOLDERS, Listing, Shelf, by_folder, folder_listing, listings

from fleetkeep.catalog import file_folders, file_names, file_search
from fleetkeep.catalog.database import Catalog, open_catalog
from fleetkeep.catalog.types import moment_of
from fleetkeep.director import files
from fleetkeep.errors import PathInNeither, PathNotInArchive
from fleetkeep.model import FileQuery, FileType, FileVersion, IndexState, PatternKind, Point
from fleetkeep.plan.file_diff import diff_status

LINES = (("web1", "system", "offsite"), ("web1", "system", "local"), ("web2", "data", "offsite"))
PATTERNS = (
    *("", "a", "b.T", "new\nl", "\udce9", "%", "_OFF", "long", "ОТЧЁ", '"q"'),
    *("*", "*.txt", "?B.txt", "[ab]*", "[!a]*", "*[[]x]", "*ong*", "*\n*", "отч*"),
    *("ssh/", "/etc/", "etc/ssh/a", "/srv/www/a", "w/a", "/", "f\udce9/deep/e"),
    *("t", "x]", "-", "é", "[a-l]*", "?*[!a-z]"),
)

#: Into which line each archive goes, what it holds, and what becomes of it.
histories = st.lists(
    st.tuples(st.sampled_from(LINES), listings(), st.sampled_from(["kept", "kept", "kept", "deleted", "building"])),
    min_size=1,
    max_size=7,
)

queries = st.builds(
    FileQuery,
    pattern=st.sampled_from(PATTERNS),
    types=st.sampled_from([(), (), (FileType.FILE,), (FileType.FOLDER, FileType.LINK), (FileType.OTHER,)]),
    smallest_bytes=st.sampled_from([None, None, 1, 2]),
    largest_bytes=st.sampled_from([None, None, 1, 2]),
    modified_after=st.sampled_from([None, None, moment_of(1)]),
    modified_before=st.sampled_from([None, None, moment_of(2)]),
    at=st.sampled_from([None, None, NOW + 3 * MINUTE]),
    client=st.sampled_from([None, None, "web2"]),
    repository=st.sampled_from([None, None, "local"]),
    limit=st.sampled_from([None, None, 2]),
)


@dataclass
class Past:
    """A history as full listings, and the catalog of it."""

    catalog: Catalog
    lines: dict[tuple[str, str, str], list[tuple[Point, Listing, bool]]] = field(default_factory=dict)
    """By client, job and repository: each archive with its listing and whether it may be shown."""

    @property
    def shown(self) -> list[tuple[Point, Listing]]:
        return [(point, listing) for points in self.lines.values() for point, listing, is_shown in points if is_shown]

    def paths(self, client: str) -> list[str]:
        """Every path that any archive of a client ever held."""
        listings = (
            listing for (owner, _, _), points in self.lines.items() for _, listing, _ in points if owner == client
        )
        return sorted({path for listing in listings for path in listing})

    def versions(self, path: str, line: tuple[str, str, str]) -> list[FileVersion]:
        """What a path was in a line: one for each range of archives in which it stayed the same."""
        points = self.lines.get(line, [])
        newest = next((point for point, _, is_shown in reversed(points) if is_shown), None)
        found = []
        for status, group in groupby(points, key=lambda each: each[1].get(path)):
            held = [point for point, _, is_shown in group if is_shown]
            if status is None or not held:
                continue
            found.append(
                FileVersion(
                    client=line[0],
                    job=line[1],
                    repository=line[2],
                    path=path,
                    status=status,
                    first_archive=held[0].archive.name,
                    last_archive=held[-1].archive.name,
                    first_seen_at=held[0].archive.started_at,
                    last_seen_at=held[-1].archive.started_at,
                    archives=len(held),
                    is_present=held[-1] is newest,
                )
            )
        return found


@contextmanager
def remembered(
    history: Sequence[tuple[tuple[str, str, str], Listing, str]], *, is_noted: bool = True
) -> Iterator[Past]:
    with TemporaryDirectory() as folder:
        path = put_empty_catalog(Path(folder) / "catalog.sqlite")
        with closing(open_catalog(path)) as catalog:
            past, shelf = Past(catalog), Shelf(catalog, is_noted=is_noted)
            for line, listing, fate in history:
                state = IndexState.BUILDING if fate == "building" else IndexState.COMPLETE
                client, job, repository = line
                point = shelf.add(listing, client=client, job=job, repository=repository, state=state)
                past.lines.setdefault(line, []).append((point, listing, fate == "kept"))
                if fate == "deleted":
                    shelf.delete(point)
            yield past


FEW = settings(max_examples=40)


@given(history=histories, is_noted=st.booleans())
@FEW
def test_points_and_paths(history: Sequence[tuple[tuple[str, str, str], Listing, str]], is_noted: bool) -> None:
    with remembered(history, is_noted=is_noted) as past:
        for point, listing in past.shown:
            entries = list(files.point_entries(past.catalog, point))
            assert [(entry.path, entry.status) for entry in entries] == [
                (path, listing[path]) for path in by_folder(list(listing))
            ]
            for folder in {*FOLDERS, "srv", "caf\udce9", "nothing", *listing}:
                check_folder(past.catalog, point, listing, folder)
        for client in ("web1", "web2"):
            for path in [*past.paths(client), "nothing", "etc/nothing"]:
                wanted = [version for line in LINES if line[0] == client for version in past.versions(path, line)]
                wanted.sort(key=lambda version: (version.last_seen_at, version.first_seen_at), reverse=True)
                assert files.path_history(past.catalog, path, client=client) == wanted


def check_folder(catalog: Catalog, point: Point, listing: Listing, folder: str) -> None:
    wanted = folder_listing(listing, folder)
    own = listing.get(folder)
    if not wanted and folder and (own is None or not own.is_folder):
        with pytest.raises(PathNotInArchive):
            files.list_folder(catalog, point, folder)
    else:
        entries = files.list_folder(catalog, point, folder)
        assert [(entry.path, entry.status) for entry in entries] == [(path, wanted[path]) for path in by_folder(wanted)]
    entry = files.find_entry(catalog, point, folder)
    if folder and (own or wanted):
        assert entry is not None and (entry.path, entry.status) == (folder, own)
    elif folder:
        assert entry is None


@given(history=histories, asked=st.lists(queries, min_size=1, max_size=6), is_large=st.booleans())
@FEW
def test_searches(
    history: Sequence[tuple[tuple[str, str, str], Listing, str]],
    asked: Sequence[FileQuery],
    is_large: bool,
) -> None:
    with remembered(history) as past, as_in_a_large_catalog(is_large):
        for query in asked:
            wanted = []
            for client in ("web1", "web2"):
                lines = [line for line in LINES if line[0] == client and is_asked(line, query)]
                for path in by_folder(past.paths(client)):
                    versions = [
                        each
                        for line in lines
                        for each in past.versions(path, line)
                        if accepts(each, query) and is_at(past, each, line, query)
                    ]
                    versions.sort(key=lambda version: (version.last_seen_at, version.first_seen_at), reverse=True)
                    wanted += [versions] if versions else []
            assert files.find_files(past.catalog, query) == [
                version for versions in wanted[: query.limit] for version in versions
            ]
            hits = files.find_hits(past.catalog, query)
            assert [(hit.client, hit.path) for hit in hits] == [
                (versions[0].client, versions[0].path) for versions in wanted[: query.limit]
            ]


@contextmanager
def as_in_a_large_catalog(is_large: bool) -> Iterator[None]:
    """Have many folders begin with two: then all are read at once, and walked through."""
    if not is_large:
        yield
        return
    with (
        patch.object(file_folders, "_QUESTIONS", 1),
        patch.object(file_search, "_FEW", 1),
        patch.object(file_search, "_FIRST", 1),
        patch.multiple(file_names, _MANY=4, _MANY_WITH_FEW_LETTERS=3),
    ):
        yield


def is_asked(line: tuple[str, str, str], query: FileQuery) -> bool:
    return query.client in (None, line[0]) and query.repository in (None, line[2])


def accepts(version: FileVersion, query: FileQuery) -> bool:
    """What a query means, in the plainest way; the names of these tests have no letter that ``lower`` makes longer."""
    name, path = version.path.rpartition("/")[2].lower(), f"/{version.path}".lower()
    pattern, status = query.pattern.lower(), version.status
    if query.meaning is PatternKind.GLOB:
        is_named = fnmatch.fnmatchcase(name, pattern)
    elif "/" in pattern:
        starts = [0] if pattern.startswith("/") else range(len(path))
        is_named = any(path.startswith(pattern, at) and "/" not in path[at + len(pattern) :] for at in starts)
    else:
        is_named = pattern in name
    return (
        is_named
        and (not query.types or status.type in query.types)
        and (query.smallest_bytes or 0) <= status.size
        and (query.largest_bytes is None or status.size <= query.largest_bytes)
        and (query.modified_after is None or status.modified_at >= query.modified_after)
        and (query.modified_before is None or status.modified_at < query.modified_before)
    )


def is_at(past: Past, version: FileVersion, line: tuple[str, str, str], query: FileQuery) -> bool:
    """Whether the newest archive of the line that had begun by the moment of a query holds a version."""
    if query.at is None:
        return True
    shown = [point.archive.started_at for point, _, is_shown in past.lines[line] if is_shown]
    begun = max((moment for moment in shown if moment <= query.at), default=None)
    return begun is not None and version.first_seen_at <= begun <= version.last_seen_at


@given(history=histories)
@FEW
def test_differences(history: Sequence[tuple[tuple[str, str, str], Listing, str]]) -> None:
    with remembered(history) as past:
        for one, before in past.shown:
            for other, after in past.shown:
                for start in ("", "etc", "srv"):
                    paths = [path for path in before.keys() | after.keys() if is_in(path, start)]
                    if start and not paths:
                        with pytest.raises(PathInNeither):
                            list(files.diff_entries(past.catalog, one, other, start))
                        continue
                    changes = files.diff_entries(past.catalog, one, other, start)
                    assert [(change.path, change.before, change.after) for change in changes] == [
                        (path, before.get(path), after.get(path))
                        for path in by_folder(paths)
                        if diff_status(before.get(path), after.get(path))
                    ]


def is_in(path: str, folder: str) -> bool:
    return not folder or path == folder or path.startswith(f"{folder}/")
