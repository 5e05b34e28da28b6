# SPDX-License-Identifier: GPL-3.0-or-later
"""How the verbs about keys take a secret in, and how they have what they did recorded."""

from __future__ import annotations

import sys
from contextlib import closing
from typing import TYPE_CHECKING

import click

from fleetkeep.clock import SystemClock
from fleetkeep.errors import HostProblem

from ._common import embedded_director, paths

if TYPE_CHECKING:
    from fleetkeep.link import Message

LARGEST_BYTES = 1 << 16


def read_secret(source: str | None) -> str | None:
    """The passphrase in a file, or on standard input for ``-``; of the line end it is freed, as Borg does.

    ``None`` where no source was named. Raises ``HostProblem``, never with the content.
    """
    if source is None:
        return None
    try:
        if source == "-":
            content = sys.stdin.buffer.read(LARGEST_BYTES)
        else:
            with open(source, "rb") as file:  # noqa: PTH123 - the name stays as it was written
                content = file.read(LARGEST_BYTES)
        return content.decode().rstrip("\r\n")
    except OSError as error:
        raise HostProblem(what=source, reason=error.strerror or error) from None
    except UnicodeDecodeError:
        raise HostProblem(what=source, reason="it is no text in UTF-8") from None


def tell(client: str, message: Message) -> None:
    """Record what was done here; where that cannot be, say so, and go on."""
    from fleetkeep.agent.ledger import Ledger

    with closing(Ledger(paths().spool, embedded_director(), client, SystemClock())) as ledger:
        ledger.tell(message)
        if ledger.problem:
            click.echo(f"It is not recorded yet: {ledger.problem}", err=True)


__all__ = ["read_secret", "tell"]
