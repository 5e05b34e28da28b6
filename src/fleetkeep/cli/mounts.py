# SPDX-License-Identifier: GPL-3.0-or-later
"""``fleetkeep mounts``: what is mounted."""

from __future__ import annotations

import click

from fleetkeep.clock import SystemClock

from ._common import emit_json, json_option, paths
from ._tables import print_table, render_moment


@click.command(short_help="List what is mounted, and why mounts ended.")
@json_option
def command(as_json: bool) -> None:
    """List the mounts of this host, with those that ended within the last day and why.

    A mount that was left, because its keeper was killed, may hold up backups: `fleetkeep umount` ends it.
    """
    from fleetkeep.agent.mounts import list_mounts

    mounts = list_mounts(paths(), SystemClock())
    if as_json:
        emit_json([mount.model_dump(mode="json") for mount in mounts])
    elif mounts:
        rows = (
            (
                mount.state.value,
                mount.mountpoint,
                mount.repository,
                mount.archive or "all",
                render_moment(mount.began_at),
                render_moment(mount.ends_at),
                mount.reason or "-",
            )
            for mount in mounts
        )
        print_table(["STATE", "AT", "REPOSITORY", "ARCHIVE", "SINCE", "UNTIL", "ENDED BECAUSE"], rows)
    else:
        click.echo("Nothing is mounted.")


__all__ = ["command"]
