# SPDX-License-Identifier: GPL-3.0-or-later
"""A wish to stop one step of a larger undertaking."""

from __future__ import annotations

from fleetkeep.borg.process import Cancellation


class StepCancellation(Cancellation):
    """Ends one step: when it is asked to, or when the undertaking is cancelled."""

    def __init__(self, undertaking: Cancellation | None = None) -> None:
        super().__init__()
        self._undertaking = undertaking

    @property
    def is_cancelled(self) -> bool:
        """Whether somebody asked to stop this step or the whole."""
        return super().is_cancelled or self.is_whole_cancelled

    @property
    def is_whole_cancelled(self) -> bool:
        """Whether somebody asked to stop the whole undertaking."""
        return self._undertaking is not None and self._undertaking.is_cancelled


__all__ = ["StepCancellation"]
