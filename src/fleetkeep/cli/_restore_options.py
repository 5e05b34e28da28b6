# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of ``fleetkeep restore``, and what they mean together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ._common import json_option

if TYPE_CHECKING:
    from fleetkeep.model import RestoreManner
    from fleetkeep.plan.restore import RestoreForm

STANDARD_OUTPUT = Path("-")

_Command = TypeVar("_Command", bound=Callable[..., Any])
_FILE = click.Path(path_type=Path, dir_okay=False)

_OPTIONS = (
    click.option("--job", metavar="NAME", help="Take the newest archive of this job instead of naming one."),
    click.option("--at", "moment", metavar="TIME", help="With --job: as of 2026-11-20, 2026-11-20T14:30 or 26h ago."),
    click.option("--repository", metavar="NAME", help="Restore from this repository."),
    click.option(
        "--pattern",
        "patterns",
        metavar="PATTERN",
        multiple=True,
        help="Restore also what matches, such as 'sh:etc/**/*.conf'; styles sh (the default), fm, re, pp, pf.",
    ),
    click.option("--exclude", "excludes", metavar="PATTERN", multiple=True, help="Leave out what matches."),
    click.option("--to", "directory", metavar="DIRECTORY", type=click.Path(path_type=Path), help="Restore below it."),
    click.option("--in-place", is_flag=True, help="Restore to the original place."),
    click.option("--to-tar", metavar="FILE", type=_FILE, help="Write a tar stream; - for standard output."),
    click.option("--to-zip", metavar="FILE", type=_FILE, help="Write a zip stream; - for standard output."),
    click.option("--to-stdout", is_flag=True, help="Write the content of one file to standard output."),
    click.option(
        "--on-conflict",
        type=click.Choice(["overwrite", "skip", "newer", "rename"]),
        default="overwrite",
        show_default=True,
        help="Where something else is: replace it, keep it, replace what is older, or put the file beside it.",
    ),
    click.option(
        "--owner",
        type=click.Choice(["keep", "numeric", "none"]),
        default="keep",
        show_default=True,
        help="Owners by name, by number, or none but the user who restores.",
    ),
    click.option("--no-acls", is_flag=True, help="Leave out access control lists."),
    click.option("--no-xattrs", is_flag=True, help="Leave out extended attributes."),
    click.option("--no-flags", is_flag=True, help="Leave out file flags such as immutable."),
    click.option("--no-sparse", is_flag=True, help="Write blocks of zeros instead of holes."),
    click.option(
        "--strip-components",
        metavar="NUMBER",
        type=click.IntRange(min=0),
        default=0,
        help="Take so many leading folders off each path.",
    ),
    click.option("-y", "--yes", is_flag=True, help="Overwrite without asking."),
    click.option("--ignore-space", is_flag=True, help="Begin also what seems not to fit."),
    click.option("--resume", is_flag=True, help="Finish the interrupted restore with the same words."),
    click.option("--afresh", is_flag=True, help="Forget the interrupted restore with the same words."),
    click.option("--report", metavar="FILE", type=_FILE, help="Write a JSON line for each path, with its SHA-256."),
    click.option("--verify", is_flag=True, help="Compare what lies there in the end with the archive's own content."),
    click.option("--dry-run", is_flag=True, help="Show what would be overwritten and created; write nothing."),
    json_option,
)


@dataclass(frozen=True)
class RestoreOptions:
    """What the command line says."""

    job: str | None
    moment: str | None
    repository: str | None
    patterns: tuple[str, ...]
    excludes: tuple[str, ...]
    directory: Path | None
    in_place: bool
    to_tar: Path | None
    to_zip: Path | None
    to_stdout: bool
    on_conflict: str
    owner: str
    no_acls: bool
    no_xattrs: bool
    no_flags: bool
    no_sparse: bool
    strip_components: int
    yes: bool
    ignore_space: bool
    resume: bool
    afresh: bool
    report: Path | None
    verify: bool
    dry_run: bool
    as_json: bool

    @property
    def form(self) -> RestoreForm:
        """What is made."""
        from fleetkeep.plan.restore import RestoreForm

        if self.to_tar is not None:
            return RestoreForm.TAR
        if self.to_zip is not None:
            return RestoreForm.ZIP
        return RestoreForm.FILE if self.to_stdout else RestoreForm.FOLDER

    @property
    def output(self) -> Path:
        """Where a stream goes."""
        return self.to_tar or self.to_zip or STANDARD_OUTPUT

    @property
    def manner(self) -> RestoreManner:
        """How files are written."""
        from fleetkeep.model import OnConflict, OwnerRule, RestoreManner

        return RestoreManner(
            on_conflict=OnConflict(self.on_conflict),
            owner=OwnerRule(self.owner),
            acls=not self.no_acls,
            xattrs=not self.no_xattrs,
            flags=not self.no_flags,
            sparse=not self.no_sparse,
            strip_components=self.strip_components,
        )

    def check(self) -> None:
        """Refuse what cannot be meant. Raises ``click.UsageError``."""
        places = [self.directory is not None, self.in_place, self.to_tar is not None, self.to_zip is not None]
        if sum([*places, self.to_stdout]) != 1:
            raise click.UsageError(
                "say either --to DIRECTORY or --in-place, or one of --to-tar, --to-zip and --to-stdout."
            )
        if self.moment is not None and self.job is None:
            raise click.UsageError("--at needs --job.")
        if self.resume and self.afresh:
            raise click.UsageError("say --resume or --afresh, not both.")
        if self.in_place and self.strip_components:
            raise click.UsageError("--strip-components needs --to: without its folders nothing has an original place.")
        if self.directory is None and not self.in_place:
            self._check_stream()

    def _check_stream(self) -> None:
        folder_only = {
            "--on-conflict": self.on_conflict != "overwrite",
            "--owner": self.owner != "keep",
            "--no-acls": self.no_acls,
            "--no-xattrs": self.no_xattrs,
            "--no-flags": self.no_flags,
            "--no-sparse": self.no_sparse,
            "--ignore-space": self.ignore_space,
            "--resume": self.resume,
            "--afresh": self.afresh,
            "--verify": self.verify,
            "--strip-components": self.to_stdout and self.strip_components > 0,
        }
        for option, is_given in folder_only.items():
            if is_given:
                raise click.UsageError(f"{option} is for files in a directory; a stream has none of it.")
        if self.output == STANDARD_OUTPUT and self.as_json and not self.dry_run:
            raise click.UsageError(
                "--json and the stream cannot both go to standard output; name a file for the stream."
            )


def restore_options(command: _Command) -> _Command:
    """Give a command all of these options."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


__all__ = ["STANDARD_OUTPUT", "RestoreOptions", "restore_options"]
