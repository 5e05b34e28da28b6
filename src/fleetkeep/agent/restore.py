# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings paths of an archive back: ask for consent where something is overwritten, extract, look at what lies there.

The archive is hostile input: what is written is confined by Borg to the target (1.4.5 or newer), and its names reach
people only with control characters escaped.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fleetkeep.borg.access import BorgAccess
from fleetkeep.borg.command import extract_arguments
from fleetkeep.borg.events import clean_text
from fleetkeep.borg.process import Cancellation, run_borg
from fleetkeep.clock import Clock
from fleetkeep.errors import (
    FleetkeepError,
    RestoreNeedsConsent,
    RestoreTargetHoldsFiles,
    RestoreTargetUnusable,
    SpaceTooSmall,
)
from fleetkeep.model import FileWarning, OnConflict, Outcome, OwnerRule
from fleetkeep.model.base import Model
from fleetkeep.plan.restore import RestoreAction, RestoreForm, RestorePlan, diff_item
from fleetkeep.plan.restore_choice import Choice
from fleetkeep.plan.words import render_bytes

from .disk import DiskView
from .extraction import NEVER_MATCHED, Extraction, Progress
from .restore_beside import move_beside, scratch_beside
from .restore_choices import Listed, fresh_choices, look_at, prepare_patterns
from .restore_plan import ORIGINAL_PLACE, check_target, look_up_archive, make_selection, plan_restore
from .restore_report import Proof, open_report, prove_restore
from .restore_work import RestoreWork, open_work, remember_pace


class RestoreResult(Model):
    """What a restore did."""

    archive: str
    """The archive it restored from."""

    repository: str
    """The repository that holds it."""

    target: str
    """The folder below which everything lies now; ``/`` for the original place, and for a stream its file or ``-``."""

    form: RestoreForm = RestoreForm.FOLDER
    """What it made."""

    sha256: str = ""
    """Of a stream, the hash of all that was written."""

    outcome: Outcome
    """`succeeded`; `warning` when some paths could not be restored as they were; `failed` when some differ from the
    archive."""

    items: int
    """How many things it was to write."""

    files: int
    """How many of them are regular files."""

    size_bytes: int
    """The size of their content."""

    overwritten: int = 0
    """How many paths held something before."""

    renamed: int = 0
    """How many things were put beside others under another name."""

    kept: int = 0
    """How many paths were not restored because something else is there."""

    done_files: int = 0
    """How many files an interrupted restore had written already."""

    hashed: int = 0
    """How many files were read again for the report."""

    compared: int = 0
    """How many of them were compared with the archive's own content."""

    differing: int = 0
    """How many differ from it."""

    missing: int = 0
    """How many things are not there in the end."""

    warnings: tuple[FileWarning, ...] = ()
    """What Borg warned about, the first 1,000."""

    warning_count: int = 0
    """How many warnings there were in all."""

    duration_seconds: float = 0.0
    """How long it took."""


def check_consent(plan: RestorePlan, *, consent: bool) -> None:
    """Refuse to overwrite anything, or to write to the original place, without consent.

    Raises RestoreNeedsConsent, RestoreTargetHoldsFiles.
    """
    if consent:
        return
    if Path(plan.target) == ORIGINAL_PLACE:
        raise RestoreNeedsConsent(count=f"{plan.overwritten:,}")
    if plan.overwritten:
        raise RestoreTargetHoldsFiles(target=plan.target, count=f"{plan.overwritten:,}")


def check_space(plan: RestorePlan) -> None:
    """Refuse what cannot fit. Raises SpaceTooSmall."""
    for space in plan.spaces:
        if space.is_short:
            raise SpaceTooSmall(
                folder=clean_text(space.folder),
                free=render_bytes(space.free_bytes or 0),
                needed=render_bytes(space.needed_bytes),
            )


