# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks at an archive and at the target, and says what a restore would do; nothing is written."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from itertools import islice
from pathlib import Path

from fleetkeep.borg.access import BorgAccess
from fleetkeep.borg.command import list_arguments
from fleetkeep.borg.events import clean_text
from fleetkeep.borg.failures import failure_of
from fleetkeep.borg.patterns import parse_pattern
from fleetkeep.borg.process import Cancellation, run_borg
from fleetkeep.clock import UTC
from fleetkeep.errors import (
    Cancelled,
    NothingMatches,
    NothingToResume,
    NotOneFile,
    PathNotInArchive,
    PathRefused,
    PatternRefused,
    RestoreTargetUnusable,
    RestoreUnfinished,
    UnknownArchive,
)
from fleetkeep.model import ArchiveFacts, OnConflict, RestoreManner, Selection
from fleetkeep.plan.restore import PATHS_SHOWN, RestoreAction, RestoreForm, RestorePlan, Tally, normalize_paths
from fleetkeep.plan.restore_choice import Choice, is_restored

from .disk import DiskView
from .items import stream_items
from .restore_choices import Listed, current_choices, fresh_choices, look_at
from .restore_work import RestoreWork, find_work, known_pace
from .space import SpaceTally, free_bytes

ORIGINAL_PLACE = Path("/")

#: So much of an archive's id is enough to name it.
ID_LETTERS = 6


def look_up_archive(
    access: BorgAccess, repository: str, wanted: str, *, cancellation: Cancellation | None = None
) -> ArchiveFacts:
    """An archive as its repository lists it, for a host whose catalog does not know it (any more).

    Arguments:
        access: How to reach the repository.
        repository: Its declared name.
        wanted: The archive's name, or enough of the beginning of its id.
        cancellation: Stops when somebody asks to.

    Raises UnknownArchive, Cancelled, and the errors of a repository that cannot be read.
    """
    result = run_borg(access, list_arguments(access.location), cancellation=cancellation)
    if result.cancelled:
        raise Cancelled(what="The listing")
    if not result.is_success:
        raise failure_of(result, "list", repository, access.location)
    content = json.loads(result.stdout)
    listed = content["archives"]
    found = [entry for entry in listed if entry["name"] == wanted] or [
        entry for entry in listed if len(wanted) >= ID_LETTERS and entry["id"].startswith(wanted)
    ]
    if len(found) != 1:
        raise UnknownArchive(archive=clean_text(wanted))
    when = datetime.fromisoformat(found[0]["start"]).replace(tzinfo=UTC)
    return ArchiveFacts(
        id=found[0]["id"],
        name=found[0]["name"],
        repository=repository,
        repository_id=content["repository"]["id"],
        started_at=when,
        finished_at=when,
        files=0,
        original_bytes=0,
        compressed_bytes=0,
        deduplicated_bytes=0,
    )


def plan_restore(
    access: BorgAccess,
    archive: ArchiveFacts,
    paths: Sequence[str],
    target: Path,
    *,
    patterns: Sequence[str] = (),
    excludes: Sequence[str] = (),
    manner: RestoreManner | None = None,
    resume: bool | None = False,
    afresh: bool = False,
    work: Path | None = None,
    show: int | None = PATHS_SHOWN,
    cancellation: Cancellation | None = None,
) -> RestorePlan:
    """What restoring would do; nothing is written.

    Arguments:
        access: How to reach the repository.
        archive: The archive, as it was recorded.
        paths: What to restore, with or without a leading slash; neither paths nor patterns mean all.
        target: The folder below which it goes; ``/`` is the original place. It need not exist.
        patterns: Borg patterns that include more.
        excludes: Borg patterns that win over paths and patterns.
        manner: How it is written.
        resume: Finish a restore that was interrupted, leaving what it has written; ``None`` if there is one.
        afresh: Forget a restore with the same words that was interrupted.
        work: The folder in which restores that are not finished keep their choices.
        show: How many paths of each action the plan names; ``None`` for all, which needs memory for them.
        cancellation: Stops when somebody asks to.

    Raises PathRefused, PatternRefused, PathNotInArchive, NothingMatches, PathsCollide, RestoreTargetUnusable,
    ArchiveReplaced, RestoreUnfinished, NothingToResume, Cancelled, and the errors of a repository that cannot be read.
    """
    selection = make_selection(paths, patterns, excludes)
    plan = RestorePlan(
        archive=archive.name,
        archive_id=archive.id,
        repository=archive.repository,
        target=str(check_target(target)),
        **selection.model_dump(),
        manner=manner or RestoreManner(),
        resume=bool(resume),
    )
    unfinished = find_work(work, plan)
    if resume is None and unfinished is not None:
        plan = plan.model_copy(update={"resume": True})
    _check_resume(plan, unfinished, afresh=afresh)
    if unfinished is not None and plan.resume:
        return _count(plan, current_choices(unfinished, plan), Listed(), show)
    listed = Listed()
    choices = fresh_choices(access, plan, listed, cancellation)
    if plan.resume:
        choices = _marked(choices, DiskView(Path(plan.target)))
    plan = _count(plan, choices, listed, show)
    _check_paths(plan, listed)
    _check_patterns(access, plan, cancellation)
    pace = known_pace(work, archive.repository)
    return plan.model_copy(update={"seconds": plan.size_bytes / pace}) if pace else plan


