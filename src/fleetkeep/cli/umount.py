# SPDX-License-Identifier: GPL-3.0-or-later
"""``fleetkeep umount MOUNTPOINT``: ends a mount."""

from __future__ import annotations

from pathlib import Path

import click

from ._common import emit_json, json_option, paths, printable


@click.command(short_help="End a mount.")
@click.argument("mountpoint", metavar="MOUNTPOINT", type=click.Path(path_type=Path))
@json_option
def command(mountpoint: Path, as_json: bool) -> None:
    """End a mount at once and let go of its repository; programs that still read from it get errors."""
    from fleetkeep.agent.mount import end_mount

    place = end_mount(paths(), mountpoint.absolute())
    emit_json({"mountpoint": place}) if as_json else click.echo(f"Unmounted {printable(place)}.")


__all__ = ["command"]
