# SPDX-License-Identifier: GPL-3.0-or-later
"""Gives a repository another passphrase, in steps of which each can be the last one before a power cut.

The new passphrase is written down durably beside the old one before Borg hears of it, and takes its place only after
it has opened the repository. Saying the same again goes on wherever it ended, and always towards the new passphrase: a
borg that outlived its parent may still be changing it. What counts is the repository that Borg knows, not its name: a
host may know one by several names, and each of them gets the new passphrase before the change is over.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from fleetkeep.borg.access import BorgAccess
from fleetkeep.borg.answers import parse_listing
from fleetkeep.borg.command import key_change_passphrase_arguments, list_arguments
from fleetkeep.borg.failures import failure_of
from fleetkeep.borg.passphrase import Passphrase
from fleetkeep.borg.process import run_borg
from fleetkeep.borg.program import BorgProgram
from fleetkeep.clock import Clock
from fleetkeep.errors import (
    AnotherApply,
    ChangeUnderWay,
    NeitherOpens,
    NewPassphraseNeeded,
    NewPassphraseUnwanted,
    NothingEncrypted,
    OldPassphraseNeeded,
    PassphraseNotChanged,
    PassphraseUnfit,
    RepositoryBusy,
    RepositoryMissing,
    RepositoryReplaced,
    RepositoryUnknown,
    RepositoryWrongPassphrase,
    SameRepositoryByCommand,
    SharedRepository,
    StoreNotChanged,
)
from fleetkeep.ids import new_passphrase
from fleetkeep.link import KeyChanged
from fleetkeep.model import Encryption, OwnedRepository, PassphraseKind, Repository
from fleetkeep.plan.kit import fingerprint
from fleetkeep.plan.resource import sha256_of

from .access import repository_access
from .director_port import Director
from .files import remove_file, write_file
from .kit import export_key
from .ledger import Ledger
from .lock import Held, hold
from .paths import Paths
from .repositories import find_repository
from .resources import render_file
from .state import load_desired, load_owned

CHANGE_SECONDS = 300


@dataclass(frozen=True)
class KeyHost:
    """The host on which a passphrase is changed."""

    paths: Paths
    client: str
    program: BorgProgram
    director: Director
    clock: Clock


@dataclass(frozen=True)
class Rotated:
    """What became of a change."""

    fingerprint: str
    """Of the key as it is now."""

    changed: bool
    """Whether Borg changed something; false where that was done before."""

    problem: str
    """Why the change is not recorded yet; empty when it is."""

    also: tuple[str, ...] = ()
    """Other names by which this host knows the repository; they have the new passphrase, too."""


def unfinished_changes(paths: Paths) -> tuple[str, ...]:
    """The repositories whose change of passphrase was begun and is not finished: it was interrupted, or is at work.

    Where a command prints the passphrase, nothing is kept here and nothing can be said.
    """
    ending = paths.pending_passphrase("").name
    found = paths.pending_passphrase("").parent.glob(f"?*{ending}")
    return tuple(sorted(path.name.removesuffix(ending) for path in found))


def change_passphrase(
    host: KeyHost, repository: Repository, *, new: str | None = None, old: str | None = None, shared: bool = False
) -> Rotated:
    """Give a repository another passphrase, or go on where that was interrupted.

    Arguments:
        host: Where.
        repository: The repository, as it was applied.
        new: The new passphrase; without it a generated one gets 256 random bits.
        old: Where a command prints the passphrase: the old one, for the command prints the new one by now.
        shared: Whether other hosts may use the repository, too.

    Raises a ``FleetkeepError`` that says what stands; the repository then opens with one of the two passphrases.
    """
    if repository.encryption is Encryption.NONE:
        raise NothingEncrypted(repository=repository.name)
    known = load_owned(host.paths).repositories.get(repository.name)
    if known is None:
        raise RepositoryUnknown(repository=repository.name, location=repository.location)
    others = _other_names(host.paths, known)
    rotation = _Rotation(host, repository, known.id, others, shared)
    with _alone(host.paths, [repository.name, *(other.name for other in others)]):
        if repository.passphrase is PassphraseKind.COMMAND:
            if new is not None:
                raise NewPassphraseUnwanted(repository=repository.name)
            return rotation.by_command(old)
        return rotation.by_file(new)


def _other_names(paths: Paths, known: OwnedRepository) -> tuple[Repository, ...]:
    """The same repository by the other names under which this host uses it: by Borg's id, or by its place."""
    owned = load_owned(paths).repositories
    declared = load_desired(paths).repositories
    return tuple(
        declared[name]
        for name, other in sorted(owned.items())
        if name != known.name and name in declared and (other.id == known.id or other.location == known.location)
    )


