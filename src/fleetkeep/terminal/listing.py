# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of one archive from its own listing, for an archive whose files the catalog does not know; pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from fleetkeep.borg.items import ArchiveItem
from fleetkeep.errors import ListingTooLong, PathNotInArchive
from fleetkeep.model import FileEntry, FileStatus
from fleetkeep.plan.words import printable

#: So many entries are held in memory for it.
MOST_ENTRIES = 200_000


class ListedFiles:
    """An archive's entries by folder."""

    def __init__(self, archive: str, items: Iterable[ArchiveItem], most: int = MOST_ENTRIES) -> None:
        """Read them all. Raises ListingTooLong, and what the items raise."""
        self._archive = archive
        self._folders: dict[str, dict[str, FileEntry]] = {"": {}}
        for count, item in enumerate(items):
            if count >= most:
                raise ListingTooLong(archive=archive, most=f"{most:,}")
            self._add(FileEntry(path=item.path, status=_status(item)))

    def list_folder(self, path: str) -> Sequence[FileEntry]:
        """What lies in a folder. Raises PathNotInArchive."""
        if path not in self._folders:
            raise PathNotInArchive(archive=self._archive, path=printable(path))
        return list(self._folders[path].values())

    def _add(self, entry: FileEntry) -> None:
        above, _, name = entry.path.rpartition("/")
        if above not in self._folders:
            self._add(FileEntry(path=above))
        siblings = self._folders[above]
        if entry.status is not None or name not in siblings:
            siblings[name] = entry
        if entry.status is None or entry.status.is_folder:
            self._folders.setdefault(entry.path, {})


def _status(item: ArchiveItem) -> FileStatus:
    return FileStatus(
        mode=item.status_mode,
        uid=item.uid,
        gid=item.gid,
        owner=item.owner,
        group=item.group,
        size=item.size_bytes,
        modified_us=item.modified_us,
        changed_us=item.changed_us,
        target=item.link_target,
    )


__all__ = ["MOST_ENTRIES", "ListedFiles"]
