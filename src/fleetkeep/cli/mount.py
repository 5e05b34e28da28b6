# SPDX-License-Identifier: GPL-3.0-or-later
"""``fleetkeep mount``: shows archives as a folder."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fleetkeep.clock import SystemClock
from fleetkeep.model.base import parse_duration, render_duration
from fleetkeep.settings import child_environment

from ._common import emit_json, json_option, paths, printable
from ._points import access_to, named_point
from ._signals import cancelled_by_signals

if TYPE_CHECKING:
    from fleetkeep.agent.mounts import Mount
    from fleetkeep.borg.access import BorgAccess

DEFAULT_DURATION = timedelta(hours=1)

#: How often a mount in the background is looked after until it is there.
POLL_SECONDS = 0.1

EPILOG = (
    """Exit status: 0 mounted, or unmounted again with --foreground; 1 error; 130 cancelled before it was mounted."""
)


def duration(context: click.Context, parameter: click.Parameter, value: str | None) -> timedelta:
    """A length of time. Raises ``click.BadParameter``."""
    if value is None:
        return DEFAULT_DURATION
    try:
        length = parse_duration(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    if not length:
        raise click.BadParameter("a mount needs some time; write 30m, 1h or 2d")
    return length


@click.command(short_help="Show archives as a folder, read-only, for a while.", epilog=EPILOG)
@click.argument("words", nargs=-1, required=True, metavar="[ARCHIVE] MOUNTPOINT")
@click.option("--job", metavar="NAME", help="Take the newest archive of this job instead of naming one.")
@click.option("--at", "moment", metavar="TIME", help="With --job: as of 2026-11-20, 2026-11-20T14:30 or 26h ago.")
@click.option("--repository", metavar="NAME", help="The copy there; with neither ARCHIVE nor --job, all its archives.")
@click.option("--for", "length", metavar="TIME", callback=duration, help="Unmount after so long.  [default: 1h]")
@click.option("--foreground", is_flag=True, help="Stay until it is unmounted; Ctrl-C unmounts.")
@json_option
def command(
    words: tuple[str, ...],
    job: str | None,
    moment: str | None,
    repository: str | None,
    length: timedelta,
    foreground: bool,
    as_json: bool,
) -> None:
    """Show an archive, or all archives of a repository, read-only at the empty folder MOUNTPOINT.

    While it is mounted, Borg shares the repository's lock and no backup could begin. So a mount gives way: it unmounts
    as soon as a run of this host needs the repository, and after an hour in any case (--for). `fleetkeep umount` ends
    it sooner, `fleetkeep mounts` lists what is mounted and why a mount ended.

    \b
    fleetkeep mount --job system --at 2026-11-20 /mnt
    fleetkeep mount --repository offsite /mnt --for 4h
    """
    archive, folder = _split(words, job, moment, repository)
    if not foreground:
        _in_background(
            [*_options(job, moment, repository), f"--for={render_duration(length)}"],
            [*words[:-1], str(folder.absolute())],
            as_json,
        )
        return
    _keep(archive, folder, job, moment, repository, length, as_json)


def _split(
    words: tuple[str, ...], job: str | None, moment: str | None, repository: str | None
) -> tuple[str | None, Path]:
    """The archive and the mount point among the words of the command line."""
    if moment is not None and job is None:
        raise click.UsageError("--at needs --job.")
    if len(words) > 2 or (job is not None and len(words) > 1):
        raise click.UsageError("name one ARCHIVE or --job, and one MOUNTPOINT.")
    if len(words) == 1 and job is None and repository is None:
        raise click.UsageError("name an ARCHIVE (`fleetkeep archives` lists them), --job or --repository as well.")
    return (words[0] if len(words) == 2 else None), Path(words[-1])


def _keep(
    archive: str | None,
    folder: Path,
    job: str | None,
    moment: str | None,
    repository: str | None,
    length: timedelta,
    as_json: bool,
) -> None:
    from fleetkeep.agent.mount import MountOrder, check_mountpoint, check_support, keep_mounted
    from fleetkeep.agent.state import load_jobs

    check_support()
    place = check_mountpoint(folder)
    with cancelled_by_signals() as cancellation:
        access, where, name = _find(archive, job, moment, repository)
        order = MountOrder(access, where, name, place, length, tuple(load_jobs(paths()).values()))
        ended = keep_mounted(
            order, paths(), SystemClock(), on_mounted=lambda mount: _say(mount, as_json), cancellation=cancellation
        )
    if not as_json:
        click.echo(f"Unmounted {printable(ended.mountpoint)}: {ended.reason}.")


def _find(
    archive: str | None, job: str | None, moment: str | None, repository: str | None
) -> tuple[BorgAccess, str, str | None]:
    """The access, the repository, and the archive unless all of them are meant."""
    from fleetkeep.agent.restore import look_up_archive
    from fleetkeep.errors import ArchiveReplaced, UnknownArchive

    if archive is None and job is None:
        assert repository is not None  # noqa: S101 - as _split has it
        return access_to(repository), repository, None
    try:
        facts = named_point(archive=archive, job=job, moment=_moment(moment), repository=repository).archive
    except UnknownArchive:
        if archive is None or repository is None:
            raise
        access = access_to(repository)
        return access, repository, look_up_archive(access, repository, archive).name
    access = access_to(facts.repository)
    found = look_up_archive(access, facts.repository, facts.name)
    if found.id != facts.id:
        raise ArchiveReplaced(archive=facts.name, repository=facts.repository, found=found.id, expected=facts.id)
    return access, facts.repository, facts.name


def _moment(text: str | None) -> datetime | None:
    from fleetkeep.plan.restore import parse_moment

    try:
        return None if text is None else parse_moment(text, SystemClock().now())
    except ValueError as error:
        raise click.UsageError(str(error)) from None


def _say(mount: Mount, as_json: bool) -> None:
    from ._tables import render_moment

    if as_json:
        emit_json(mount)
    else:
        place = printable(mount.mountpoint)
        click.echo(
            f"Mounted {printable(mount.what)} read-only at {place} until {render_moment(mount.ends_at)}, "
            f"or until a run needs repository {mount.repository}; `fleetkeep umount {place}` ends it."
        )
    sys.stdout.flush()


def _options(job: str | None, moment: str | None, repository: str | None) -> list[str]:
    options = {"--job": job, "--at": moment, "--repository": repository}
    return [f"{name}={value}" for name, value in options.items() if value is not None]


def _in_background(options: list[str], words: list[str], as_json: bool) -> None:
    """Start the same with --foreground, and return once it is mounted; show what it said when it is not."""
    program = [sys.executable, "-m", "fleetkeep", "--prefix", str(paths().prefix), "mount", "--foreground"]
    asked: list[str] = [*program, *options, *(["--json"] if as_json else []), "--", *words]
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as complained:
        keeper = subprocess.Popen(
            asked,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=complained,
            cwd="/",
            env=child_environment({}),
            start_new_session=True,
        )
        status = _wait_for_word(keeper, said)
        click.echo(_text(said), nl=False)
        click.echo(_text(complained), nl=False, err=True)
    if status:
        raise click.exceptions.Exit(status if status > 0 else 1)


def _wait_for_word(keeper: subprocess.Popen[bytes], said: Any) -> int:
    """Wait until the keeper says that it is mounted, or ends; its exit status, 0 while it lives."""
    while not (size := _size(said)):
        try:
            return keeper.wait(POLL_SECONDS)
        except subprocess.TimeoutExpired:
            continue
        except KeyboardInterrupt:
            keeper.terminate()
            return keeper.wait()
    # The keeper outlives this process on purpose.
    keeper.returncode = 0
    return 0 if size else 1


def _size(file: Any) -> int:
    return int(file.seek(0, 2))


def _text(file: Any) -> str:
    file.seek(0)
    return str(file.read().decode(errors="replace"))


__all__ = ["command"]