def plan_stream(
    access: BorgAccess,
    archive: ArchiveFacts,
    selection: Selection,
    form: RestoreForm,
    *,
    strip_components: int = 0,
    show: int | None = PATHS_SHOWN,
    cancellation: Cancellation | None = None,
) -> RestorePlan:
    """What a stream of a part of an archive would hold; nothing is written.

    Arguments:
        access: How to reach the repository.
        archive: The archive, as it was recorded.
        selection: Which part of it, as ``make_selection`` gives it.
        form: A tar or zip stream, or the content of one file.
        strip_components: How many leading folders are taken off each path.
        show: How many paths the plan names; ``None`` for all.
        cancellation: Stops when somebody asks to.

    Raises PathNotInArchive, NothingMatches, PathsCollide, NotOneFile, ArchiveReplaced, Cancelled, and the errors of a
    repository that cannot be read.
    """
    plan = RestorePlan(
        archive=archive.name,
        archive_id=archive.id,
        repository=archive.repository,
        target="",
        form=form,
        **selection.model_dump(),
        manner=RestoreManner(strip_components=strip_components),
    )
    listed = Listed()
    choices = fresh_choices(access, plan, listed, cancellation)
    is_file = form is RestoreForm.FILE
    plan = _plan_file(plan, choices, listed) if is_file else _count(plan, choices, listed, show)
    _check_paths(plan, listed)
    _check_patterns(access, plan, cancellation)
    return plan


def _plan_file(plan: RestorePlan, choices: Iterator[Choice], listed: Listed) -> RestorePlan:
    """The plan of one file; of a further name, that of the first: of the further one Borg writes nothing to a pipe."""
    found = list(islice(choices, 2))
    if not found and listed.missing:
        return plan
    if len(found) != 1 or found[0].item.kind != "-":
        asked = ", ".join((*plan.paths, *plan.patterns)) or "The whole archive"
        raise NotOneFile(what=clean_text(asked), archive=plan.archive)
    item = found[0].item
    exact = Selection(paths=(item.first_name or item.link_target or item.path,))
    update = {**exact.model_dump(), "items": 1, "files": 1, "size_bytes": item.size_bytes}
    return plan.model_copy(update={**update, "counts": {RestoreAction.CREATE: 1}, "changes": (found[0].change,)})


def make_selection(paths: Sequence[str], patterns: Sequence[str] = (), excludes: Sequence[str] = ()) -> Selection:
    """Which part of an archive is meant, from what a person wrote. Raises PathRefused, PatternRefused."""
    stored = _stored_paths(paths)
    if patterns and paths and not stored:
        patterns = ()
    return Selection(paths=stored, patterns=_parse_patterns(patterns), excludes=_parse_patterns(excludes))