def run_restore(
    access: BorgAccess,
    plan: RestorePlan,
    clock: Clock,
    *,
    consent: bool = False,
    ignore_space: bool = False,
    work: Path | None = None,
    report: Path | None = None,
    verify: bool = False,
    on_progress: Progress | None = None,
    cancellation: Cancellation | None = None,
) -> RestoreResult:
    """Carry out a plan.

    Arguments:
        access: How to reach the repository.
        plan: What ``plan_restore`` decided.
        clock: For the time it takes.
        consent: Whether a person agreed that things are overwritten.
        ignore_space: Try also what seems not to fit.
        work: The folder in which a restore that is not finished keeps its choices; without it, only one that
            overwrites everything can be resumed.
        report: A new file that takes a JSON line for each path, with its hash.
        verify: Compare what lies on the disk with the archive's own content.
        on_progress: Told how far it is.
        cancellation: Stops within two seconds when somebody asks to; what was written stays.

    Raises RestoreNeedsConsent, RestoreTargetHoldsFiles, SpaceTooSmall, RestoreTargetUnusable, RestoreRunning,
    ReportRefused, StorageFull, RestoreStopped.
    """
    check_consent(plan, consent=consent)
    if not ignore_space:
        check_space(plan)
    began = clock.monotonic()
    restore = _Restore(access, plan, on_progress, cancellation)
    proof = Proof()
    with open_report(report) as lines:
        _make_target(Path(plan.target))
        if _is_plain(plan) and report is None and not verify:
            restore.extract_plain()
        else:
            with open_work(work, plan, clock) as folder:
                restore.extract_chosen(folder, clock)
                lines.write(archive=plan.archive, archive_id=plan.archive_id, target=plan.target)
                proof = prove_restore(access, plan, folder, lines, verify=verify, cancellation=cancellation)
        result = restore.result(proof, round(clock.monotonic() - began, 3))
        lines.write(result=result.model_dump(mode="json"))
    remember_pace(work, plan.repository, plan.size_bytes, result.duration_seconds)
    return result


