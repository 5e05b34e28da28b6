# SPDX-License-Identifier: GPL-3.0-or-later
"""``fleetkeep key``: changes passphrases and exports keys."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from fleetkeep.clock import SystemClock

from ._common import embedded_director, emit_json, json_option, paths, printable
from ._points import access_to
from ._record import record
from ._secrets import read_secret

if TYPE_CHECKING:
    from fleetkeep.agent.rotation import Rotated
    from fleetkeep.model import Kit


@click.group(short_help="Change passphrases and export keys.")
def command() -> None:
    """Keys of repositories. `fleetkeep kit` puts them on paper."""


@command.command(
    "change-passphrase",
    short_help="Give a repository another passphrase.",
    epilog="Exit status: 0 the new passphrase is in force; 1 error, say the same again to go on.",
)
@click.argument("repository")
@click.option("--new-from", metavar="FILE", help="Take the new passphrase from this file; - is standard input.")
@click.option(
    "--old-from",
    metavar="FILE",
    help="Where a command prints the passphrase: take the old one from this file; - is standard input.",
)
@click.option("--shared", is_flag=True, help="Other hosts use the repository, too, and will get the new passphrase.")
@json_option
def change_passphrase(repository: str, new_from: str | None, old_from: str | None, shared: bool, as_json: bool) -> None:
    """Give a repository another passphrase. Interrupted at any moment, it is finished by saying the same again.

    A generated passphrase is replaced by a new one of 256 random bits. A declared one is given with --new-from, then
    declared and applied, which changes nothing any more. Where a command prints it, put the new one into what the
    command reads and give the old one with --old-from.

    Recovery kits are stale afterwards. The key itself stays the same: who has an old kit, and the repository, can still
    read it.
    """
    from fleetkeep.agent.access import host_borg
    from fleetkeep.agent.rotation import KeyHost
    from fleetkeep.agent.rotation import change_passphrase as change
    from fleetkeep.agent.state import load_desired, load_repository

    if new_from is not None and old_from is not None:
        raise click.UsageError("say either --new-from or --old-from.")
    declared, client = load_repository(paths(), repository), load_desired(paths()).client
    host = KeyHost(paths(), client, host_borg(paths()), embedded_director(), SystemClock())
    rotated = change(host, declared, new=read_secret(new_from), old=read_secret(old_from), shared=shared)
    kits = _kits(repository)
    if as_json:
        stale = [kit.id for kit in kits if kit.is_stale]
        emit_json(
            {
                "repository": repository,
                "changed": rotated.changed,
                "also": list(rotated.also),
                "fingerprint": rotated.fingerprint,
                "stale_kits": stale,
            }
        )
        return
    _say(repository, rotated, kits)


def _kits(repository: str) -> list[Kit]:
    from fleetkeep.director.kits import list_kits

    with record() as catalog:
        return list_kits(catalog, repository=repository) if catalog else []


def _say(repository: str, rotated: Rotated, kits: list[Kit]) -> None:
    if rotated.changed:
        click.echo(f"Repository {repository} has a new passphrase, which opened it.")
    else:
        click.echo(f"Repository {repository} opens with its new passphrase already; nothing had to be changed.")
    if rotated.also:
        click.echo(
            f"It is also known here as {', '.join(rotated.also)}: the new passphrase is in force by that name, too."
        )
    if rotated.problem:
        click.echo(f"It is not recorded yet: {rotated.problem}", err=True)
    stale = [kit for kit in kits if kit.is_stale]
    if stale:
        click.echo("These recovery kits are stale; make new ones, and destroy them:")
    for kit in stale:
        click.echo(f"  {kit.id}  {printable(kit.owner)}, {printable(kit.place)}")
    if not any(not kit.is_stale for kit in kits):
        click.echo(f"`fleetkeep kit make {repository} --owner WHO --place WHERE --to DIRECTORY` makes a new kit.")


@command.command(short_help="Write a repository's key, still encrypted, to a file.")
@click.argument("repository")
@click.option(
    "--to", "target", metavar="FILE", required=True, type=click.Path(path_type=Path), help="The new file for it."
)
@click.option("--paper", is_flag=True, help="In the form that is typed back from paper.")
@json_option
def export(repository: str, target: Path, paper: bool, as_json: bool) -> None:
    """Write a repository's key to a new file, in the form that `borg key import` takes.

    It is encrypted with the passphrase, which is not in the file; a recovery kit has both.
    """
    from fleetkeep.agent.kit import export_key, write_kit

    key = export_key(access_to(repository), repository)
    text = key.on_paper() if paper else key.as_file()
    write_kit({target: text.encode()})
    if as_json:
        emit_json({"repository": repository, "repository_id": key.repository_id, "file": str(target)})
    else:
        click.echo(f"The key of repository {repository} is in {printable(str(target))}, encrypted with its passphrase.")


__all__ = ["command"]
