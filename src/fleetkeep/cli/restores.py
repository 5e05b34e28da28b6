# SPDX-License-Identifier: GPL-3.0-or-later
"""``fleetkeep restores``: who restored what, when and where to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from ._common import emit_json, json_option
from ._record import record
from ._tables import colored, print_table, render_moment

if TYPE_CHECKING:
    from fleetkeep.model import Restoration

#: So many of the paths that were asked for are shown.
_PATHS_SHOWN = 3


@click.command(short_help="List restores: who, what, when, where to.", epilog="Exit status: 0 listed, 1 error.")
@click.option("--repository", metavar="NAME", help="Only from this repository.")
@click.option(
    "--limit", metavar="NUMBER", type=click.IntRange(1, 100_000), default=50, show_default=True, help="At most so many."
)
@json_option
def command(repository: str | None, limit: int, as_json: bool) -> None:
    """List the restores that were done on this host, the newest first, also those that were stopped on their way."""
    from fleetkeep.director.restorations import list_restorations

    with record() as catalog:
        found = list_restorations(catalog, repository=repository, limit=limit) if catalog else []
    if as_json:
        emit_json([one.model_dump(mode="json") for one in found])
    elif found:
        head = ("WHEN", "WHO", "RESULT", "FILES", "SIZE", "WHERE TO", "WHAT", "REPOSITORY", "ARCHIVE")
        print_table(head, map(_row, found))
    else:
        click.echo("Nothing was restored yet; `fleetkeep restore` brings files back.")


def _row(one: Restoration) -> Sequence[object]:
    from fleetkeep.plan.words import render_bytes

    asked = ", ".join(one.asked[:_PATHS_SHOWN]) + (" and more" if len(one.asked) > _PATHS_SHOWN else "")
    return (
        render_moment(one.finished_at),
        one.user,
        colored(one.outcome),
        f"{one.files:,}",
        render_bytes(one.size_bytes),
        {"/": "the original place", "-": "standard output"}.get(one.target, one.target),
        asked or "all",
        one.repository,
        one.archive_name,
    )


__all__ = ["command"]
