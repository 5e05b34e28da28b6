# SPDX-License-Identifier: GPL-3.0-or-later
"""A desired state as the files and timers that a host should have; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from fleetkeep.errors import PassphraseEmpty
from fleetkeep.model import DesiredState, Job, PassphraseKind, Repository
from fleetkeep.model.base import Model
from fleetkeep.plan.change import Kind
from fleetkeep.plan.resource import FileResource, Resources

from .paths import Paths
from .units import render_service, render_timer, service_name, timer_name


def render_resources(
    desired: DesiredState, secrets: Mapping[str, str], paths: Paths, *, systemd: bool, command: Sequence[str]
) -> Resources:
    """What the host should have.

    ``secrets`` holds the given passphrases by repository name; a given passphrase that is not in it is taken as it is
    on the host. ``command`` is the program that units start. Raises ``PassphraseEmpty``.
    """
    files = [*_repository_files(desired, secrets, paths), *_job_files(desired, paths)]
    scheduled = [job for job in desired.jobs.values() if systemd and job.schedule]
    for job in scheduled:
        files += _unit_files(job, paths, command)
    return Resources(
        client=desired.client,
        files=tuple(files),
        timers=tuple(timer_name(job.name) for job in scheduled),
        repositories=tuple(desired.repositories.values()),
    )


def render_file(model: Model) -> str:
    """A model as the text of its file: JSON that people can read and compare."""
    return model.model_dump_json(indent=2) + "\n"


def _repository_files(desired: DesiredState, secrets: Mapping[str, str], paths: Paths) -> Iterable[FileResource]:
    for repository in desired.repositories.values():
        if repository.passphrase in (PassphraseKind.GIVEN, PassphraseKind.GENERATED):
            yield _passphrase_file(repository, secrets, paths)
        yield FileResource(
            kind=Kind.REPOSITORY,
            name=repository.name,
            path=_below(paths, paths.repository(repository.name)),
            content=render_file(repository),
            summary=repository.location,
        )


def _passphrase_file(repository: Repository, secrets: Mapping[str, str], paths: Paths) -> FileResource:
    given = repository.passphrase is PassphraseKind.GIVEN
    secret = secrets.get(repository.name)
    if given and secret is not None and not secret.strip():
        raise PassphraseEmpty(repository=repository.name)
    return FileResource(
        kind=Kind.PASSPHRASE,
        name=repository.name,
        path=_below(paths, paths.passphrase(repository.name)),
        content=secret if given else None,
        secret=True,
        summary="as declared" if given else "256 random bits, made on this host",
    )


def _job_files(desired: DesiredState, paths: Paths) -> Iterable[FileResource]:
    for job in desired.jobs.values():
        yield FileResource(
            kind=Kind.JOB,
            name=job.name,
            path=_below(paths, paths.job(job.name)),
            content=render_file(job),
            summary=describe_job(job),
        )


def describe_job(job: Job) -> str:
    """A job in one line, as a plan shows it."""
    sources = ", ".join(source.path for source in job.sources.paths)
    when = f"{job.schedule.cron} {job.schedule.timezone}" if job.schedule else "by hand"
    return f"{sources} to {', '.join(job.repositories)}; {when}"


def _unit_files(job: Job, paths: Paths, command: Sequence[str]) -> list[FileResource]:
    assert job.schedule is not None  # noqa: S101 - only scheduled jobs have units
    texts = {
        service_name(job.name): render_service(job, command),
        timer_name(job.name): render_timer(job, job.schedule),
    }
    return [
        FileResource(kind=Kind.UNIT, name=name, path=_below(paths, paths.unit(name)), content=text, mode=0o644)
        for name, text in texts.items()
    ]


def _below(paths: Paths, path: Path) -> str:
    return str(path.relative_to(paths.prefix))


__all__ = ["describe_job", "render_file", "render_resources"]