@contextmanager
def _alone(paths: Paths, repositories: Sequence[str]) -> Iterator[None]:
    """Nothing is applied, and no run uses the repository by any name, for the length of a ``with`` block."""
    try:
        with hold(paths.lock("apply")), ExitStack() as stack:
            for repository in sorted(repositories):
                try:
                    stack.enter_context(hold(paths.repository_lock(repository)))
                except Held as held:
                    raise RepositoryBusy(repository=repository, holder=held.holder) from None
            yield
    except Held as held:
        raise AnotherApply(holder=held.holder, prefix=paths.prefix) from None


class _Rotation:
    """One change at work."""

    def __init__(
        self, host: KeyHost, repository: Repository, known_id: str, others: Sequence[Repository], shared: bool
    ) -> None:
        self._host = host
        self._others = others
        self._repository = repository
        self._known_id = known_id
        self._shared = shared
        self._place = host.paths.passphrase(repository.name)
        self._pending = host.paths.pending_passphrase(repository.name)

    def by_file(self, new: str | None) -> Rotated:
        """Where the passphrase is in a file of this host."""
        self._check_others(by_command=False)
        pending = _read(self._pending)
        if pending is None:
            pending = self._begin(new)
        elif new not in (None, pending):
            raise ChangeUnderWay(repository=self._repository.name)
        changed = self._bring_into_force(pending)
        self._put_for_others(pending)
        rotated = self._tell(pending, changed)
        remove_file(self._pending)
        return rotated

    def by_command(self, old: str | None) -> Rotated:
        """Where a command prints the passphrase; nothing has to be kept here, for its store and its user have both."""
        self._check_others(by_command=True)
        printed = self._present()
        if self._opens(printed):
            if old == printed:
                raise StoreNotChanged(repository=self._repository.name)
            self._put_for_others(printed)
            return self._tell(printed, changed=False)
        if old is None:
            raise OldPassphraseNeeded(repository=self._repository.name)
        self._check(old, "old")
        self._check(printed, "new")
        if not self._opens(old):
            raise self._neither("what the command prints", "the old passphrase that was given")
        self._check_own(old)
        self._change(old, printed)
        self._put_for_others(printed)
        return self._tell(printed, changed=True)

    def _begin(self, new: str | None) -> str:
        """Choose the new passphrase and write it down; nothing is written when something is not as it should be."""
        present = self._present()
        if new is None and self._repository.passphrase is PassphraseKind.GIVEN:
            raise NewPassphraseNeeded(repository=self._repository.name)
        chosen = new_passphrase() if new is None else new
        self._check(present, "present")
        self._check(chosen, "new")
        if chosen == present:
            raise PassphraseUnfit(which="new", repository=self._repository.name, problem="is the one that it has")
        if not self._opens(present):
            raise RepositoryWrongPassphrase(repository=self._repository.name, location=self._repository.location)
        self._check_own(present)
        write_file(self._pending, chosen)
        return chosen

    def _bring_into_force(self, pending: str) -> bool:
        """Have the new passphrase open the repository, then put it in its place; whether Borg had to change it."""
        present = _read(self._place)
        changed = False
        if not self._opens(pending):
            if present is None or present == pending or not (self._opens(present) or self._opens(pending)):
                raise self._neither(f"the passphrase in {self._place}", f"the new one in {self._pending}")
            self._change(present, pending)
            changed = True
        self._put(self._place, pending)
        return changed

    def _put(self, place: Path, passphrase: str) -> None:
        """Put the passphrase into its file, if it is not there yet."""
        if _read(place) != passphrase:
            self._mark(place, passphrase)
            write_file(place, passphrase)

    def _change(self, old: str, new: str) -> None:
        """Have Borg change it. What counts is what opens the repository afterwards, whatever Borg says."""
        arguments = key_change_passphrase_arguments(self._repository.location)
        result = run_borg(self._access(old), arguments, deadline_seconds=CHANGE_SECONDS, new_passphrase=Passphrase(new))
        if not self._opens(new):
            failure = failure_of(result, "key change-passphrase", self._repository.name, self._repository.location)
            raise PassphraseNotChanged(repository=self._repository.name, reason=failure)

    def _tell(self, passphrase: str, changed: bool) -> Rotated:
        """Tell the Director, durably, so that kits with the former key are stale."""
        host, key = self._host, export_key(self._access(passphrase), self._repository.name)
        print_of_key, others = fingerprint(self._known_id, key), tuple(other.name for other in self._others)
        with closing(Ledger(host.paths.spool, host.director, host.client, host.clock)) as ledger:
            for name in (self._repository.name, *others):
                message = KeyChanged(
                    at=host.clock.now(), repository=name, repository_id=self._known_id, fingerprint=print_of_key
                )
                ledger.tell(message)
            return Rotated(fingerprint=print_of_key, changed=changed, problem=ledger.problem, also=others)

    def _opens(self, passphrase: str) -> bool:
        """Whether a passphrase opens the repository that this host knows. Raises what hinders the question itself."""
        try:
            found = find_repository(self._repository, self._access(passphrase))
        except RepositoryWrongPassphrase:
            return False
        if found is None:
            raise RepositoryMissing(repository=self._repository.name, location=self._repository.location)
        if found != self._known_id:
            raise RepositoryReplaced(
                repository=self._repository.name,
                location=self._repository.location,
                found=found,
                expected=self._known_id,
            )
        return True

    def _check_others(self, *, by_command: bool) -> None:
        """Each other name must get the new passphrase. Raises SameRepositoryByCommand, ChangeUnderWay."""
        for other in self._others:
            if other.passphrase is PassphraseKind.COMMAND and not by_command:
                raise SameRepositoryByCommand(
                    repository=self._repository.name, other=other.name, location=self._repository.location
                )
            if self._host.paths.pending_passphrase(other.name).exists():
                raise ChangeUnderWay(repository=other.name)

    def _put_for_others(self, passphrase: str) -> None:
        """Where a command prints the passphrase of another name, its user puts the new one into what it reads."""
        for other in self._others:
            if other.passphrase is not PassphraseKind.COMMAND:
                self._put(self._host.paths.passphrase(other.name), passphrase)

    def _check_own(self, passphrase: str) -> None:
        """Refuse to lock other hosts out of a repository that they use. They are known by the names of archives."""
        if self._shared:
            return
        access = self._access(passphrase)
        result = run_borg(access, list_arguments(access.location), deadline_seconds=CHANGE_SECONDS)
        for archive in parse_listing(result.stdout) or ():
            if not archive.name.startswith(f"{self._host.client}-"):
                raise SharedRepository(repository=self._repository.name, client=self._host.client, archive=archive.name)

    def _check(self, passphrase: str, which: str) -> None:
        problem = ""
        if not passphrase.strip():
            problem = "is empty"
        elif any(character in passphrase for character in "\r\n\0"):
            problem = "has several lines or a NUL; Borg takes one line of text"
        if problem:
            raise PassphraseUnfit(which=which, repository=self._repository.name, problem=problem)

    def _mark(self, place: Path, passphrase: str) -> None:
        """Write into the ownership journal what is about to be written, so that it does not look like a hand's work."""
        owned = load_owned(self._host.paths)
        path = str(place.relative_to(self._host.paths.prefix))
        if path in owned.files:
            mark = owned.files[path].model_copy(update={"sha256": sha256_of(passphrase)})
            fresh = owned.model_copy(update={"files": {**owned.files, path: mark}})
            write_file(self._host.paths.owned, render_file(fresh))

    def _present(self) -> str:
        access = repository_access(self._host.paths, self._repository, self._host.program)
        return access.passphrase.reveal() if access.passphrase is not None else ""

    def _access(self, passphrase: str) -> BorgAccess:
        return repository_access(self._host.paths, self._repository, self._host.program, passphrase)

    def _neither(self, first: str, second: str) -> NeitherOpens:
        return NeitherOpens(
            first=first, second=second, repository=self._repository.name, location=self._repository.location
        )


def _read(path: Path) -> str | None:
    """The passphrase in a file, or ``None`` where there is none."""
    try:
        return path.read_bytes().decode().rstrip("\n")
    except FileNotFoundError:
        return None


__all__ = ["KeyHost", "Rotated", "change_passphrase", "unfinished_changes"]
