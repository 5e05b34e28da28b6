# SPDX-License-Identifier: GPL-3.0-or-later
"""Questions about the files of archives, each answered as full listings of all archives would answer it."""

from __future__ import annotations

import pytest
from listings import Shelf, file_of, folder_of

from fleetkeep.catalog.database import Catalog
from fleetkeep.director import files
from fleetkeep.errors import ArchiveNotIndexed, PathNotInArchive
from fleetkeep.model import FileQuery, IndexState

ETC = {"etc": folder_of(), "etc/hosts": file_of(10), "srv/www/index.html": file_of(20)}


@pytest.fixture
def shelf(catalog: Catalog) -> Shelf:
    return Shelf(catalog)


def test_a_folder_is_listed_as_it_was_at_each_point(shelf: Shelf) -> None:
    one = shelf.add(ETC)
    two = shelf.add({"etc": folder_of(), "etc/hosts": file_of(11), "etc/motd": file_of(5)})

    def names(point, path):
        return [
            (entry.path, entry.status and entry.status.size) for entry in files.list_folder(shelf.catalog, point, path)
        ]

    assert names(one, "") == [("etc", 0), ("srv", None)]
    assert names(one, "srv") == [("srv/www", None)]
    assert names(one, "etc") == [("etc/hosts", 10)]
    assert names(two, "") == [("etc", 0)]
    assert names(two, "etc") == [("etc/hosts", 11), ("etc/motd", 5)]
    for path in ("srv", "etc/hosts", "nothing", "etc/nothing/at/all"):
        with pytest.raises(PathNotInArchive):
            files.list_folder(shelf.catalog, two, path)


def test_an_archive_that_may_not_be_shown_is_said_to_be_so(shelf: Shelf) -> None:
    unknown = shelf.add({}, state=None)
    building = shelf.add(ETC, state=IndexState.BUILDING)
    deleted = shelf.add(ETC)
    shelf.delete(deleted)
    for point in (unknown, building, deleted):
        with pytest.raises(ArchiveNotIndexed, match=point.archive.name):
            files.list_folder(shelf.catalog, point, "")
        with pytest.raises(ArchiveNotIndexed):
            list(files.point_entries(shelf.catalog, point))
    assert files.index_coverage(shelf.catalog).model_dump() == {"archives": 2, "indexed": 0}
    assert files.find_files(shelf.catalog, FileQuery()) == []
