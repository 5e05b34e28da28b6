# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands around a run."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from pydantic import Field, model_validator

from .base import Duration, Model


class Hook(Model):
    """One command, as a list of arguments; no shell reads it."""

    command: tuple[str, ...] = Field(min_length=1)
    """Program and arguments, such as `[systemctl, stop, app]`."""

    timeout: Duration = timedelta(minutes=5)
    """The command and all its children are ended after this time, and the hook has failed."""

    @model_validator(mode="before")
    @classmethod
    def _from_list(cls, value: Any) -> Any:
        return {"command": value} if isinstance(value, (list, tuple)) else value


class Hooks(Model):
    """Commands before, after and on error of a run."""

    before: tuple[Hook, ...] = ()
    """Run in order before the first archive; the first that fails ends the run."""

    after: tuple[Hook, ...] = ()
    """Always run at the end, whatever happened."""

    on_error: tuple[Hook, ...] = ()
    """Run when the run failed, before `after`."""


__all__ = ["Hook", "Hooks"]
