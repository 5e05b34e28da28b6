# SPDX-License-Identifier: GPL-3.0-or-later
"""What was declared to hold of a drill: which files it needs from the archive, and whether it holds.

What an archive holds is only looked at: the program of a command comes from the host, is looked up in absolute folders
before the command's folder is entered, and no shell reads anything.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from fleetkeep.borg.events import clean_text
from fleetkeep.borg.items import ArchiveItem
from fleetkeep.borg.process import Cancellation
from fleetkeep.errors import Cancelled
from fleetkeep.model import Assertion, AssertionKind, AssertionResult, DrillFile, Hook, Point
from fleetkeep.model.assertion import RESTORED
from fleetkeep.plan.drill import judge_size
from fleetkeep.plan.restore import is_below
from fleetkeep.plan.sample import Sample, SampledFile
from fleetkeep.settings import search_path

from .hooks import run_hook

#: So much of a command's output is told.
OUTPUT_TOLD = 200


@dataclass
class Wanted:
    """What assertions need from an archive, found while its items pass by."""

    paths: frozenset[str]
    """As stored: without a leading slash."""

    whole: frozenset[str] = frozenset()
    """Those of them of which everything below is needed as well."""

    present: dict[str, ArchiveItem] = field(default_factory=dict)
    """The items at exactly these paths."""

    files: list[SampledFile] = field(default_factory=list)
    """The files at these paths and below them; a further name of a hard-linked file says nothing of its size yet."""

    first_names: dict[str, str] = field(default_factory=dict)
    """Of further names among these files, the first name, at which the archive holds the content."""

    @classmethod
    def by(cls, assertions: Sequence[Assertion]) -> Wanted:
        """What some assertions need."""
        stored = [(each.kind, path.lstrip("/")) for each in assertions for path in each.paths]
        whole = frozenset(path for kind, path in stored if kind is AssertionKind.COMMAND)
        return cls(frozenset(path for _, path in stored), whole)

    def watch(self, items: Iterable[ArchiveItem]) -> Iterator[ArchiveItem]:
        """The same items, of which what is needed is remembered."""
        for place, item in enumerate(items):
            if self.paths:
                self._look_at(item, place)
            yield item

    def resize(self, sizes: Mapping[str, int]) -> None:
        """Take the sizes of first names for those of the further names."""
        self.files = [
            replace(file, size_bytes=sizes.get(self.first_names.get(file.path, ""), file.size_bytes))
            for file in self.files
        ]

    def add_to(self, sample: Sample) -> Sample:
        """A sample with the files that are needed, in the order of the archive."""
        files = {file.path: file for file in (*sample.files, *self.files)}
        return replace(sample, files=tuple(sorted(files.values(), key=lambda file: file.place)))

    def _look_at(self, item: ArchiveItem, place: int) -> None:
        if item.path in self.paths:
            self.present[item.path] = item
        is_needed = item.path in self.paths or any(is_below(item.path, path) for path in self.whole)
        if item.kind == "-" and is_needed:
            if item.is_hard_link:
                self.first_names[item.path] = item.link_target
            self.files.append(SampledFile(item.path, item.size_bytes, item.changed_us, place))


@dataclass(frozen=True)
class Restored:
    """What a drill restored, and where."""

    point: Point
    earlier: Sequence[Point]
    """The archives of the job before it in the same repository, the newest first."""
    folder: Path
    wanted: Wanted
    files: Mapping[str, DrillFile]
    cancellation: Cancellation | None = None


def check_assertions(assertions: Sequence[Assertion], restored: Restored) -> tuple[AssertionResult, ...]:
    """Whether each assertion holds, in their order. Raises ``Cancelled``."""
    return tuple(_check(assertion, restored) for assertion in assertions)


def _check(assertion: Assertion, restored: Restored) -> AssertionResult:
    checks = {
        AssertionKind.FILE_EXISTS: _file_exists,
        AssertionKind.SHA256: _sha256,
        AssertionKind.SIZE_RATIO: _size_ratio,
        AssertionKind.COMMAND: _command,
    }
    holds, found = checks[assertion.kind](assertion, restored)
    return AssertionResult(kind=assertion.kind, assertion=clean_text(str(assertion)), holds=holds, found=found)


def _file_exists(assertion: Assertion, restored: Restored) -> tuple[bool, str]:
    path = assertion.paths[0]
    item = restored.wanted.present.get(path.lstrip("/"))
    if item is None:
        return False, "The archive does not hold it."
    if item.kind == "-" and not _is_restored(path, restored):
        return False, "It could not be restored whole."
    return True, "It was restored." if item.kind == "-" else "The archive holds it."


def _sha256(assertion: Assertion, restored: Restored) -> tuple[bool, str]:
    assert assertion.sha256 is not None  # noqa: S101 - its kind says so
    path = assertion.sha256.path
    item = restored.wanted.present.get(path.lstrip("/"))
    if item is None:
        return False, "The archive does not hold it."
    if item.kind != "-":
        return False, "It is no regular file."
    file = restored.files.get(item.path)
    if file is None or not file.sha256:
        return False, "It could not be restored whole."
    if file.sha256 != assertion.sha256.is_.lower():
        return False, f"It is {file.sha256}."
    return True, "It is the same."


def _size_ratio(assertion: Assertion, restored: Restored) -> tuple[bool, str]:
    assert assertion.size_ratio is not None  # noqa: S101 - its kind says so
    return judge_size(assertion.size_ratio, restored.point, restored.earlier, clean_text)


def _command(assertion: Assertion, restored: Restored) -> tuple[bool, str]:
    for path in assertion.paths:
        item = restored.wanted.present.get(path.lstrip("/"))
        if item is None:
            return False, f"It was not run: the archive does not hold {clean_text(path)}."
        if item.kind == "-" and not _is_restored(path, restored):
            return False, f"It was not run: {clean_text(path)} could not be restored whole."
    words = assertion.command or ()
    program = _program(words[0])
    if program is None:
        return False, f"There is no program {clean_text(words[0])} on this host."
    arguments = [word.replace(RESTORED, str(restored.folder)) for word in words[1:]]
    hook = Hook(command=(program, *arguments), timeout=assertion.timeout)
    result = run_hook(
        hook, _environment(restored), cancellation=restored.cancellation, working_directory=restored.folder
    )
    if result.cancelled:
        raise Cancelled(what="The drill")
    if result.exit_code != assertion.exit_code:
        ended = result.problem or "ended with exit code 0"
        return False, f"It {ended}{_told(result.output)}."
    if assertion.output_contains and assertion.output_contains not in result.output:
        return False, f"Its output does not contain {clean_text(assertion.output_contains)!r}{_told(result.output)}."
    return True, f"It ended with exit code {result.exit_code}."


def _environment(restored: Restored) -> dict[str, str]:
    return {
        "FLEETKEEP_JOB": restored.point.job,
        "FLEETKEEP_ARCHIVE": restored.point.archive.name,
        "FLEETKEEP_RESTORED": str(restored.folder),
    }


def _program(name: str) -> str | None:
    """The absolute path of a program of this host; a relative folder in PATH would lead into what was restored."""
    folders = [folder for folder in search_path().split(os.pathsep) if folder.startswith("/")]
    return shutil.which(name, path=os.pathsep.join(folders))


def _is_restored(path: str, restored: Restored) -> bool:
    file = restored.files.get(path.lstrip("/"))
    return file is not None and bool(file.sha256)


def _told(output: str) -> str:
    text = " ".join(output.split())
    return f": {clean_text(text[:OUTPUT_TOLD]).rstrip('.')}" if text else ""


__all__ = ["Restored", "Wanted", "check_assertions"]
