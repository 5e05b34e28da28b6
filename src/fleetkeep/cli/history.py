# SPDX-License-Identifier: GPL-3.0-or-later
"""``fleetkeep history``: every version of one path that an archive still holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from fleetkeep.errors import NoFilesIndexed, PathNeverSeen

from ._common import emit_json, json_option, printable
from ._files import shown_mode, shown_owner, shown_path, stored_path, tell_what_is_missing
from ._record import record
from ._tables import inert, output, print_table, render_moment

if TYPE_CHECKING:
    from fleetkeep.model import FileState


@click.command(
    short_help="Show every version of a path, and the archives that hold it.",
    epilog="Exit status: 0 shown; 1 no archive holds the path, or an error. A PATH that begins with a dash goes after "
    "`--`.",
)
@click.argument("path")
@click.option("--job", metavar="NAME", help="Only what this job backed up.")
@click.option("--repository", metavar="NAME", help="Only what this repository holds.")
@json_option
def command(path: str, job: str | None, repository: str | None, as_json: bool) -> None:
    """Show every version of PATH that an archive still holds, the newest first: what it was, in what it differs from
    the version before, and the first and the last archive that hold it. Repositories that hold the same share a line.

    \b
    fleetkeep history /etc/ssh/sshd_config
    """
    wanted = stored_path(path)
    states = _states(wanted, job, repository)
    if as_json:
        emit_json([state.model_dump(mode="json") for state in states])
    if not states:
        raise PathNeverSeen(path=f"/{wanted}")
    if not as_json:
        _show(wanted, states)


def _states(path: str, job: str | None, repository: str | None) -> list[FileState]:
    from fleetkeep.director.files import path_states

    with record() as catalog:
        if catalog is None:
            raise NoFilesIndexed(which="of any job" if job is None else f"of job {job}")
        states = path_states(catalog, path, job=job, repository=repository)
        tell_what_is_missing(catalog, job=job, repository=repository)
        return states


def _show(path: str, states: Sequence[FileState]) -> None:
    from fleetkeep.plan.words import render_count

    there = any(state.is_present for state in states)
    newest = states[0]
    tail = (
        "the newest archive has it."
        if there
        else f"gone since {printable(newest.last_archive)}, which was the last to have it."
    )
    output().print(inert(f"{shown_path(path)}: {render_count(len(states), 'version')}; {tail}"), soft_wrap=True)
    several = len({(state.client, state.job) for state in states}) > 1
    head = ["MODIFIED", "SIZE", "MODE", "OWNER", "DIFFERS IN", "ARCHIVES", "REPOSITORIES"]
    head = [*head, *["JOB"] * several, "FIRST ARCHIVE", "LAST ARCHIVE"]
    print_table(head, _rows(states, several), numbers=("SIZE", "ARCHIVES"), fold=False)


def _rows(states: Sequence[FileState], several: bool) -> Iterator[tuple[object, ...]]:
    from fleetkeep.plan.words import render_bytes

    for place, state in enumerate(states):
        status = state.status
        owner = (state.client, state.job)
        before = next((each for each in states[place + 1 :] if (each.client, each.job) == owner), None)
        yield (
            render_moment(status.modified_at),
            render_bytes(status.size) if status.is_file else "-",
            shown_mode(status),
            shown_owner(status),
            _difference(before, state),
            f"{state.archives:,}",
            ", ".join(state.repositories),
            *([f"{state.client}/{state.job}"] if several else []),
            state.first_archive,
            state.last_archive,
        )


def _difference(before: FileState | None, state: FileState) -> str:
    from fleetkeep.plan.file_diff import diff_status

    if before is None:
        return "first"
    words = diff_status(before.status, state.status)
    return ", ".join(words) or ("time" if before.status != state.status else "came back")


__all__ = ["command"]
