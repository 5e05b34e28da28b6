# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files Borg warned about while it made an archive, gathered from its events; pure."""

from __future__ import annotations

from fleetkeep.borg.events import Event, FileStatus, LogMessage
from fleetkeep.model import FileWarning

#: How many are kept with a run; all are counted.
MOST_WARNINGS = 1_000

#: Borg names its warnings about single files by these ids.
_ABOUT_FILES = ("Backup", "FileChangedWarning", "IncludePatternNeverMatchedWarning")


class FileWarnings:
    """Takes the events of one ``borg create`` in their order.

    Borg says a warning as one text, ``path: what happened``, and then lists the file's status with the exact path; a
    path may hold a colon, so the status decides where the path ends.
    """

    def __init__(self) -> None:
        self._kept: list[FileWarning] = []
        self.count = 0

    @property
    def kept(self) -> tuple[FileWarning, ...]:
        """The first ``MOST_WARNINGS`` of them."""
        return tuple(self._kept)

    def take(self, event: Event) -> FileWarning | None:
        """Note an event; gives the warning when it is one about a file."""
        if isinstance(event, FileStatus):
            self._name_exactly(event.path)
        if not isinstance(event, LogMessage) or not is_about_file(event):
            return None
        path, _, message = event.message.partition(": ")
        warning = FileWarning(path=path, message=message or event.message, code=event.message_id)
        self.count += 1
        if len(self._kept) < MOST_WARNINGS:
            self._kept.append(warning)
        return warning

    def _name_exactly(self, path: str) -> None:
        if not self._kept or self.count > len(self._kept):
            return
        last = self._kept[-1]
        whole = f"{last.path}: {last.message}"
        if whole.startswith(f"{path}: "):
            self._kept[-1] = FileWarning(path=path, message=whole[len(path) + 2 :], code=last.code)


def is_about_file(message: LogMessage) -> bool:
    """Whether a message is a warning about one file."""
    return message.level == "WARNING" and message.message_id.startswith(_ABOUT_FILES)


__all__ = ["MOST_WARNINGS", "FileWarnings", "is_about_file"]
