# SPDX-License-Identifier: GPL-3.0-or-later
"""What a drill proved: the verdict from its findings, and its words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from statistics import median

from fleetkeep.model import AssertionResult, Drill, DrillFile, DrillKind, Outcome, Point, SizeRatio, SizeReference

from .sample import Sample
from .words import render_bytes, render_count

#: So many paths are named in a reason.
PATHS_NAMED = 3

#: The usual size is the median of so many archives.
ARCHIVES_COMPARED = 5

#: So many files are kept in the record of a drill.
FILES_KEPT = 1000


def judge_drill(
    point: Point,
    sample: Sample,
    files: Sequence[DrillFile],
    trouble: str = "",
    show: Callable[[str], str] = str,
    assertions: Sequence[AssertionResult] = (),
) -> tuple[Outcome, str]:
    """The verdict, and why it is not ``succeeded``. Proof is only what was restored and found equal.

    Arguments:
        point: The archive as it was recorded when it was made.
        sample: What was listed and chosen.
        files: What was restored, or could not be, and compared.
        trouble: Why the drill could not be carried through; empty when it was.
        show: Makes a path safe to print.
        assertions: What was declared to hold, and what came of it.
    """
    reasons = [trouble] if trouble else [*_doubts(point, sample, files, show), *_broken_assertions(assertions)]
    return (Outcome.FAILED, " ".join(reasons)) if reasons else (Outcome.SUCCEEDED, "")


def is_recorded(point: Point, sample: Sample) -> bool:
    """Whether the archive that was listed is the one that was recorded."""
    return sample.archive_id in ("", point.archive.id)


def expected_files(point: Point) -> int:
    """How many files the archive must hold to be the whole of what was recorded.

    A repair can leave an archive empty while every check of Borg still passes, so the count of the receipt is
    compared. Where Borg warned, files that it counted may be missing; then half must be there.
    """
    return point.archive.files if point.outcome is Outcome.SUCCEEDED else (point.archive.files + 1) // 2


def _doubts(point: Point, sample: Sample, files: Sequence[DrillFile], show: Callable[[str], str]) -> Iterator[str]:
    if not is_recorded(point, sample):
        yield f"The archive is not the one that was recorded: its id is {sample.archive_id}, not {point.archive.id}."
        return
    if sample.population < expected_files(point):
        held = render_count(sample.population, "file")
        yield f"It holds {held}, but {point.archive.files:,} were recorded when it was made."
    if sample.broken_count:
        yield f"A repair replaced lost content with zeros in {_named(sample.broken_count, sample.broken, show)}."
    wrong = [file for file in files if not file.matches]
    lost = [file.path for file in wrong if not file.sha256]
    for kind, words in (
        (DrillKind.LIVE, "differ from the live source, whose size and time are the same"),
        (DrillKind.ARCHIVE, "differ from the archive's own hash"),
    ):
        paths = [file.path for file in wrong if file.sha256 and file.compared_with is kind]
        if paths:
            yield f"Of {len(files):,} restored files, {_named(len(paths), paths, show)} {words}."
    if lost:
        yield f"Of {len(files):,} files, {_named(len(lost), lost, show)} could not be restored whole."
    if not files:
        yield "It holds no file that could be restored, so nothing is proven."


def _broken_assertions(assertions: Sequence[AssertionResult]) -> Iterator[str]:
    broken = [result for result in assertions if not result.holds]
    if broken:
        verb = "does" if len(broken) == 1 else "do"
        first = f"{broken[0].assertion}: {broken[0].found}"
        yield f"Of {render_count(len(assertions), 'assertion')}, {len(broken)} {verb} not hold ({first.rstrip('.')})."


def _named(count: int, paths: Sequence[str], show: Callable[[str], str]) -> str:
    """A count with the first paths.

    >>> _named(5, ["a", "b", "c", "d"], str)
    '5 (a, b, c and more)'
    """
    shown = ", ".join(show(path) for path in paths[:PATHS_NAMED])
    return f"{count:,} ({shown}{' and more' if count > PATHS_NAMED else ''})"


def judge_size(
    rule: SizeRatio, point: Point, earlier: Sequence[Point], show: Callable[[str], str] = str
) -> tuple[bool, str]:
    """Whether an archive is about as large as is usual, and what was found.

    Arguments:
        rule: The limits, and what is usual.
        point: The archive.
        earlier: The archives of its job in its repository before it that ended well, deleted or not, the newest first.
        show: Makes a name safe to print.
    """
    sized = [other for other in earlier if other.archive.original_bytes]
    proven = [other for other in sized if other.proven_at is not None][:ARCHIVES_COMPARED]
    if not sized:
        return True, "There is no archive before it to compare with."
    if rule.compared_with is SizeReference.PREVIOUS or not proven:
        usual: float = sized[0].archive.original_bytes
        words = f"the size of {show(sized[0].archive.name)}"
        if rule.compared_with is SizeReference.PROVEN:
            words += ", as none before it was proven"
    else:
        usual = median(other.archive.original_bytes for other in proven)
        words = (
            f"the usual size, {render_bytes(round(usual))} in {render_count(len(proven), 'proven archive')} before it"
        )
    ratio = point.archive.original_bytes / usual
    holds = (rule.min is None or ratio >= rule.min) and (rule.max is None or ratio <= rule.max)
    return holds, f"It is {ratio:.2f} times {words}."


def order_files(files: Sequence[DrillFile]) -> tuple[DrillFile, ...]:
    """The files as a record keeps them: what did not match first."""
    return tuple(sorted(files, key=lambda file: file.matches))[:FILES_KEPT]


def render_drill(drill: Drill, show: Callable[[str], str] = str) -> str:
    """A drill as text for people; ``show`` makes a path safe to print."""
    live = sum(file.matches and file.compared_with is DrillKind.LIVE for file in drill.files)
    archive = sum(file.matches and file.compared_with is DrillKind.ARCHIVE for file in drill.files)
    wrong = [file for file in drill.files if not file.matches]
    verdict = "proven" if drill.outcome is Outcome.SUCCEEDED else "NOT proven"
    lines = [
        f"{verdict}: {drill.sample_size:,} of {drill.population:,} files restored and compared, "
        f"{live:,} with the live source, {archive:,} with the archive; {len(wrong):,} differ"
    ]
    if drill.reason:
        lines.append(f"  {show(drill.reason)}")
    lines += [f"  {_mark(file)} {show(file.path)}" for file in wrong]
    for result in drill.assertions:
        lines.append(f"  {'holds' if result.holds else 'BROKEN'} {show(result.assertion)}: {show(result.found)}")
    if drill.left_out:
        lines.append(f"  {render_count(drill.left_out, 'file')} could not be chosen: no listing can carry the name")
    lines.append(
        f"  archive {show(drill.archive_name)} in {drill.repository}, {render_bytes(drill.sample_bytes)} restored, "
        f"seed {show(drill.seed)}"
    )
    return "\n".join(lines)


def _mark(file: DrillFile) -> str:
    return "differs" if file.sha256 else "missing"


__all__ = ["FILES_KEPT", "expected_files", "is_recorded", "judge_drill", "judge_size", "order_files", "render_drill"]
