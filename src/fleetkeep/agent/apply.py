# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries out a plan: the only file that changes a host's configuration.

Each change is whole or absent, and the ownership journal is written before what it names, so that a cut at any moment
leaves nothing that the next apply does not find.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from errno import ENOSPC

from fleetkeep import ids
from fleetkeep.clock import Clock
from fleetkeep.errors import ApplyFailed, FleetkeepError, HostKeysUnknown, StorageFull
from fleetkeep.model import Owned, OwnedFile, OwnedRepository, Repository
from fleetkeep.plan.change import Action, Change, Kind, Plan
from fleetkeep.plan.resource import Actual, FileResource, Resources, sha256_of

from . import sshd, systemd
from .accounts import is_private, make_account
from .files import remove_file, write_file
from .observe import AccessTo
from .paths import Paths
from .repositories import adopt_repository, create_repository
from .resources import render_file
from .ssh_keys import new_private_key


@dataclass
class Apply:
    """One apply in progress; ``owned`` is the journal as it stands on disk."""

    plan: Plan
    desired: Resources
    actual: Actual
    paths: Paths
    access_to: AccessTo
    clock: Clock
    owned: Owned
    applied: list[Change]
    systemd_is_stale: bool = False

    def run(self) -> None:
        """Carry out every change in order.

        Raises ``ApplyFailed``; ``applied`` then holds the changes that stand.
        """
        for change in self.plan.changes:
            with self._named(f"{change.action.value} {change.kind.value} {change.name}", change.path):
                self._carry_out(change)
            self.applied.append(change)
        if self.systemd_is_stale:
            with self._named("reload of systemd"):
                systemd.reload()

    def finish(self, digest: str, access: Mapping[str, str]) -> None:
        """Record that the state with this digest is in force, and which keys storage hosts let in: the last word of an
        apply.

        What an apply wrote and somebody removed since, though nothing declares it, is forgotten.
        """
        wanted = {file.path for file in self.desired.files}
        files = {path: file for path, file in self.owned.files.items() if path in wanted or path in self.actual.files}
        self._record(
            files=files,
            orphans=self._orphans(),
            repositories=self._used(),
            generated_passphrases=self._generated(),
            access=dict(access),
            digest=digest,
        )

    def _carry_out(self, change: Change) -> None:
        if change.kind is Kind.TIMER:
            self._apply_timer(change)
        elif change.kind is Kind.ACCOUNT:
            make_account(next(a for a in self.desired.accounts if a.name == change.name), self.paths)
        elif change.kind is Kind.SSHD:
            self._apply_server_settings(change)
        elif change.action is Action.DELETE:
            self._remove(change)
        else:
            self._put(change, next(file for file in self.desired.files if _is_about(change, file)))

    def _put(self, change: Change, file: FileResource) -> None:
        if change.kind is Kind.REPOSITORY:
            self._settle_repository(next(r for r in self.desired.repositories if r.name == change.name))
        state = self.actual.files.get(file.path)
        if file.kind is Kind.PASSPHRASE and file.content is None:
            self._record(generated_passphrases=self._generated())
        if file.content is None and state:
            self._mark(file, state.sha256)
            (self.paths.prefix / file.path).chmod(file.mode)
            return
        content = self._made(file) if file.content is None else file.content
        self._mark(file, sha256_of(content))
        write_file(self.paths.prefix / file.path, content, file.mode)
        self._after_unit(change)

    def _made(self, file: FileResource) -> str:
        """What this host makes for itself."""
        if file.kind is Kind.IDENTITY:
            return new_private_key(f"fleetkeep:{self.plan.client}:{file.name}")
        if file.kind is Kind.HOST_KEY:
            names = [r.name for r in self.desired.repositories if r.storage and r.storage.name == file.name]
            raise HostKeysUnknown(storage=file.name, repository=", ".join(names))
        return ids.new_passphrase()

    def _apply_server_settings(self, change: Change) -> None:
        """Write or remove the SSH server's settings; what the server refuses is put back before it can read it."""
        place = self.paths.prefix / change.path
        before = self.actual.files.get(change.path)
        self._record(sshd_is_stale=True)
        if change.action is Action.DELETE:
            self._remove(change)
        else:
            self._put(change, next(file for file in self.desired.files if _is_about(change, file)))
        if not is_private(self.paths):
            try:
                sshd.check_settings()
            except FleetkeepError:
                if before:
                    write_file(place, before.content, before.mode)
                else:
                    remove_file(place)
                raise
            sshd.reload()
            sshd.check_effect([account.name for account in self.desired.accounts], self.paths)
        self._record(sshd_is_stale=False)

    def _mark(self, file: FileResource, sha256: str) -> None:
        mark = OwnedFile(kind=file.kind.value, name=file.name, sha256=sha256)
        self._record(files={**self.owned.files, file.path: mark})

    def _remove(self, change: Change) -> None:
        remove_file(self.paths.prefix / change.path)
        self._record(files={path: file for path, file in self.owned.files.items() if path != change.path})
        self._after_unit(change)

    def _after_unit(self, change: Change) -> None:
        """A unit file was touched; an enabled timer whose times changed has to be started anew."""
        if change.kind is not Kind.UNIT:
            return
        self.systemd_is_stale = True
        if change.action is Action.UPDATE and change.name in self.actual.timers:
            systemd.reload()
            systemd.enable_timer(change.name)

    def _apply_timer(self, change: Change) -> None:
        if change.action is Action.DELETE:
            systemd.disable_timer(change.name)
            self._record(timers=tuple(timer for timer in self.owned.timers if timer != change.name))
            return
        if self.systemd_is_stale:
            systemd.reload()
            self.systemd_is_stale = False
        self._record(timers=tuple(dict.fromkeys((*self.owned.timers, change.name))))
        systemd.enable_timer(change.name)

    def _settle_repository(self, repository: Repository) -> None:
        """Make or adopt a repository that this host does not know at this place, and remember it for good."""
        known = self.owned.repositories.get(repository.name)
        if known and known.location == repository.location:
            return
        access = self.access_to(repository)
        assert access is not None  # noqa: S101 - its passphrase was written by an earlier change
        is_there = self.actual.repositories[repository.name].id is not None
        found = (adopt_repository if is_there else create_repository)(repository, access)
        record = OwnedRepository(
            name=repository.name, id=found, location=repository.location, known_since=self.clock.now()
        )
        former = (known,) if known else ()
        self._record(
            repositories={**self.owned.repositories, repository.name: record}, orphans=(*self.owned.orphans, *former)
        )

    def _generated(self) -> tuple[str, ...]:
        """The repositories whose passphrase is only on this host, also one that was declared as a value before."""
        files = self.desired.files
        declared = {file.name for file in files if file.kind is Kind.PASSPHRASE and file.content is None}
        return tuple(sorted(declared.union(self.owned.generated_passphrases)))

    def _used(self) -> dict[str, OwnedRepository]:
        names = {repository.name for repository in self.desired.repositories}
        return {name: known for name, known in self.owned.repositories.items() if name in names}

    def _orphans(self) -> tuple[OwnedRepository, ...]:
        used = self._used().values()
        places, ids = {known.location for known in used}, {known.id for known in used}
        every = (*self.owned.orphans, *self.owned.repositories.values())
        gone = {known.location: known for known in every if known.location not in places and known.id not in ids}
        return tuple(gone.values())

    def _record(self, **changes: object) -> None:
        owned = self.owned.model_copy(update=changes)
        if owned != self.owned:
            write_file(self.paths.owned, render_file(owned))
            self.owned = owned

    @contextmanager
    def _named(self, what: str, path: str = "") -> Iterator[None]:
        """Turn whatever goes wrong into one sentence that names the change."""
        try:
            yield
        except FleetkeepError as error:
            raise ApplyFailed(client=self.plan.client, what=what, reason=str(error)) from error
        except OSError as error:
            reason = str(StorageFull(what=what, location=self.paths.prefix / path))
            reason = reason if error.errno == ENOSPC else f"{error}."
            raise ApplyFailed(client=self.plan.client, what=what, reason=reason) from error
        except systemd.SystemdRefused as error:
            raise ApplyFailed(client=self.plan.client, what=what, reason=f"{error}.") from error


def _is_about(change: Change, file: FileResource) -> bool:
    return (file.kind, file.name) == (change.kind, change.name)


__all__ = ["Apply"]
