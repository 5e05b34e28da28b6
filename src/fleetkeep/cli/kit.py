# SPDX-License-Identifier: GPL-3.0-or-later
"""``fleetkeep kit``: makes recovery kits, lists them, and proves that one opens its repository."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fleetkeep.clock import SystemClock
from fleetkeep.errors import KitDoesNotOpen, KitUnreadable

from ._common import emit_json, json_option, paths, printable
from ._record import record
from ._secrets import tell
from ._signals import cancelled_by_signals
from ._tables import inert, output, print_table, render_moment

if TYPE_CHECKING:
    from fleetkeep.model import Kit, KitProof
    from fleetkeep.plan.kit import KitContent

STALE = 3
LARGEST_BYTES = 1 << 20

FORMATS = {"text": (".txt",), "pdf": (".pdf",), "all": (".txt", ".pdf")}


@click.group(short_help="Make recovery kits, list them, and prove that one works.")
def command() -> None:
    """Recovery kits: repository, key, passphrase and instructions on paper, for the day when no host is left."""


@command.command(short_help="Make a recovery kit.", epilog="Exit status: 0 made, 1 error; then nothing is left behind.")
@click.argument("repository")
@click.option("--owner", metavar="NAME", required=True, help="The person who keeps it.")
@click.option("--place", metavar="TEXT", required=True, help="Where it is kept, such as: the safe in the office.")
@click.option(
    "--to",
    "target",
    metavar="DIRECTORY|FILE",
    type=click.Path(path_type=Path),
    help="Write it into this folder, or to this new file.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(list(FORMATS)),
    help="What to write; text, unless the file ends with .pdf. PDF needs fleetkeep[kit].",
)
@click.option("--show", is_flag=True, help="Print it on standard output, with the secrets that are in it.")
@json_option
def make(
    repository: str, owner: str, place: str, target: Path | None, form: str | None, show: bool, as_json: bool
) -> None:
    """Make a recovery kit of a repository: what opens it, where it is, and how to restore without Fleetkeep.

    The repository is opened first. The files are new ones that only this user reads. Print them or copy them to where
    they are kept, then remove them here.
    """
    from fleetkeep.agent.kit import kit_files, render_form, write_kit
    from fleetkeep.link import KitMade

    if (target is None) == (not show) or (show and as_json):
        raise click.UsageError("say either --to DIRECTORY, --to FILE or --show (which goes without --json).")
    if not owner.strip() or not place.strip():
        raise click.UsageError("--owner and --place must not be empty.")
    content = _content(repository, owner.strip(), place.strip())
    if target is None:
        click.echo(render_form(content, ".txt"), nl=False)
        files = []
    else:
        rendered = kit_files(content, target, FORMATS[form or ("pdf" if target.suffix == ".pdf" else "text")])
        write_kit(rendered)
        files = [str(path) for path in rendered]
    tell(content.client, KitMade(kit=content.record))
    if as_json:
        emit_json({"kit": content.record.model_dump(mode="json"), "files": files})
    elif files:
        _say_made(content.record, files)


def _content(name: str, owner: str, place: str) -> KitContent:
    from fleetkeep.agent.access import host_borg, repository_access
    from fleetkeep.agent.kit import KitKeeper, make_kit
    from fleetkeep.agent.state import load_desired, load_repository

    repository, client = load_repository(paths(), name), load_desired(paths()).client
    program = host_borg(paths())
    access = repository_access(paths(), repository, program)
    keeper = KitKeeper(owner=owner, place=place)
    return make_kit(repository, access, program, client=client, keeper=keeper, clock=SystemClock())


def _say_made(kit: Kit, files: Sequence[str]) -> None:
    click.echo(
        f"Kit {kit.id} opens repository {kit.repository}; kept by {printable(kit.owner)}, at: {printable(kit.place)}."
    )
    for file in files:
        click.echo(f"  {printable(file)}")
    click.echo(
        "Whoever holds it can read every backup. Print it or move it to its place and remove it from this host; "
        "`fleetkeep kit test FILE` proves the copy."
    )


@command.command("list", short_help="List recovery kits: owner, place, age, last test.")
@click.option("--repository", metavar="NAME", help="Only kits of this repository.")
@click.option("--current", is_flag=True, help="Leave out kits that are stale.")
@json_option
def list_command(repository: str | None, current: bool, as_json: bool) -> None:
    """List the recovery kits that were made on this host, the newest first, and which are stale.

    A kit is stale when the passphrase or the key was changed since, or when a test found that it does not open the
    repository.
    """
    from fleetkeep.director.kits import list_kits

    with record() as catalog:
        kits = list_kits(catalog, repository=repository, retired=not current) if catalog else []
    if as_json:
        emit_json([kit.model_dump(mode="json") for kit in kits])
    elif kits:
        _list(kits)
    else:
        click.echo(f"No kit is known; `fleetkeep kit make {repository or 'REPOSITORY'}` makes one.")


def _list(kits: Sequence[Kit]) -> None:
    several = len({kit.client for kit in kits}) > 1
    head = ("KIT", "REPOSITORY", "OWNER", "PLACE", "MADE", "TESTED", "STATE")
    rows = [
        (
            kit.id,
            f"{kit.client}/{kit.repository}" if several else kit.repository,
            kit.owner,
            kit.place,
            render_moment(kit.made_at),
            render_moment(kit.tested_at) if kit.tested_at else inert("never", "yellow"),
            inert(f"stale since {render_moment(kit.retired_at)}", "yellow") if kit.is_stale else inert("current"),
        )
        for kit in kits
    ]
    print_table(head, rows)


@command.command(
    short_help="Prove that a kit opens its repository.",
    epilog="Exit status: 0 it opens the repository as it is; 3 it does, but is stale; 1 it does not, or an error; "
    "130 cancelled.",
)
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--location", metavar="PATH|URL", help="Where the repository is now, if not where the kit says.")
@json_option
def test(file: Path, location: str | None, as_json: bool) -> None:
    """Prove that key and passphrase in a kit open its repository, with nothing else: any host with Borg will do.

    FILE is the text form, also one that was typed back from paper; - is standard input. Nothing is restored: archives
    are listed, and one small file is read. What this host knows of the repository is neither used nor changed.
    """
    from fleetkeep.agent.access import bare_environment, host_borg
    from fleetkeep.agent.kit_proof import KitPlace, prove_kit

    content = _read(file)
    place = KitPlace(host_borg(paths(), remember=False), bare_environment(paths()), location or "")
    with cancelled_by_signals() as cancellation:
        proof = prove_kit(content, place, SystemClock(), cancellation)
    note = _record(proof)
    if as_json:
        emit_json({**proof.model_dump(mode="json"), "recorded": not note})
    if not proof.opens:
        raise KitDoesNotOpen(kit=proof.kit, repository=proof.repository, location=proof.location, reason=proof.reason)
    if not as_json:
        _say_proof(proof, note)
    if not proof.is_current:
        raise click.exceptions.Exit(STALE)


def _read(file: Path) -> KitContent:
    """The kit in a file. Raises ``KitUnreadable``."""
    from fleetkeep.plan.kit_parse import KitProblem, parse_kit

    try:
        if str(file) == "-":
            content = sys.stdin.buffer.read(LARGEST_BYTES)
        else:
            with file.open("rb") as opened:
                content = opened.read(LARGEST_BYTES)
            if file.stat().st_mode & 0o077:
                click.echo(f"Others on this host may read {printable(str(file))}; chmod 600 closes it.", err=True)
        return parse_kit(content.decode())
    except (OSError, UnicodeDecodeError, KitProblem) as error:
        reason = getattr(error, "strerror", None) or error
        if isinstance(error, UnicodeDecodeError):
            reason = "it is no text; of a PDF, type or copy its text into a file"
        raise KitUnreadable(path=file, reason=reason) from None


def _record(proof: KitProof) -> str:
    """Write the proof down where this host made the kit; why not, otherwise."""
    from fleetkeep.agent.state import load_desired
    from fleetkeep.errors import FleetkeepError
    from fleetkeep.link import KitTested

    try:
        client = load_desired(paths()).client
    except FleetkeepError:
        return f"It is not recorded here: this host is not {proof.client}."
    if client != proof.client:
        return f"It is not recorded here: this host is {client}, not {proof.client}."
    tell(client, KitTested(proof=proof))
    return ""


def _say_proof(proof: KitProof, note: str) -> None:
    from fleetkeep.plan.words import render_bytes, render_count

    out = output()
    what = "no archive is in it yet"
    if proof.archive:
        did = f"read {proof.read_path} ({render_bytes(proof.read_bytes)}) of" if proof.read_path else "listed"
        what = f"{render_count(proof.archives, 'archive')}; {did} {proof.archive}"
    out.print(
        inert(f"Kit {proof.kit} opens repository {proof.repository} at {proof.location}: {what}."), soft_wrap=True
    )
    if not proof.is_current:
        words = (
            "But it is stale: the repository has another key or passphrase now, and opens with this kit only after "
            "`borg key import`. Make a new kit and destroy this one."
        )
        out.print(inert(words, "yellow"), soft_wrap=True)
    if note:
        out.print(inert(note), soft_wrap=True)


__all__ = ["command"]
