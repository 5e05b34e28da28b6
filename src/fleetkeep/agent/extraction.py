# SPDX-License-Identifier: GPL-3.0-or-later
"""One ``borg extract`` at work: its progress, its warnings, and what its end means."""

from __future__ import annotations

from collections.abc import Callable

from fleetkeep.borg.access import BorgAccess
from fleetkeep.borg.events import Event, LogMessage, ProgressPercent, clean_text
from fleetkeep.borg.failures import failure_of
from fleetkeep.borg.process import BorgResult, Cancellation
from fleetkeep.errors import BorgFailed, FleetkeepError, RestoreDamaged, RestoreStopped, StorageFull
from fleetkeep.model import FileWarning
from fleetkeep.plan.restore import RestorePlan
from fleetkeep.plan.words import render_bytes

from .cancel import StepCancellation

#: Called with the bytes that were written and all that will be.
Progress = Callable[[int, int], None]

WARNINGS_KEPT = 1000

#: Exact paths decide before the patterns that people write, so that these may match nothing although they chose much.
NEVER_MATCHED = "IncludePatternNeverMatchedWarning"

#: The part of Borg that says which locks of dead processes it removed: no path came back otherwise for that.
LOCKS = "borg.locking"

_NEVER_MATCHED_EXIT = 101
#: Borg's exit codes for data that is not what it was: it cannot go on past it, and neither can ``--resume``.
_DAMAGED = (90, 91, 92)
_NO_SPACE = ("[Errno 28]", "[Errno 122]")


class Extraction:
    """Listens to the extracts of one restore; the full disk, of which Borg itself only warns, ends them."""

    def __init__(
        self,
        on_progress: Progress | None = None,
        cancellation: Cancellation | None = None,
        *,
        ignored: frozenset[str] = frozenset(),
    ) -> None:
        self.cancellation = StepCancellation(cancellation)
        self.warnings: list[FileWarning] = []
        self.warning_count = 0
        self.is_full = False
        self.done_bytes = 0
        self._on_progress = on_progress
        self._ignored = ignored
        self.total_bytes = 0
        self._before = 0

    def take(self, event: Event) -> None:
        """One event of Borg."""
        if isinstance(event, ProgressPercent) and event.message_id == "extract" and event.total:
            self.done_bytes = self._before + event.current
            if self._on_progress is not None:
                self._on_progress(self.done_bytes, max(self.total_bytes, self._before + event.total))
        elif isinstance(event, LogMessage) and event.level == "WARNING" and self._is_about_content(event):
            self.warn(event.message, event.message_id)

    def _is_about_content(self, message: LogMessage) -> bool:
        return message.logger != LOCKS and message.message_id not in self._ignored

    def next_step(self) -> None:
        """Another extract begins; its progress is added to what was done."""
        self._before = self.done_bytes

    def warn(self, message: str, code: str = "", path: str = "") -> None:
        """Keep a warning; Borg writes the path before a colon."""
        self.warning_count += 1
        if not path:
            path, _, words = message.partition(": ")
            path, message = (path, words) if words else ("", message)
        if len(self.warnings) < WARNINGS_KEPT:
            self.warnings.append(FileWarning(path=path, message=message, code=code))
        if any(mark in message for mark in _NO_SPACE):
            self.is_full = True
            self.cancellation.cancel()

    def is_clean(self, result: BorgResult) -> bool:
        """Whether an extract that succeeded had nothing to complain about."""
        return result.exit_code == 0 or (result.exit_code == _NEVER_MATCHED_EXIT and NEVER_MATCHED in self._ignored)

    def failure(
        self, result: BorgResult, plan: RestorePlan, access: BorgAccess, count: Callable[[], str]
    ) -> FleetkeepError:
        """What went wrong, and how far the restore came; ``count`` says how much is whole."""
        done, total = render_bytes(self.done_bytes), render_bytes(plan.size_bytes)
        target = clean_text(plan.target)
        if self.is_full:
            return StorageFull(what=f"the restore ({count()})", location=target)
        if result.cancelled:
            reason = "It was cancelled."
        else:
            error = failure_of(result, "extract", plan.repository, access.location)
            if not isinstance(error, BorgFailed) and not self.done_bytes:
                return error
            reason = str(error)
        kind = RestoreDamaged if result.exit_code in _DAMAGED else RestoreStopped
        return kind(
            archive=plan.archive, repository=plan.repository, target=target, done=done, total=total, reason=reason
        )


__all__ = ["NEVER_MATCHED", "Extraction", "Progress"]
