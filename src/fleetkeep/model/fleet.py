# SPDX-License-Identifier: GPL-3.0-or-later
"""The fleet file: what people write. Every value may also be a Jinja expression or a Vault value."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field, model_validator
from typing_extensions import Self

from .assertion import Assertion, DrillFiles
from .base import Bytes, Count, Duration, Model, Name, Port, Positive
from .hook import Hooks
from .repository import Encryption
from .schedule import Schedule
from .source import SourcePath
from .storage import HostKey


class HostDeclaration(Model):
    """A host of the fleet file; every other inventory works as well."""

    model_config = ConfigDict(extra="allow")

    groups: tuple[str, ...] = ()
    """The groups that the host is in; all other keys become its variables."""


class StorageDeclaration(Model):
    """A place that holds repositories."""

    path: str = Field(pattern=r"^/")
    """The absolute folder below which repositories lie."""

    host: str | None = None
    """The host name or address of the storage host; without it, the folder is on the client itself."""

    inventory_host: str | None = None
    """The inventory host that it is: Fleetkeep then keeps its account, its folders and the keys of its clients. Without
    it, somebody else does."""

    host_keys: tuple[HostKey, ...] = ()
    """Its public host keys, such as `ssh-ed25519 AAAA...`; otherwise they are learned once through the controller."""

    user: str = "borg"
    """The account on the storage host."""

    port: Port = 22
    """The SSH port of the storage host."""

    quota: Bytes | None = None
    """The most that one repository here may hold."""

    @model_validator(mode="after")
    def _can_be_kept(self) -> Self:
        if self.inventory_host is not None and self.host is None:
            raise ValueError("a storage with inventory_host needs host as well, the address by which clients reach it")
        return self


class PassphraseGenerated(Model):
    """A passphrase that the client makes for itself."""

    generate: Literal[True]
    """Make 256 random bits at the first apply."""


class PassphraseByCommand(Model):
    """A passphrase that a command on the client prints."""

    command: tuple[str, ...] = Field(min_length=1)
    """Program and arguments, such as `[pass, show, backup/offsite]`."""


class RepositoryDeclaration(Model):
    """Where archives are kept."""

    path: str | None = None
    """An absolute path on the client or `ssh://user@host:port/path`; or give `storage`."""

    storage: Name | None = None
    """The declared storage that holds it."""

    per: Literal["client", "fleet"] = "client"
    """`client`: one repository for each client, in a folder of its name; `fleet`: one that all share."""

    encryption: Encryption = Encryption.REPOKEY_BLAKE2
    """Borg's encryption mode."""

    passphrase: str | PassphraseGenerated | PassphraseByCommand | None = None
    """The passphrase (from Vault, say), or `{generate: true}`, or `{command: [...]}`; none for encryption `none`."""

    append_only: bool | None = None
    """Keep what a client deletes until somebody else frees the space: always on a storage with `inventory_host` unless
    it is `false`; elsewhere only when it is `true`, the repository is then created so."""

    quota: Bytes | None = None
    """The most that the repository may hold."""

    @model_validator(mode="after")
    def _has_one_place(self) -> Self:
        if (self.path is None) == (self.storage is None):
            raise ValueError("give either path or storage")
        return self


class RetentionDeclaration(Model):
    """How long archives are kept; also the form in which a job overrides single rules."""

    last: Count | None = None
    """Keep this many of the newest archives."""

    within: Duration | None = None
    """Keep every archive that was received within this time, such as `7d`."""

    hourly: Count | None = None
    """Keep the newest archive of each of this many hours."""

    daily: Count | None = None
    """Keep the newest archive of each of this many days."""

    weekly: Count | None = None
    """Keep the newest archive of each of this many ISO weeks."""

    monthly: Count | None = None
    """Keep the newest archive of each of this many months."""

    quarterly: Count | None = None
    """Keep the newest archive of each of this many quarters of a year."""

    yearly: Count | None = None
    """Keep the newest archive of each of this many years."""

    forever: bool | None = None
    """Delete nothing, ever."""

    minimum: Positive | None = None
    """Never go below this many archives, whatever the other rules say."""


