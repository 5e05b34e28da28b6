# SPDX-License-Identifier: GPL-3.0-or-later
"""The choices of a restore as a stream, and the pattern files that tell Borg of them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from fleetkeep.borg.access import BorgAccess
from fleetkeep.borg.events import clean_text
from fleetkeep.borg.items import ArchiveItem, lossy_name
from fleetkeep.borg.patterns import EXCLUDE_ALL, exact_lines
from fleetkeep.borg.process import Cancellation
from fleetkeep.errors import ArchiveReplaced, PathsCollide
from fleetkeep.model import OnConflict
from fleetkeep.plan.restore import OnDisk, RestoreAction, RestoreForm, RestorePlan, is_below
from fleetkeep.plan.restore_choice import Choice, CollisionWatch, beside_name, choose, is_restored, strip_path

from .disk import DiskView
from .items import stream_items
from .restore_work import RestoreWork
from .space import SpaceTally

#: Names of missing folders that are remembered, so that each is written down about once.
FOLDERS_REMEMBERED = 50_000


@dataclass
class Listed:
    """What was learned while the choices streamed by."""

    missing: set[str] = field(default_factory=set)
    """The paths asked for that were not seen."""

    stripped: int = 0
    """How many items have no path left."""


@dataclass(frozen=True)
class Beside:
    """What is put beside other things on one file system."""

    scratch: Path
    """The folder that is made for it there."""

    patterns: Path
    """The pattern file that chooses it."""


@dataclass(frozen=True)
class Prepared:
    """What Borg is told."""

    patterns: Path
    """The pattern file of what goes to its own place."""

    has_main: bool
    """Whether anything does."""

    besides: tuple[Beside, ...]
    """What is put beside other things."""


def fresh_choices(
    access: BorgAccess, plan: RestorePlan, listed: Listed, cancellation: Cancellation | None
) -> Iterator[Choice]:
    """What becomes of each item that is asked for, by what is at the target now.

    Raises PathsCollide, ArchiveReplaced, Cancelled, and the errors of a repository that cannot be read.
    """
    view = DiskView(Path(plan.target)) if plan.form is RestoreForm.FOLDER else None
    watch = CollisionWatch()
    policy, components = plan.manner.on_conflict, plan.manner.strip_components
    listed.missing = set(plan.paths)
    for item in stream_items(
        access,
        plan.repository,
        plan.archive,
        plan.paths,
        patterns=plan.patterns,
        excludes=plan.excludes,
        cancellation=cancellation,
    ):
        if plan.archive_id not in ("", item.archive_id or plan.archive_id):
            raise ArchiveReplaced(
                archive=plan.archive,
                repository=plan.repository,
                found=item.archive_id,
                expected=plan.archive_id,
            )
        listed.missing = {path for path in listed.missing if not _holds(item, path)}
        place = strip_path(item.path, components) if components else item.path
        if not place:
            listed.stripped += 1
            continue
        if components and watch.collides(place, is_folder=item.kind == "d"):
            raise PathsCollide(components=components, path=clean_text(item.path), archive=plan.archive)
        choice = choose(item, place, look_at(view, item, place) if view else None, policy)
        if view and choice.action is RestoreAction.CONFLICT and item.kind == "d" and policy is OnConflict.OVERWRITE:
            view.replaced(place)
        yield choice


def look_at(view: DiskView, item: ArchiveItem, place: str) -> OnDisk | None:
    """What is where an item is to lie."""
    return view.look(place, exact=item.is_exact)


def _holds(item: ArchiveItem, path: str) -> bool:
    """Whether a path that was asked for holds an item."""
    return is_below(item.path, path if item.is_exact else lossy_name(path))


def current_choices(work: RestoreWork, plan: RestorePlan) -> Iterator[Choice]:
    """The stored choices, where a resumed restore marks what it has written already."""
    if not plan.resume:
        yield from work.choices()
        return
    view = DiskView(Path(plan.target))
    # Borg links a further name only to a first one of the same extract, so that these are written again together.
    linked = {choice.item.link_target for choice in work.choices() if choice.item.is_hard_link}
    for choice in work.choices():
        is_done = choice.item.path not in linked and is_restored(
            choice, look_at(view, choice.item, final_place(choice, work.suffix))
        )
        yield replace(choice, is_done=True) if is_done else choice


def final_place(choice: Choice, suffix: str) -> str:
    """Where an item lies in the end, below the target."""
    if not choice.unit:
        return choice.place
    above, slash, name = choice.unit.rpartition("/")
    return above + slash + beside_name(name, suffix) + choice.place[len(choice.unit) :]


def prepare_patterns(work: RestoreWork, plan: RestorePlan) -> Prepared:
    """Write the pattern files of the stored choices. Raises ``OSError``."""
    main, has_main = work.folder / "main.patterns", False
    space = SpaceTally(Path(plan.target))
    besides: dict[Path, _BesideWriter] = {}
    parents = _Parents(Path(plan.target), plan.manner.strip_components)
    left_out: list[str] = []
    with main.open("w", encoding="utf-8") as file:
        for choice in current_choices(work, plan):
            if choice.unit and not choice.is_done:
                top = space.top(choice.unit)
                if top not in besides:
                    besides[top] = _BesideWriter(work, top, len(besides))
                besides[top].add(choice)
            if choice.unit or choice.is_done or not choice.is_written:
                left_out.append(choice.item.path)
            else:
                has_main = True
                file.writelines(exact_lines("+", parents.above(choice)))
            if len(left_out) >= FOLDERS_REMEMBERED:
                file.writelines(exact_lines("-", left_out))
                left_out = []
        file.writelines(exact_lines("-", left_out))
    return Prepared(main, has_main, tuple(writer.finish() for writer in besides.values()))


class _BesideWriter:
    """Writes the pattern file of what is put beside other things on one file system."""

    def __init__(self, work: RestoreWork, top: Path, number: int) -> None:
        self._scratch = top / work.scratch_name
        self._patterns = work.folder / f"beside-{number}.patterns"
        self._paths: dict[str, None] = {}
        self._file = self._patterns.open("w", encoding="utf-8")

    def add(self, choice: Choice) -> None:
        """An item, and the folders between the path that is renamed and it."""
        depth = choice.item.path.count("/") - choice.place[len(choice.unit) :].count("/")
        parts = choice.item.path.split("/")
        for length in range(depth + 1, len(parts) + 1):
            self._paths["/".join(parts[:length])] = None
        if len(self._paths) >= FOLDERS_REMEMBERED:
            self._flush()

    def finish(self) -> Beside:
        self._flush()
        self._file.write(EXCLUDE_ALL)
        self._file.close()
        return Beside(self._scratch, self._patterns)

    def _flush(self) -> None:
        self._file.writelines(exact_lines("+", self._paths))
        self._paths = {}


class _Parents:
    """Finds the folders above what is written that are not at the target, so that they come back with their modes."""

    def __init__(self, target: Path, components: int) -> None:
        self._target = target
        self._components = components
        self._known: set[str] = set()

    def above(self, choice: Choice) -> Iterable[str]:
        """The stored paths of folders that were not given before."""
        found: list[str] = []
        parent = choice.item.path.rpartition("/")[0]
        while parent and parent not in self._known:
            if len(self._known) >= FOLDERS_REMEMBERED:
                self._known = set()
            self._known.add(parent)
            place = strip_path(parent, self._components)
            if place and not os.path.isdir(self._target / place):  # noqa: PTH112 - names may be any bytes
                found.append(parent)
            parent = parent.rpartition("/")[0]
        return found


__all__ = [
    "Beside",
    "Listed",
    "Prepared",
    "current_choices",
    "final_place",
    "fresh_choices",
    "look_at",
    "prepare_patterns",
]