class _Restore:
    """One restore at work."""

    def __init__(
        self,
        access: BorgAccess,
        plan: RestorePlan,
        on_progress: Progress | None,
        cancellation: Cancellation | None,
    ) -> None:
        self._access = access
        self._plan = plan
        self._whole = cancellation
        self._is_clean = True
        ignored: frozenset[str] = frozenset() if _is_plain(plan) else frozenset({NEVER_MATCHED})
        self._extraction = Extraction(on_progress, cancellation, ignored=ignored)

    def extract_plain(self) -> None:
        """Everything goes to its own place, in place of what is there. Raises StorageFull, RestoreStopped."""
        target = Path(self._plan.target)
        parents = _missing_parents(self._plan.paths, target)
        self._extract(target, [f"pp:{path}" for path in self._plan.paths] + parents)

    def extract_chosen(self, work: RestoreWork, clock: Clock) -> None:
        """Each item as was chosen for it; what was chosen before an interruption stands.

        Raises StorageFull, RestoreStopped, RestoreTargetUnusable, and as ``fresh_choices``.
        """
        plan = self._plan
        if not work.is_begun:
            work.store(fresh_choices(self._access, plan, Listed(), self._whole), clock.now())
        prepared = prepare_patterns(work, plan)
        self._extraction.total_bytes = plan.size_bytes if prepared.besides else 0
        if prepared.has_main:
            paths = [*(f"pp:{path}" for path in plan.paths), *plan.patterns]
            self._extract(Path(plan.target), paths, prepared.patterns, plan.excludes)
        for beside in prepared.besides:
            self._extraction.next_step()
            try:
                with scratch_beside(beside) as scratch:
                    self._extract(scratch, [], beside.patterns)
                    move_beside(work, plan, scratch, self._warn)
            except OSError as error:
                where = clean_text(str(beside.scratch.parent))
                raise RestoreTargetUnusable(target=where, reason=_words(error)) from None

    def result(self, proof: Proof, seconds: float) -> RestoreResult:
        """What became of it."""
        plan, extraction = self._plan, self._extraction
        if proof.strangers:
            self._warn("", f"{proof.strangers:,} could not be given to this user")
        is_imperfect = extraction.warning_count or proof.missing or not self._is_clean
        outcome = Outcome.WARNING if is_imperfect else Outcome.SUCCEEDED
        return RestoreResult(
            archive=plan.archive,
            repository=plan.repository,
            target=plan.target,
            outcome=Outcome.FAILED if proof.differing else outcome,
            items=plan.items,
            files=plan.files,
            size_bytes=plan.size_bytes,
            overwritten=plan.overwritten,
            renamed=plan.counts.get(RestoreAction.RENAME, 0),
            kept=plan.counts.get(RestoreAction.KEEP, 0),
            done_files=plan.done_files,
            hashed=proof.hashed,
            compared=proof.compared,
            differing=proof.differing,
            missing=proof.missing,
            warnings=tuple(extraction.warnings),
            warning_count=extraction.warning_count,
            duration_seconds=seconds,
        )

    def _extract(
        self, folder: Path, paths: Sequence[str], patterns_file: Path | None = None, excludes: Sequence[str] = ()
    ) -> None:
        manner = self._plan.manner
        result = run_borg(
            self._access,
            extract_arguments(
                self._access.location,
                self._plan.archive,
                paths,
                excludes=excludes,
                patterns_file=str(patterns_file or ""),
                strip_components=manner.strip_components,
                sparse=manner.sparse,
                numeric_ids=manner.owner is OwnerRule.NUMERIC,
                flags=manner.flags,
                acls=manner.acls,
                xattrs=manner.xattrs,
            ),
            on_event=self._extraction.take,
            cancellation=self._extraction.cancellation,
            working_directory=folder,
        )
        if not result.is_success:
            raise self._extraction.failure(result, self._plan, self._access, self._count_whole)
        self._is_clean &= self._extraction.is_clean(result)

    def _warn(self, path: str, reason: str) -> None:
        self._extraction.warn(reason, path=path)

    def _count_whole(self) -> str:
        """How many files are whole at the target, in words; Borg counts content that it could not write too."""
        view, whole, plan = DiskView(Path(self._plan.target)), 0, self._plan
        try:
            for choice in fresh_choices(self._access, plan, Listed(), self._whole):
                whole += choice.item.kind == "-" and _is_same(choice, view)
        except FleetkeepError:
            return "nobody could count what is there"
        return f"{whole:,} of {plan.files + plan.done_files:,} files are there"


def _is_plain(plan: RestorePlan) -> bool:
    """Whether Borg's own arguments say it all, so that nothing has to be chosen item by item."""
    is_all_written = plan.manner.on_conflict is OnConflict.OVERWRITE and not plan.resume
    is_named = not plan.patterns and not plan.excludes and not plan.manner.strip_components
    return is_all_written and is_named and plan.manner.owner is not OwnerRule.NONE


def _is_same(choice: Choice, view: DiskView) -> bool:
    return diff_item(choice.item, look_at(view, choice.item, choice.place)).action is RestoreAction.SAME


def _make_target(target: Path) -> None:
    """A new target is closed to others: what an archive holds may be secret."""
    try:
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise RestoreTargetUnusable(target=clean_text(str(target)), reason=_words(error)) from None


def _missing_parents(paths: Sequence[str], target: Path) -> list[str]:
    """Patterns of the folders above the paths that are not at the target, so that they come back with their modes."""
    parents = dict.fromkeys(str(parent) for path in paths for parent in reversed(Path(path).parents[:-1]))
    return [f"pf:{parent}" for parent in parents if not (target / parent).is_dir()]


def _words(error: BaseException) -> str:
    return getattr(error, "strerror", None) or str(error)


__all__ = [
    "ORIGINAL_PLACE",
    "Progress",
    "RestoreResult",
    "check_consent",
    "check_space",
    "check_target",
    "look_up_archive",
    "make_selection",
    "plan_restore",
    "run_restore",
]