class ScheduleOverride(Model):
    """Single values of a schedule, as a template or job overrides them."""

    cron: str | None = None
    """Five cron fields."""

    timezone: str | None = None
    """The IANA time zone in which the cron fields are read."""

    jitter: Duration | None = None
    """Each host starts up to this much later."""

    catch_up: bool | None = None
    """Run once, late, when the host was off at the due moment."""

    use: Name | None = None
    """The declared schedule that the other values change."""


class RetentionOverride(RetentionDeclaration):
    """Single values of a retention, as a template or job overrides them."""

    use: Name | None = None
    """The declared retention that the other values change."""


class SourcesDeclaration(Model):
    """The folders and files of a job, and what of them is left out."""

    paths: tuple[SourcePath | str, ...] | None = None
    """Absolute paths of folders or files; a path alone, or a map with `path` and `allow`."""

    exclude: tuple[str, ...] | None = None
    """Borg patterns of what is left out."""

    exclude_caches: bool | None = None
    """Leave out folders that a CACHEDIR.TAG marks as a cache."""

    exclude_if_present: tuple[str, ...] | None = None
    """Leave out folders that hold a file of this name."""

    one_file_system: bool | None = None
    """Do not cross into other mounted file systems below a path."""


class DrillDeclaration(Model):
    """What a drill of a job restores, and what must hold of it."""

    files: DrillFiles | None = None
    """Restore and compare at most so many files; 300 without it."""

    assertions: tuple[Assertion, ...] | None = None
    """What must hold of what was restored; the drill fails when one does not."""


class TemplateDeclaration(Model):
    """Settings that jobs share; a template may build on others."""

    template: Name | tuple[Name, ...] | None = None
    """The templates it builds on; a later one overrides an earlier one, this one overrides them all."""

    sources: SourcesDeclaration | None = None
    """What is backed up."""

    repositories: tuple[Name, ...] | None = None
    """The repositories that each run writes to."""

    schedule: Name | ScheduleOverride | None = None
    """The name of a declared schedule, or single values; `{use: nightly, cron: ...}` changes a declared one."""

    retention: Name | RetentionOverride | None = None
    """The name of a declared retention, or single values; `{use: standard, daily: 14}` changes a declared one."""

    rpo: Duration | None = None
    """The recovery point objective: a good archive older than this needs a person."""

    compression: str | None = None
    """Borg's compression, such as `lz4`, `zstd,3` or `auto,zstd,9`."""

    hooks: Hooks | None = None
    """Commands before, after and on error of a run."""

    drill: DrillDeclaration | None = None
    """What a drill restores, and what must hold of it."""


class JobDeclaration(TemplateDeclaration):
    """A job: templates and own settings, on the clients that its host pattern chooses."""

    clients: str
    """An Ansible host pattern, such as `all` or `web:&prod:!web-9`."""


class FleetFile(Model):
    """A fleet file: maps keyed by name. One file or several; a key declared in two files is an error."""

    plugin: Literal["fleetkeep.backup.fleet"]
    """Tells Ansible that this inventory file is a fleet file."""

    hosts: dict[str, HostDeclaration | None] = {}
    """Hosts, each with its variables and `groups`."""

    storages: dict[Name, StorageDeclaration] = {}
    """Places that hold repositories."""

    repositories: dict[Name, RepositoryDeclaration] = {}
    """Where archives are kept."""

    schedules: dict[Name, Schedule] = {}
    """Reusable moments in time."""

    retention: dict[Name, RetentionDeclaration] = {}
    """Reusable rules of how long archives are kept."""

    templates: dict[Name, TemplateDeclaration] = {}
    """Settings that jobs share."""

    jobs: dict[Name, JobDeclaration] = {}
    """Jobs, on the clients that their host patterns choose."""


#: The sections of a fleet file that hold declarations (all but ``plugin`` and ``hosts``).
SECTIONS = ("storages", "repositories", "schedules", "retention", "templates", "jobs")

__all__ = [
    "SECTIONS",
    "DrillDeclaration",
    "FleetFile",
    "HostDeclaration",
    "JobDeclaration",
    "PassphraseByCommand",
    "PassphraseGenerated",
    "RepositoryDeclaration",
    "RetentionDeclaration",
    "RetentionOverride",
    "ScheduleOverride",
    "SourcesDeclaration",
    "StorageDeclaration",
    "TemplateDeclaration",
]
