# SPDX-License-Identifier: GPL-3.0-or-later
"""A change of passphrase with real Borg, killed after each step: the repository opens, and going on ends it well."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from builders import Sender, make_kit_record
from click.testing import CliRunner
from empty_catalog import put_empty_catalog

from fleetkeep.agent.access import repository_access
from fleetkeep.agent.files import write_file
from fleetkeep.agent.lock import hold
from fleetkeep.agent.repositories import create_repository, find_repository
from fleetkeep.agent.rotation import KeyHost, Rotated, change_passphrase, unfinished_changes
from fleetkeep.agent.state import load_owned
from fleetkeep.borg.command import create_arguments
from fleetkeep.borg.process import run_borg
from fleetkeep.catalog.database import open_catalog
from fleetkeep.cli.main import program
from fleetkeep.clock import SystemClock
from fleetkeep.director.embedded import EmbeddedDirector
from fleetkeep.director.kits import list_kits
from fleetkeep.errors import (
    AnotherApply,
    ChangeUnderWay,
    FleetkeepError,
    NeitherOpens,
    NewPassphraseNeeded,
    NewPassphraseUnwanted,
    NothingEncrypted,
    OldPassphraseNeeded,
    PassphraseMissing,
    PassphraseNotChanged,
    PassphraseUnfit,
    RepositoryBusy,
    RepositoryReplaced,
    RepositoryUnknown,
    RepositoryWrongPassphrase,
    SameRepositoryByCommand,
    SharedRepository,
    StoreNotChanged,
)
from fleetkeep.link import KitMade
from fleetkeep.model import Encryption, PassphraseKind, Repository

from .conftest import SECRET, Host  # type: ignore[import-not-found]

NEW = ' nëw "one" \\ $(x)'


def opens(host: Host, repository: Repository, passphrase: str) -> bool:
    try:
        return (
            find_repository(repository, repository_access(host.paths, repository, host.program, passphrase)) is not None
        )
    except RepositoryWrongPassphrase:
        return False


def rotate(host: Host, repository: Repository, **options: object) -> Rotated:
    key_host = KeyHost(host.paths, "web1", host.program, host.director, SystemClock())
    return change_passphrase(key_host, repository, **options)  # type: ignore[arg-type]


def by_kind(host: Host, kind: PassphraseKind, **changes: object) -> Repository:
    """The repository with its passphrase from another source."""
    repository = host.add_repository("main")
    return repository.model_copy(update={"passphrase": kind, **changes})


def secrets(host: Host) -> dict[str, str]:
    folder = host.paths.passphrase("main").parent
    return {path.name: path.read_text().rstrip("\n") for path in folder.iterdir()}


def test_a_generated_passphrase_is_replaced_by_a_new_one(host: Host) -> None:
    repository = by_kind(host, PassphraseKind.GENERATED)
    done = rotate(host, repository)
    assert done.changed and not done.problem
    (new,) = secrets(host).values()
    assert len(new) >= 43 and new != SECRET
    assert opens(host, repository, new) and not opens(host, repository, SECRET)
    assert stat.S_IMODE(host.paths.passphrase("main").stat().st_mode) == 0o600
    message = host.director.envelopes[-1].message
    assert (message.kind, message.fingerprint, message.repository) == ("key_changed", done.fingerprint, "main")
    assert rotate(host, repository).fingerprint != done.fingerprint, "each time there is another one"


def test_a_declared_passphrase_becomes_the_one_that_is_given(host: Host) -> None:
    repository = by_kind(host, PassphraseKind.GIVEN)
    with pytest.raises(NewPassphraseNeeded):
        rotate(host, repository)
    assert rotate(host, repository, new=NEW).changed
    assert secrets(host) == {"main.passphrase": NEW}
    assert opens(host, repository, NEW) and not opens(host, repository, SECRET)


def test_with_a_command_the_store_changes_first(host: Host, tmp_path: Path) -> None:
    store = tmp_path / "store"
    store.write_text(SECRET + "\n")
    repository = by_kind(host, PassphraseKind.COMMAND, passphrase_command=("cat", str(store)))
    host.paths.passphrase("main").unlink()
    with pytest.raises(NewPassphraseUnwanted):
        rotate(host, repository, new=NEW)
    with pytest.raises(StoreNotChanged):
        rotate(host, repository, old=SECRET)
    store.write_text(NEW + "\n")
    with pytest.raises(OldPassphraseNeeded):
        rotate(host, repository)
    with pytest.raises(NeitherOpens, match="what the command prints nor the old passphrase that was given"):
        rotate(host, repository, old="not it")
    assert rotate(host, repository, old=SECRET).changed
    assert not rotate(host, repository, old=SECRET).changed
    assert not rotate(host, repository).changed
    assert opens(host, repository, NEW)
    assert secrets(host) == {}


def test_a_key_file_is_changed_too(host: Host) -> None:
    repository = host.add_repository("main")
    shutil.rmtree(repository.location)
    repository = repository.model_copy(update={"encryption": Encryption.KEYFILE_BLAKE2})
    found = create_repository(repository, repository_access(host.paths, repository, host.program))
    owned = load_owned(host.paths)
    known = owned.repositories["main"].model_copy(update={"id": found})
    write_file(host.paths.owned, owned.model_copy(update={"repositories": {"main": known}}).model_dump_json())
    assert rotate(host, repository, new=NEW).changed
    assert opens(host, repository, NEW) and not opens(host, repository, SECRET)


# --- refusals, with nothing changed ---


@pytest.mark.parametrize(
    ("new", "words"),
    [
        ("", "is empty"),
        ("  ", "is empty"),
        ("two\nlines", "several lines"),
        ("nul\0", "several lines or a NUL"),
        (SECRET, "is the one that it has"),
    ],
)
def test_an_unfit_passphrase_is_refused(host: Host, new: str, words: str) -> None:
    repository = by_kind(host, PassphraseKind.GIVEN)
    with pytest.raises(PassphraseUnfit, match=words):
        rotate(host, repository, new=new)
    assert secrets(host) == {"main.passphrase": SECRET}


def test_what_cannot_be_changed_is_said_before_anything_is_written(host: Host) -> None:
    plain = host.add_repository("plain", encrypted=False)
    with pytest.raises(NothingEncrypted):
        rotate(host, plain)
    repository = by_kind(host, PassphraseKind.GENERATED)
    with pytest.raises(RepositoryUnknown):
        rotate(host, repository.model_copy(update={"name": "other"}))
    host.paths.passphrase("main").write_text("not it")
    with pytest.raises(RepositoryWrongPassphrase):
        rotate(host, repository)
    assert secrets(host) == {"main.passphrase": "not it"}
    host.paths.passphrase("main").unlink()
    with pytest.raises(PassphraseMissing):
        rotate(host, repository)
    assert secrets(host) == {}


def test_another_repository_in_its_place_is_not_touched(host: Host, tmp_path: Path) -> None:
    repository = by_kind(host, PassphraseKind.GENERATED)
    host.add_repository("other")
    shutil.rmtree(repository.location)
    shutil.move(tmp_path / "storage/other", repository.location)
    with pytest.raises(RepositoryReplaced):
        rotate(host, repository)


def test_a_repository_that_other_hosts_use_needs_a_word(host: Host, tree: Path) -> None:
    repository = by_kind(host, PassphraseKind.GENERATED)
    access = repository_access(host.paths, repository, host.program)
    for name in ("web1-docs-20261121T020000Z-0123456789ab", "db1-docs-20261121T020000Z-0123456789ab"):
        run_borg(access, create_arguments(repository.location, name, [str(tree)], compression="lz4"))
    with pytest.raises(SharedRepository, match="such as db1-docs-"):
        rotate(host, repository)
    assert secrets(host) == {"main.passphrase": SECRET}
    assert rotate(host, repository, shared=True).changed


@pytest.mark.parametrize(("lock", "error"), [("apply", AnotherApply), ("repository-main", RepositoryBusy)])
def test_nothing_else_is_at_work_meanwhile(host: Host, lock: str, error: type[FleetkeepError]) -> None:
    repository = by_kind(host, PassphraseKind.GENERATED)
    with hold(host.paths.lock(lock)), pytest.raises(error, match=str(os.getpid())):
        rotate(host, repository)


def test_a_change_to_another_passphrase_waits_for_the_one_under_way(host: Host) -> None:
    repository = by_kind(host, PassphraseKind.GIVEN)
    write_file(host.paths.pending_passphrase("main"), NEW)
    with pytest.raises(ChangeUnderWay):
        rotate(host, repository, new="a third one")
    assert rotate(host, repository).changed
    assert secrets(host) == {"main.passphrase": NEW}


def test_where_neither_opens_both_are_kept(host: Host) -> None:
    repository = by_kind(host, PassphraseKind.GENERATED)
    write_file(host.paths.pending_passphrase("main"), NEW)
    write_file(host.paths.passphrase("main"), "not it")
    with pytest.raises(NeitherOpens):
        rotate(host, repository)
    assert secrets(host) == {"main.passphrase": "not it", "main.passphrase.new": NEW}


def test_a_borg_that_cannot_write_changes_nothing_and_it_goes_on_later(host: Host, tmp_path: Path) -> None:
    repository = by_kind(host, PassphraseKind.GENERATED)
    real = host.program
    refusing = tmp_path / "borg"
    refusing.write_text(f'#!/bin/sh\ncase "$*" in *change-passphrase*) exit 2;; esac\nexec {real.path} "$@"\n')
    refusing.chmod(0o755)
    host.program = type(real)(path=str(refusing), version=real.version)
    with pytest.raises(PassphraseNotChanged, match="the old one opens it as before"):
        rotate(host, repository)
    pending = secrets(host)["main.passphrase.new"]
    assert secrets(host)["main.passphrase"] == SECRET and opens(host, repository, SECRET)
    host.program = real
    assert rotate(host, repository).changed
    assert secrets(host) == {"main.passphrase": pending}


def test_a_borg_that_lies_about_a_failure_is_not_believed(host: Host, tmp_path: Path) -> None:
    repository = by_kind(host, PassphraseKind.GIVEN)
    real = host.program
    lying = tmp_path / "borg"
    lying.write_text(f'#!/bin/sh\n{real.path} "$@"; code=$?\ncase "$*" in *change-pass*) exit 2;; esac\nexit $code\n')
    lying.chmod(0o755)
    host.program = type(real)(path=str(lying), version=real.version)
    assert rotate(host, repository, new=NEW).changed
    assert secrets(host) == {"main.passphrase": NEW}


# --- one repository by several names ---


def known_twice(host: Host, **changes: object) -> tuple[Repository, Repository]:
    """One repository that this host knows by two names, each with a file of its own for the passphrase."""
    first = host.add_repository("main")
    second = first.model_copy(update={"name": "again", **changes})
    host.know(second)
    write_file(host.paths.passphrase("again"), SECRET)
    return first.model_copy(update={"passphrase": PassphraseKind.GENERATED}), second


def test_every_name_of_the_repository_gets_the_new_passphrase(host: Host, tree: Path) -> None:
    first, second = known_twice(host)
    done = rotate(host, first)
    assert (done.changed, done.also) == (True, ("again",))
    there = secrets(host)
    assert there["main.passphrase"] == there["again.passphrase"] != SECRET
    assert opens(host, second, there["again.passphrase"])
    told = [envelope.message for envelope in host.director.envelopes]
    assert [(one.repository, one.fingerprint) for one in told] == [
        ("main", done.fingerprint),
        ("again", done.fingerprint),
    ]
    assert host.run(host.job(tree, repositories=["again"])).outcome.is_good


def test_a_cut_before_the_other_name_has_it_is_finished_by_either_way(host: Host) -> None:
    first, second = known_twice(host)
    rotate(host, first)
    new = secrets(host)["main.passphrase"]
    write_file(host.paths.passphrase("again"), SECRET)
    write_file(host.paths.pending_passphrase("main"), new)
    with pytest.raises(ChangeUnderWay, match="change-passphrase main"):
        rotate(host, second, new=NEW)
    assert not rotate(host, first).changed
    assert secrets(host) == {"main.passphrase": new, "again.passphrase": new}


def test_another_name_at_the_same_place_with_a_command_is_told_of(host: Host, tmp_path: Path) -> None:
    store = tmp_path / "store"
    store.write_text(SECRET)
    first, second = known_twice(host, passphrase=PassphraseKind.COMMAND, passphrase_command=("cat", str(store)))
    host.paths.passphrase("again").unlink()
    with pytest.raises(SameRepositoryByCommand, match="also known here as again"):
        rotate(host, first)
    assert secrets(host) == {"main.passphrase": SECRET}
    store.write_text(NEW)
    assert rotate(host, second, old=SECRET).also == ("main",)
    assert secrets(host) == {"main.passphrase": NEW}
    assert opens(host, first, NEW)


def test_no_run_is_at_work_by_another_name(host: Host) -> None:
    first, _ = known_twice(host)
    with hold(host.paths.repository_lock("again")), pytest.raises(RepositoryBusy, match="Repository again is at work"):
        rotate(host, first)


# --- killed at each step ---

#: Does the change in a process of its own and kills that, with SIGKILL, after one of the calls that leave a trace, or
#: (cut -1) while Borg is at it, which then works on alone.
CUT = """
import os, signal, sys, threading
from pathlib import Path
from fleetkeep.agent import rotation
from fleetkeep.agent.paths import Paths
from fleetkeep.agent.state import load_repository
from fleetkeep.agent.access import host_borg
from fleetkeep.clock import SystemClock
from fleetkeep.catalog.database import open_catalog
from fleetkeep.director.embedded import EmbeddedDirector
prefix, cut, program = sys.argv[1], int(sys.argv[2]), sys.argv[3]
calls = 0
def step():
    global calls
    calls += 1
    if calls == cut:
        os.kill(os.getpid(), signal.SIGKILL)
