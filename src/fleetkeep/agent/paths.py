# SPDX-License-Identifier: GPL-3.0-or-later
"""Where everything lies on a managed host, below one prefix."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Paths:
    """The folders and files of one host; ``prefix`` is ``/`` on a real one."""

    prefix: Path = Path("/")

    @property
    def configuration(self) -> Path:
        return self.prefix / "etc/fleetkeep"

    @property
    def desired(self) -> Path:
        return self.configuration / "desired.json"

    def job(self, name: str) -> Path:
        return self.configuration / "jobs" / f"{name}.json"

    def repository(self, name: str) -> Path:
        return self.configuration / "repositories" / f"{name}.json"

    def passphrase(self, repository: str) -> Path:
        return self.configuration / "secrets" / f"{repository}.passphrase"

    def pending_passphrase(self, repository: str) -> Path:
        """The new passphrase of a repository while it is being changed, beside the one that it takes the place of."""
        return self.configuration / "secrets" / f"{repository}.passphrase.new"

    @property
    def keys(self) -> Path:
        return self.configuration / "keys"

    @property
    def ssh_identity(self) -> Path:
        """The private key for repositories over SSH; where there is none, ssh's own configuration counts."""
        return self.configuration / "ssh" / "identity"

    @property
    def ssh_known_hosts(self) -> Path:
        """The known hosts for repositories over SSH; where there is none, ssh's own configuration counts."""
        return self.configuration / "ssh" / "known_hosts"

    def repository_key(self, repository: str) -> Path:
        """The private key that opens one repository of a storage host, and nothing else."""
        return self.configuration / "ssh" / "keys" / repository

    def storage_host_keys(self, storage: str) -> Path:
        """The public keys by which a storage host is known."""
        return self.configuration / "ssh" / "known_hosts.d" / storage

    def authorized_keys(self, user: str) -> Path:
        """Who may come in to a storage's account. Not in its home, where what comes in could change it."""
        return self.prefix / "etc/ssh/fleetkeep/authorized_keys.d" / user

    @property
    def sshd_settings(self) -> Path:
        """The SSH server's settings for the accounts of storages."""
        return self.prefix / "etc/ssh/sshd_config.d/60-fleetkeep.conf"

    @property
    def borg_version(self) -> Path:
        """The version of the borg binary, remembered until the binary changes."""
        return self.state / "borg-version.json"

    def unit(self, name: str) -> Path:
        return self.prefix / "etc/systemd/system" / name

    @property
    def state(self) -> Path:
        return self.prefix / "var/lib/fleetkeep"

    @property
    def owned(self) -> Path:
        return self.state / "owned.json"

    @property
    def spool(self) -> Path:
        return self.state / "spool.sqlite"

    @property
    def index(self) -> Path:
        """Where listings of archives wait while they are told."""
        return self.state / "index"

    def index_memory(self, job: str, repository: str) -> Path:
        """How Borg cut the listing of the last archive of a job that was told; it may be lost at any time."""
        return self.index / job / f"{repository}.json"

    def deleting(self, job: str, repository: str) -> Path:
        """What a run of a job is about to delete there; one that stays was killed in between."""
        return self.state / "deleting" / job / f"{repository}.json"

    @property
    def catalog(self) -> Path:
        return self.state / "catalog.sqlite"

    @property
    def borg_base(self) -> Path:
        return self.state / "borg"

    def facts(self, job: str) -> Path:
        return self.state / "facts" / f"{job}.json"

    def running(self, job: str) -> Path:
        """What a run that is at work says of itself; one that stays there after its end was killed."""
        return self.state / "running" / f"{job}.json"

    @property
    def scratch(self) -> Path:
        return self.state / "scratch"

    @property
    def restores(self) -> Path:
        """What restores that are not finished know of themselves."""
        return self.state / "restores"

    @property
    def borg_cache(self) -> Path:
        return self.prefix / "var/cache/fleetkeep/borg"

    def run_log(self, run_id: str) -> Path:
        return self.prefix / "var/log/fleetkeep/runs" / f"{run_id}.jsonl"

    def job_lock(self, job: str) -> Path:
        """Held by a run of the job."""
        return self.lock(f"job-{job}")

    def repository_lock(self, repository: str) -> Path:
        """Held by the one run of this host that writes to the repository; another waits for it."""
        return self.lock(f"repository-{repository}")

    @property
    def mounts(self) -> Path:
        """What each mount says of itself."""
        return self.prefix / "run/fleetkeep/mounts"

    def lock(self, name: str) -> Path:
        return self.prefix / "run/fleetkeep" / f"{name}.lock"


__all__ = ["Paths"]
