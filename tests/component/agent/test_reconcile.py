# SPDX-License-Identifier: GPL-3.0-or-later
"""The one reconcile, with real Borg, below a private prefix."""

from __future__ import annotations

import dataclasses
import stat
from pathlib import Path

import pytest

from fleetkeep.agent import apply as apply_module
from fleetkeep.agent import reconcile as reconcile_module
from fleetkeep.agent.paths import Paths
from fleetkeep.agent.reconcile import Reconciliation, reconcile
from fleetkeep.agent.repositories import create_repository, local_repository_id
from fleetkeep.agent.resources import Given
from fleetkeep.agent.state import load_job, load_owned, load_repository, repository_id
from fleetkeep.clock import SystemClock
from fleetkeep.errors import (
    ApplyFailed,
    FleetkeepError,
    JournalUnreadable,
    NotARepository,
    PassphraseEmpty,
    PassphraseInUse,
    PassphraseLost,
    PassphraseMissing,
    RepositoryKeyMissing,
    RepositoryMissing,
    RepositoryReplaced,
    RepositoryWrongEncryption,
    RepositoryWrongPassphrase,
    TooManyRemovals,
)
from fleetkeep.model import DesiredState, Job, PassphraseKind, Repository, Schedule
from fleetkeep.plan.change import Action, Kind

SECRET = "hush-3b1f"


def state(
    places: Path,
    *,
    jobs: tuple[str, ...] = ("documents",),
    passphrase: PassphraseKind = PassphraseKind.GIVEN,
    encryption: str = "repokey-blake2",
    repository: str = "one",
) -> DesiredState:
    location = str(places / "repositories" / repository)
    declared = Repository(name="local", location=location, passphrase=passphrase, encryption=encryption)
    return DesiredState(
        client="workstation",
        repositories={"local": declared} if jobs else {},
        jobs={
            name: Job(
                name=name,
                sources={"paths": [str(places / "source")]},
                repositories=("local",),
                retention={"daily": 7},
                schedule=Schedule(cron="0 2 * * *"),
            )
            for name in jobs
        },
    )


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path / "prefix")


def bring(
    paths: Paths,
    desired: DesiredState,
    *,
    check: bool = False,
    allow_removals: bool = False,
    secrets: dict[str, str] | None = None,
) -> Reconciliation:
    given = {"local": SECRET} if secrets is None else secrets
    return reconcile(
        paths,
        desired,
        Given(secrets=given),
        check=check,
        allow_removals=allow_removals,
        clock=SystemClock(),
        command=["/usr/bin/fleetkeep"],
    )


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_check_mode_on_a_clean_host_writes_nothing_and_foretells_the_apply(paths: Paths, tmp_path: Path) -> None:
    foretold = bring(paths, state(tmp_path), check=True)
    assert foretold.changed and not foretold.applied
    assert not paths.prefix.exists() and not (tmp_path / "repositories").exists()

    done = bring(paths, state(tmp_path))
    assert done.applied
    assert done.plan == foretold.plan