def wrap(module, name):
    real = getattr(module, name)
    def cut_after(*arguments, **options):
        result = real(*arguments, **options)
        step()
        return result
    setattr(module, name, cut_after)
wrap(rotation, "write_file"); wrap(rotation, "remove_file"); wrap(rotation.Ledger, "tell")
run_borg = rotation.run_borg
def cut_borg(access, arguments, **options):
    if "change-passphrase" not in arguments:
        return run_borg(access, arguments, **options)
    if cut == -1:
        threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGKILL)).start()
    result = run_borg(access, arguments, **options)
    step()
    return result
rotation.run_borg = cut_borg
paths = Paths(Path(prefix))
catalog = open_catalog(paths.catalog)
host = rotation.KeyHost(paths, "web1", host_borg(paths), EmbeddedDirector(catalog, SystemClock()), SystemClock())
rotation.change_passphrase(host, load_repository(paths, "main"))
catalog.close()
"""


#: Written down, changed, in place, told, cleaned up.
STEPS = 5


def kill_after(host: Host, cut: int) -> int:
    command = [sys.executable, "-c", CUT, str(host.paths.prefix), str(cut), host.program.path]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.returncode


def unfinished_in_status(host: Host) -> list[str]:
    """Of which repositories ``status`` says that a change is not finished, each with the next step."""
    done = CliRunner().invoke(program, ["--prefix", str(host.paths.prefix), "status", "--json"])
    found = [one for one in json.loads(done.stdout)["findings"] if one["kind"] == "key_change_unfinished"]
    for one in found:
        assert one["next_step"] == f"On web1: `fleetkeep key change-passphrase {one['repository']}` finishes it."
    return [one["repository"] for one in found]


@pytest.mark.parametrize("cut", [-1, *range(1, STEPS + 1)])
def test_a_change_that_is_killed_is_finished_by_saying_it_again(host: Host, cut: int) -> None:
    repository = by_kind(host, PassphraseKind.GENERATED)
    write_file(host.paths.repository("main"), repository.model_dump_json())
    with closing(open_catalog(put_empty_catalog(host.paths.catalog))) as catalog:
        kit = make_kit_record(repository="main")
        EmbeddedDirector(catalog, SystemClock()).deliver([Sender()(KitMade(kit=kit))])

    assert kill_after(host, cut) == -signal.SIGKILL
    there = secrets(host)
    # Twice, because a borg that was left alone may change it between the two questions.
    answers = [opens(host, repository, secret) for _ in range(2) for secret in there.values()]
    assert any(answers), "nothing opens the repository any more"
    is_open = cut < STEPS  # the last step takes the new one from beside the old one
    assert unfinished_changes(host.paths) == (("main",) if is_open else ())
    assert unfinished_in_status(host) == (["main"] if is_open else [])
    assert kill_after(host, 0) == 0
    (new,) = secrets(host).values()
    assert new != SECRET and opens(host, repository, new)
    assert unfinished_in_status(host) == []
    if is_open:
        assert new == there["main.passphrase.new"], "the change went to a third passphrase"
    with closing(open_catalog(host.paths.catalog)) as catalog:
        assert [kit.is_stale for kit in list_kits(catalog)] == [True]


def test_a_change_has_no_more_steps_than_are_cut_here(host: Host) -> None:
    repository = by_kind(host, PassphraseKind.GENERATED)
    write_file(host.paths.repository("main"), repository.model_dump_json())
    assert kill_after(host, STEPS + 1) == 0
