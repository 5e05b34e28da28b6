# SPDX-License-Identifier: GPL-3.0-or-later
"""Ctrl-C and SIGTERM as a wish that the work at hand obeys, instead of an exception in the middle of it."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import click

from fleetkeep.borg.process import Cancellation
from fleetkeep.errors import FleetkeepError

#: The exit status of a verb that was cancelled, as shells have it for Ctrl-C.
CANCELLED = 130

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def cancelled_by_signals() -> Iterator[Cancellation]:
    """A cancellation that signals express for the length of a ``with`` block.

    An error that ends the block after that is printed, and the verb ends with the status ``CANCELLED``.
    """
    from .main import print_error

    cancellation = Cancellation()

    def cancel(number: int, frame: FrameType | None) -> None:
        cancellation.cancel()

    before = {number: signal.signal(number, cancel) for number in _SIGNALS}
    try:
        yield cancellation
    except FleetkeepError as error:
        if not cancellation.is_cancelled:
            raise
        print_error(error)
        raise click.exceptions.Exit(CANCELLED) from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


__all__ = ["CANCELLED", "cancelled_by_signals"]