def test_a_first_apply_makes_everything_and_a_second_changes_nothing(paths: Paths, tmp_path: Path) -> None:
    plan = bring(paths, state(tmp_path)).plan
    assert [(c.action, c.kind, c.name) for c in plan.changes] == [
        (Action.CREATE, Kind.PASSPHRASE, "local"),
        (Action.CREATE, Kind.REPOSITORY, "local"),
        (Action.CREATE, Kind.JOB, "documents"),
    ]
    assert load_job(paths, "documents").repositories == ("local",)
    assert load_repository(paths, "local").location == str(tmp_path / "repositories/one")
    assert repository_id(paths, "local") == local_repository_id(tmp_path / "repositories/one")
    secret_file = paths.passphrase("local")
    assert stat.S_IMODE(secret_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(secret_file.parent.stat().st_mode) == 0o700

    before = tree(tmp_path)
    again = bring(paths, state(tmp_path))
    assert not again.changed and not again.applied
    assert tree(tmp_path) == before


def test_a_secret_lies_only_in_its_file(paths: Paths, tmp_path: Path) -> None:
    bring(paths, state(tmp_path))
    holders = [name for name, content in tree(tmp_path).items() if SECRET.encode() in content]
    assert holders == ["prefix/etc/fleetkeep/secrets/local.passphrase"]


def test_a_generated_passphrase_is_made_once_and_kept(paths: Paths, tmp_path: Path) -> None:
    desired = state(tmp_path, passphrase=PassphraseKind.GENERATED)
    bring(paths, desired, secrets={})
    made = paths.passphrase("local").read_text()
    assert len(made) >= 43
    assert not bring(paths, desired, secrets={}).changed
    bring(paths, state(tmp_path, jobs=()), allow_removals=True, secrets={})
    assert paths.passphrase("local").read_text() == made, "the only copy of a key to living archives was removed"


def test_what_is_declared_no_longer_goes_but_the_repository_stays(paths: Paths, tmp_path: Path) -> None:
    bring(paths, state(tmp_path))
    repository = tree(tmp_path / "repositories/one")
    plan = bring(paths, state(tmp_path, jobs=()), allow_removals=True).plan
    assert all(change.action is Action.DELETE for change in plan.changes)
    assert [orphan.location for orphan in plan.orphans] == [str(tmp_path / "repositories/one")]
    assert tree(tmp_path / "repositories/one") == repository
    assert not paths.job("documents").exists() and not paths.passphrase("local").exists()
    again = bring(paths, state(tmp_path, jobs=()))
    assert not again.changed
    assert [orphan.name for orphan in again.plan.orphans] == ["local"]


def test_a_repository_that_is_declared_again_is_adopted(paths: Paths, tmp_path: Path) -> None:
    bring(paths, state(tmp_path))
    first = repository_id(paths, "local")
    bring(paths, state(tmp_path, jobs=()), allow_removals=True)
    plan = bring(paths, state(tmp_path)).plan
    assert any("will be adopted" in change.summary for change in plan.changes)
    assert repository_id(paths, "local") == first


def test_mass_removal_is_refused_before_anything_changes(paths: Paths, tmp_path: Path) -> None:
    bring(paths, state(tmp_path, jobs=("a", "b", "c")))
    before = tree(tmp_path)
    for check in (True, False):
        with pytest.raises(TooManyRemovals, match="2 of 3 jobs"):
            bring(paths, state(tmp_path, jobs=("a",)), check=check)
    assert tree(tmp_path) == before
    bring(paths, state(tmp_path, jobs=("a", "b")))
    assert not paths.job("c").exists()


def refused(error: type[FleetkeepError], paths: Paths, desired: DesiredState, **arguments: object) -> FleetkeepError:
    """The same refusal in check mode and in an apply, with nothing changed."""
    root = paths.prefix.parent
    before = tree(root)
    for check in (True, False):
        with pytest.raises(error) as caught:
            bring(paths, desired, check=check, **arguments)  # type: ignore[arg-type]
    after = tree(root)
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    notes = ("/run/fleetkeep/apply.lock", "/var/lib/fleetkeep/borg-version.json")
    assert {name for name in changed if "/fleetkeep/borg/" not in name and not name.endswith(notes)} == set()
    assert SECRET not in str(caught.value)
    return caught.value


def test_another_passphrase_is_refused(paths: Paths, tmp_path: Path) -> None:
    bring(paths, state(tmp_path))
    refused(RepositoryWrongPassphrase, paths, state(tmp_path), secrets={"local": "not it"})
    refused(RepositoryWrongPassphrase, Paths(tmp_path / "other"), state(tmp_path), secrets={"local": "not it"})
    assert paths.passphrase("local").read_text() == SECRET


def test_another_encryption_is_refused(paths: Paths, tmp_path: Path) -> None:
    bring(paths, state(tmp_path))
    error = refused(RepositoryWrongEncryption, Paths(tmp_path / "other"), state(tmp_path, encryption="repokey"))
    assert "repokey-blake2" in str(error)


@pytest.mark.parametrize("other", ["repokey", "keyfile-blake2"])
def test_another_encryption_of_a_known_repository_is_refused(paths: Paths, tmp_path: Path, other: str) -> None:
    bring(paths, state(tmp_path))
    error = refused(RepositoryWrongEncryption, paths, state(tmp_path, encryption=other))
    assert f"exists with encryption repokey-blake2, but {other} is declared" in str(error)


@pytest.mark.parametrize(
    ("there", "declared", "found"),
    [("none", "repokey", "none"), ("keyfile", "repokey", "keyfile"), ("repokey", "none", "another with a passphrase")],
)
def test_an_encryption_that_cannot_even_be_opened_is_named(
    paths: Paths, tmp_path: Path, there: str, declared: str, found: str
) -> None:
    def with_encryption(encryption: str) -> DesiredState:
        kind = PassphraseKind.NONE if encryption == "none" else PassphraseKind.GIVEN
        return state(tmp_path, encryption=encryption, passphrase=kind)

    bring(Paths(tmp_path / "other"), with_encryption(there), secrets={} if there == "none" else None)
    secrets = {} if declared == "none" else None
    error = refused(RepositoryWrongEncryption, paths, with_encryption(declared), secrets=secrets)
    assert f"{found}, but {declared} is declared" in str(error)


def test_a_passphrase_that_is_given_no_longer_is_never_removed(paths: Paths, tmp_path: Path) -> None:
    bring(paths, state(tmp_path))
    bring(paths, state(tmp_path, passphrase=PassphraseKind.GENERATED), secrets={})
    bring(paths, state(tmp_path, jobs=()), allow_removals=True, secrets={})
    assert paths.passphrase("local").read_text() == SECRET


def test_an_empty_passphrase_is_refused(paths: Paths, tmp_path: Path) -> None:
    refused(PassphraseEmpty, paths, state(tmp_path), secrets={"local": " "})


def test_a_passphrase_that_is_not_here_is_refused(paths: Paths, tmp_path: Path) -> None:
    refused(PassphraseMissing, paths, state(tmp_path), secrets={})


def test_a_folder_of_other_things_is_refused(paths: Paths, tmp_path: Path) -> None:
    other = tmp_path / "repositories/one"
    other.mkdir(parents=True)
    (other / "letter.txt").write_text("mine")
    refused(NotARepository, paths, state(tmp_path))
    assert (other / "letter.txt").read_text() == "mine"


def test_a_known_repository_that_is_gone_is_never_made_anew(paths: Paths, tmp_path: Path) -> None:
    bring(paths, state(tmp_path))
    (tmp_path / "repositories/one").rename(tmp_path / "elsewhere")
    (tmp_path / "repositories/one").mkdir()
    refused(RepositoryMissing, paths, state(tmp_path))


def test_a_replaced_repository_is_refused(paths: Paths, tmp_path: Path) -> None:
    bring(paths, state(tmp_path))
    bring(Paths(tmp_path / "other"), state(tmp_path, repository="two"))
    (tmp_path / "repositories/one").rename(tmp_path / "elsewhere")
    (tmp_path / "repositories/two").rename(tmp_path / "repositories/one")
    refused(RepositoryReplaced, paths, state(tmp_path))


def test_without_encryption_a_repository_needs_no_passphrase(paths: Paths, tmp_path: Path) -> None:
    desired = state(tmp_path, passphrase=PassphraseKind.NONE, encryption="none")
    plan = bring(paths, desired, secrets={}).plan
    assert [c.kind for c in plan.changes] == [Kind.REPOSITORY, Kind.JOB]
    assert not bring(paths, desired, secrets={}).changed


def test_a_hand_edit_is_put_back(paths: Paths, tmp_path: Path) -> None:
    bring(paths, state(tmp_path))
    good = paths.job("documents").read_text()
    paths.job("documents").write_text(good.replace('"daily": 7', '"daily": 1'))
    (change,) = bring(paths, state(tmp_path)).plan.changes
    assert change.reason == "was edited on this host; is put back"
    assert paths.job("documents").read_text() == good


@pytest.mark.parametrize("cut_at", range(1, 9))
def test_an_apply_that_is_cut_leaves_whole_changes_and_the_next_goes_on(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cut_at: int
) -> None:
    """The power goes at each write in turn: every file is as before or as after, and an apply completes the work."""
    writes = 0
    write_file = apply_module.write_file

    class PowerCut(BaseException):
        pass

    def cut(path: Path, text: str, mode: int = 0o600) -> None:
        nonlocal writes
        writes += 1
        if writes == cut_at:
            raise PowerCut
        write_file(path, text, mode)

    monkeypatch.setattr(apply_module, "write_file", cut)
    desired = state(tmp_path, jobs=("a", "b"), passphrase=PassphraseKind.GENERATED)
    with pytest.raises(PowerCut):
        bring(paths, desired, secrets={})
    monkeypatch.undo()
    bring(paths, desired, secrets={})
    assert {"a", "b"} == {load_job(paths, name).name for name in ("a", "b")}
    assert not bring(paths, desired, secrets={}).changed
    bring(paths, state(tmp_path, jobs=()), allow_removals=True, secrets={})
    left = [name for name in load_owned(paths).files if "secrets" not in name]
    assert left == [], "what a cut apply created is not owned, so it would never be removed"


def test_a_full_disk_is_one_sentence_and_the_next_apply_goes_on(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_file = apply_module.write_file

    def full(path: Path, text: str, mode: int = 0o600) -> None:
        if path == paths.job("documents"):
            raise OSError(28, "No space left on device")
        write_file(path, text, mode)

    monkeypatch.setattr(apply_module, "write_file", full)
    with pytest.raises(ApplyFailed, match="no space left"):
        bring(paths, state(tmp_path))
    monkeypatch.undo()
    assert [c.kind for c in bring(paths, state(tmp_path)).plan.changes] == [Kind.JOB]


def test_the_plan_holds_no_secret(paths: Paths, tmp_path: Path) -> None:
    done = bring(paths, state(tmp_path), check=True)
    assert SECRET not in done.plan.model_dump_json()
    assert SECRET not in repr(dataclasses.asdict(done))


def test_check_mode_leaves_no_trace_when_it_opens_a_repository(paths: Paths, tmp_path: Path) -> None:
    bring(paths, state(tmp_path))
    other = Paths(tmp_path / "other")
    assert "will be adopted" in str(bring(other, state(tmp_path), check=True).plan)
    assert not other.prefix.exists()


def test_a_generated_passphrase_is_never_written_over_while_archives_need_it(paths: Paths, tmp_path: Path) -> None:
    bring(paths, state(tmp_path, passphrase=PassphraseKind.GENERATED), secrets={})
    made = paths.passphrase("local").read_text()
    refused(PassphraseInUse, paths, state(tmp_path, repository="two"))
    assert paths.passphrase("local").read_text() == made


def test_a_lost_generated_passphrase_is_never_replaced_by_a_new_one(paths: Paths, tmp_path: Path) -> None:
    desired = state(tmp_path, passphrase=PassphraseKind.GENERATED)
    bring(paths, desired, secrets={})
    paths.passphrase("local").unlink()
    refused(PassphraseLost, paths, desired, secrets={})


def test_a_given_passphrase_that_is_declared_no_longer_is_kept_for_its_archives(paths: Paths, tmp_path: Path) -> None:
    bring(paths, state(tmp_path))
    bring(paths, state(tmp_path, passphrase=PassphraseKind.GENERATED), secrets={})
    bring(paths, state(tmp_path, jobs=()), allow_removals=True)
    assert paths.passphrase("local").read_text() == SECRET


def test_a_repository_without_the_declared_encryption_is_refused(paths: Paths, tmp_path: Path) -> None:
    bring(paths, state(tmp_path, passphrase=PassphraseKind.NONE, encryption="none"), secrets={})
    error = refused(RepositoryWrongEncryption, Paths(tmp_path / "other"), state(tmp_path))
    assert "exists with encryption none" in str(error)


def test_a_key_file_of_another_host_is_asked_for(paths: Paths, tmp_path: Path) -> None:
    desired = state(tmp_path, encryption="keyfile-blake2")
    bring(paths, desired)
    assert not bring(paths, desired).changed
    refused(RepositoryKeyMissing, Paths(tmp_path / "other"), desired)


def test_a_repository_that_moved_is_adopted_at_its_new_place(paths: Paths, tmp_path: Path) -> None:
    bring(paths, state(tmp_path))
    bring(paths, state(tmp_path, jobs=()), allow_removals=True)
    bring(paths, state(tmp_path))
    first = repository_id(paths, "local")
    (tmp_path / "repositories/one").rename(tmp_path / "repositories/two")
    plan = bring(paths, state(tmp_path, repository="two")).plan
    assert plan.orphans == ()
    assert repository_id(paths, "local") == first
    assert load_owned(paths).orphans == ()


def test_a_repository_is_made_where_a_link_leads(paths: Paths, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "repositories").mkdir()
    (tmp_path / "repositories/one").symlink_to(tmp_path / "disk")
    bring(paths, state(tmp_path))
    assert local_repository_id(tmp_path / "disk") == repository_id(paths, "local")


def test_a_repository_is_made_on_a_mount_point(paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "repositories/one"
    place.mkdir(parents=True)
    inode = place.stat().st_ino
    monkeypatch.setattr(Path, "is_mount", lambda path: path == place)
    bring(paths, state(tmp_path))
    assert place.stat().st_ino == inode
    assert local_repository_id(place) == repository_id(paths, "local")


def test_a_repository_that_another_host_made_meanwhile_is_shared(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Paths(tmp_path / "other")

    def late(*arguments: object) -> str:
        monkeypatch.undo()
        bring(other, state(tmp_path))
        return create_repository(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(apply_module, "create_repository", late)
    bring(paths, state(tmp_path))
    assert repository_id(paths, "local") == repository_id(other, "local") is not None


@pytest.mark.parametrize("harm", ["{", None])
def test_a_harmed_copy_of_the_desired_state_is_written_anew(paths: Paths, tmp_path: Path, harm: str | None) -> None:
    bring(paths, state(tmp_path))
    good = paths.desired.read_text()
    paths.desired.write_text(harm) if harm else paths.desired.unlink()
    assert not bring(paths, state(tmp_path)).changed
    assert paths.desired.read_text() == good


def test_a_broken_journal_is_one_sentence_with_a_way_out(paths: Paths, tmp_path: Path) -> None:
    bring(paths, state(tmp_path))
    paths.owned.write_text("{")
    refused(JournalUnreadable, paths, state(tmp_path))
    paths.owned.unlink()
    bring(paths, state(tmp_path))
    assert not bring(paths, state(tmp_path)).changed


def test_the_copy_of_the_desired_state_is_written_before_the_apply_counts_as_whole(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(path: Path, text: str, mode: int = 0o600) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(reconcile_module, "write_file", cut)
    with pytest.raises(KeyboardInterrupt):
        bring(paths, state(tmp_path))
    monkeypatch.undo()
    bring(paths, state(tmp_path))
    assert paths.desired.exists()


def test_a_file_that_is_no_text_any_more_is_put_back(paths: Paths, tmp_path: Path) -> None:
    bring(paths, state(tmp_path))
    good = paths.job("documents").read_text()
    paths.job("documents").write_bytes(b"\xff\xfe")
    plan = bring(paths, state(tmp_path)).plan
    assert plan.digest and plan.model_dump_json()
    assert paths.job("documents").read_text() == good


def test_the_permissions_of_a_generated_passphrase_are_put_back_and_nothing_else(paths: Paths, tmp_path: Path) -> None:
    desired = state(tmp_path, passphrase=PassphraseKind.GENERATED)
    bring(paths, desired, secrets={})
    file = paths.passphrase("local")
    file.write_bytes(b"caf\xe9")
    file.chmod(0o644)
    (change,) = bring(paths, desired, secrets={}).plan.changes
    assert [field.path for field in change.fields] == ["mode"]
    assert (file.read_bytes(), stat.S_IMODE(file.stat().st_mode)) == (b"caf\xe9", 0o600)
    assert not bring(paths, desired, secrets={}).changed
