# SPDX-License-Identifier: GPL-3.0-or-later
"""What the verbs that show files of archives share: paths, sizes and moments, and how to say what is missing."""

from __future__ import annotations

import re
import stat
from datetime import datetime
from typing import TYPE_CHECKING

import click

from fleetkeep.clock import SystemClock
from fleetkeep.errors import NoFilesIndexed, PathRefused

from ._common import printable

if TYPE_CHECKING:
    from fleetkeep.catalog.database import Catalog
    from fleetkeep.model import FileStatus

_DAY = re.compile(r"(\d{4})-?(\d{2})-?(\d{2})")


def size(context: click.Context, parameter: click.Parameter, value: str | None) -> int | None:
    """A callback for options: a size such as 500K or 2G."""
    from fleetkeep.model.base import parse_size

    if value is None:
        return None
    try:
        return parse_size(value.upper())
    except ValueError as error:
        raise click.BadParameter(str(error), context, parameter) from None


def moment(context: click.Context, parameter: click.Parameter, value: str | None) -> datetime | None:
    """A callback for options: a moment such as 2026-11-20T14:30 or 26h ago; a day alone is its end."""
    from fleetkeep.plan.restore import parse_moment

    if value is None:
        return None
    try:
        return parse_moment(value, SystemClock().now())
    except ValueError as error:
        raise click.BadParameter(str(error), context, parameter) from None


def beginning(context: click.Context, parameter: click.Parameter, value: str | None) -> datetime | None:
    """A callback for options: a moment as above, but a day alone is its beginning."""
    day = None if value is None else _DAY.fullmatch(value.strip())
    return moment(context, parameter, f"{'-'.join(day.groups())}T00:00" if day else value)


def stored_path(typed: str) -> str:
    """A path that a person typed, as archives have it; empty for the root. Raises PathRefused."""
    from fleetkeep.plan.restore import normalize_paths

    try:
        return next(iter(normalize_paths([typed])), "")
    except ValueError:
        raise PathRefused(path=typed or "An empty name") from None


def shown_path(path: str) -> str:
    """A stored path as people know it, safe to print."""
    return printable(f"/{path}")


def shown_owner(status: FileStatus) -> str:
    """The owner and the group by name, or by number where the archive has no name."""
    return f"{status.owner or status.uid}:{status.group or status.gid}"


def shown_mode(status: FileStatus) -> str:
    """Type and rights as ``ls -l`` has them."""
    return stat.filemode(status.mode)


def tell_what_is_missing(catalog: Catalog, *, job: str | None = None, repository: str | None = None) -> None:
    """Say on standard error which archives a search could not look into. Raises NoFilesIndexed where there was none."""
    from fleetkeep.director.files import index_coverage

    coverage = index_coverage(catalog, job=job, repository=repository)
    if not coverage.indexed:
        raise NoFilesIndexed(which=_which(catalog, job, repository))
    missing = coverage.archives - coverage.indexed
    if missing:
        click.echo(
            f"The files of {missing:,} of {coverage.archives:,} archives are not in the catalog; "
            "`fleetkeep catalog rebuild` reads them.",
            err=True,
        )


def _which(catalog: Catalog, job: str | None, repository: str | None) -> str:
    from fleetkeep.director.history import list_job_names

    known = list_job_names(catalog)
    if job is not None and known and job not in known:
        return f"of job {job} (there is {', '.join(known)})"
    return " ".join(["of any job" if job is None else f"of job {job}"] + [f"in {repository}"] * bool(repository))


__all__ = [
    "beginning",
    "moment",
    "shown_mode",
    "shown_owner",
    "shown_path",
    "size",
    "stored_path",
    "tell_what_is_missing",
]
