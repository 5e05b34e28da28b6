# SPDX-License-Identifier: GPL-3.0-or-later
"""A desired state as the files and timers that a host should have; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fleetkeep.errors import PassphraseEmpty
from fleetkeep.model import DesiredState, Job, PassphraseKind, Repository
from fleetkeep.model.base import Model
from fleetkeep.plan.change import Kind
from fleetkeep.plan.resource import FileResource, Resources

from .paths import Paths
from .storage_files import storage_accounts, storage_files
from .units import render_service, render_timer, service_name, timer_name


@dataclass(frozen=True)
class Given:
    """What a host is given beside its desired state, because it is secret or known only while an apply is at work."""

    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The given passphrases by repository; one that is not in it is taken as it is on the host."""

    keys: Mapping[str, str] = field(default_factory=dict)
    """On a storage host: the public keys of grants, by their labels; others are taken as they are on the host."""

    host_keys: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """The learned public keys of storage hosts that let this host in, by repository."""


def render_resources(
    desired: DesiredState, given: Given, paths: Paths, *, systemd: bool, command: Sequence[str], borg: str
) -> Resources:
    """What the host should have.

    ``command`` is the program that units start, ``borg`` the one that serves clients. Raises ``PassphraseEmpty``.
    """
    storages = desired.storages.values()
    files = [
        *storage_files(storages, paths, given.keys, borg),
        *_access_files(desired, given, paths),
        *_repository_files(desired, given.secrets, paths),
        *_job_files(desired, paths),
    ]
    scheduled = [job for job in desired.jobs.values() if systemd and job.schedule]
    for job in scheduled:
        files += _unit_files(job, paths, command)
    return Resources(
        client=desired.client,
        files=tuple(files),
        timers=tuple(timer_name(job.name) for job in scheduled),
        repositories=tuple(desired.repositories.values()),
        accounts=storage_accounts(storages),
    )


def render_file(model: Model) -> str:
    """A model as the text of its file: JSON that people can read and compare."""
    return model.model_dump_json(indent=2) + "\n"


def _access_files(desired: DesiredState, given: Given, paths: Paths) -> Iterable[FileResource]:
    """The key for each repository of a storage host, and the keys by which the host is known.

    ssh is told to look for the host under the storage's name, whatever its address and port are.
    """
    seen: set[str] = set()
    for repository in desired.repositories.values():
        if repository.storage is None:
            continue
        yield FileResource(
            kind=Kind.IDENTITY,
            name=repository.name,
            path=_below(paths, paths.repository_key(repository.name)),
            content=None,
            secret=True,
            summary="Ed25519, made on this host",
        )
        storage = repository.storage
        known = storage.host_keys or given.host_keys.get(repository.name) or ()
        if storage.name in seen:
            continue
        seen.add(storage.name)
        yield FileResource(
            kind=Kind.HOST_KEY,
            name=storage.name,
            path=_below(paths, paths.storage_host_keys(storage.name)),
            content="".join(f"{storage.name} {key}\n" for key in known) or None,
            mode=0o644,
            summary="as declared" if storage.host_keys else "learned through the controller",
        )


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


__all__ = ["Given", "describe_job", "render_file", "render_resources"]