def check_target(target: Path) -> Path:
    """The real place of a target that can take a restore; it need not exist. Raises RestoreTargetUnusable."""
    try:
        place = target.resolve()
        nearest = next(folder for folder in (place, *place.parents) if folder.exists())
    except (OSError, RuntimeError) as error:
        raise RestoreTargetUnusable(target=clean_text(str(target)), reason=_words(error)) from None
    if not nearest.is_dir():
        what = "it is" if nearest == place else f"{clean_text(str(nearest))} is"
        raise RestoreTargetUnusable(target=clean_text(str(target)), reason=f"{what} not a directory")
    if place != ORIGINAL_PLACE and not os.access(nearest, os.W_OK | os.X_OK):
        raise RestoreTargetUnusable(target=clean_text(str(target)), reason="it is not writable for this user")
    return place


def _marked(choices: Iterable[Choice], view: DiskView) -> Iterator[Choice]:
    for choice in choices:
        yield replace(choice, is_done=is_restored(choice, look_at(view, choice.item, choice.place)))


def _count(plan: RestorePlan, choices: Iterable[Choice], listed: Listed, show: int | None) -> RestorePlan:
    """The plan with what the choices add up to."""
    tally, space, view = Tally(show), SpaceTally(Path(plan.target)), DiskView(Path(plan.target))
    is_folder = plan.form is RestoreForm.FOLDER
    for choice in choices:
        tally.add(choice.item, choice.change, is_written=choice.is_written, is_done=choice.is_done)
        if is_folder and choice.is_written and not choice.is_done and choice.item.kind == "-":
            there = look_at(view, choice.item, choice.place) if choice.action is RestoreAction.OVERWRITE else None
            space.add(choice.place, choice.item.size_bytes - (there.size_bytes if there else 0))
    return plan.model_copy(
        update={
            "items": tally.items,
            "files": tally.files,
            "size_bytes": tally.size_bytes,
            "done_files": tally.done_files,
            "done_bytes": tally.done_bytes,
            "stripped": listed.stripped,
            "free_bytes": free_bytes(Path(plan.target)) if is_folder else None,
            "spaces": space.spaces(),
            "counts": tally.counts,
            "changes": tally.changes,
        }
    )


def _check_resume(plan: RestorePlan, unfinished: RestoreWork | None, *, afresh: bool) -> None:
    """Refuse to take half a restore for what was there before. Raises RestoreUnfinished, NothingToResume."""
    overwrites = plan.manner.on_conflict is OnConflict.OVERWRITE
    if unfinished is None and plan.resume and not overwrites:
        raise NothingToResume
    if unfinished is not None and not (plan.resume or afresh or overwrites):
        moment = f"{unfinished.began_at:%Y-%m-%d %H:%M} UTC"
        raise RestoreUnfinished(moment=moment, target=clean_text(plan.target))


def _check_paths(plan: RestorePlan, listed: Listed) -> None:
    for path in sorted(listed.missing):
        raise PathNotInArchive(archive=plan.archive, path=clean_text(path))


def _check_patterns(access: BorgAccess, plan: RestorePlan, cancellation: Cancellation | None) -> None:
    """Each pattern matches something, as Borg matches it. Raises NothingMatches."""
    total = plan.items + plan.done_files + sum(plan.counts.values())
    if plan.patterns and not total:
        raise NothingMatches(archive=plan.archive, pattern=clean_text(", ".join(plan.patterns)))
    if len(plan.paths) + len(plan.patterns) < 2:
        return
    for pattern in plan.patterns:
        found = stream_items(access, plan.repository, plan.archive, patterns=[pattern], cancellation=cancellation)
        with closing(found):
            if next(found, None) is None:
                raise NothingMatches(archive=plan.archive, pattern=clean_text(pattern))


def _parse_patterns(patterns: Sequence[str]) -> tuple[str, ...]:
    parsed = []
    for pattern in patterns:
        try:
            parsed.append(parse_pattern(pattern))
        except ValueError as error:
            raise PatternRefused(pattern=clean_text(pattern) or "An empty text", reason=error) from None
    return tuple(parsed)


def _stored_paths(paths: Sequence[str]) -> tuple[str, ...]:
    try:
        return normalize_paths(paths)
    except ValueError as error:
        raise PathRefused(path=clean_text(str(error)) or "An empty name") from None


def _words(error: BaseException) -> str:
    return getattr(error, "strerror", None) or str(error)


__all__ = ["ORIGINAL_PLACE", "check_target", "look_up_archive", "make_selection", "plan_restore", "plan_stream"]
