# SPDX-License-Identifier: GPL-3.0-or-later
"""A recovery kit with real Borg: what opens the repository is the kit, and nothing that a host knows."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from fleetkeep.agent.access import bare_environment, repository_access
from fleetkeep.agent.files import write_file
from fleetkeep.agent.kit import KitKeeper, kit_files, make_kit, render_form, write_kit
from fleetkeep.agent.kit_proof import KitPlace, prove_kit
from fleetkeep.agent.paths import Paths
from fleetkeep.agent.repositories import create_repository
from fleetkeep.borg.command import create_arguments, delete_arguments, key_change_passphrase_arguments
from fleetkeep.borg.keys import KeyExport
from fleetkeep.borg.passphrase import Passphrase
from fleetkeep.borg.process import run_borg
from fleetkeep.clock import SystemClock
from fleetkeep.errors import (
    KitNotProvable,
    KitTargetOpen,
    KitTargetTaken,
    KitTargetUnusable,
    RepositoryMissing,
    RepositoryWrongPassphrase,
)
from fleetkeep.model import Encryption, KitProof, PassphraseKind, Repository
from fleetkeep.plan.kit import KitContent
from fleetkeep.plan.kit_parse import parse_kit

from .conftest import SECRET, Host  # type: ignore[import-not-found]

ODD_SECRET = ' tw"o \\ wörds  $(x) '


class Kits:
    """A host with one repository, in which there is one archive of a small tree."""

    def __init__(self, host: Host, folder: Path, encryption: str, secret: str = SECRET) -> None:
        self.host = host
        self.folder = folder
        kind = PassphraseKind.NONE if encryption == "none" else PassphraseKind.GIVEN
        self.repository = Repository(
            name="main", location=str(folder / "storage/main"), encryption=Encryption(encryption), passphrase=kind
        )
        if kind is not PassphraseKind.NONE:
            write_file(host.paths.passphrase("main"), secret)
        self.id = create_repository(self.repository, self.access)
        tree = folder / "tree"
        tree.mkdir()
        (tree / "empty").touch()
        (tree / "letter").write_text("dear reader\n")
        made = run_borg(self.access, create_arguments(self.repository.location, "one", [str(tree)], compression="lz4"))
        assert made.exit_code == 0, made

    @property
    def access(self):  # type: ignore[no-untyped-def]
        return repository_access(self.host.paths, self.repository, self.host.program)

    def make(self) -> KitContent:
        return make_kit(
            self.repository,
            self.access,
            self.host.program,
            client="web1",
            keeper=KitKeeper(owner="Ada", place="the safe"),
            clock=SystemClock(),
        )

    def prove(self, kit: KitContent, **changes: str) -> KitProof:
        """Test a kit on another host, that has nothing."""
        blank = Paths(self.folder / "blank")
        proof = prove_kit(kit, KitPlace(self.host.program, bare_environment(blank), **changes), SystemClock())
        assert not blank.prefix.exists()
        return proof

    def change_passphrase(self, new: str) -> None:
        arguments = key_change_passphrase_arguments(self.repository.location)
        assert run_borg(self.access, arguments, new_passphrase=Passphrase(new)).exit_code == 0
        write_file(self.host.paths.passphrase("main"), new)


@pytest.fixture
def kits(host: Host, tmp_path: Path) -> Kits:
    return Kits(host, tmp_path, "repokey-blake2")


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("encryption", [mode.value for mode in Encryption])
def test_a_kit_of_every_encryption_opens_its_repository_and_changes_nothing(
    host: Host, tmp_path: Path, encryption: str
) -> None:
    kits = Kits(host, tmp_path, encryption)
    kit = parse_kit(render_form(kits.make(), ".txt").decode())
    before = tree(tmp_path)
    proof = kits.prove(kit)
    assert (proof.opens, proof.is_current, proof.archives, proof.archive) == (True, True, 1, "one")
    assert proof.read_path.endswith("tree/letter") and proof.read_bytes == 12
    assert tree(tmp_path) == before
    assert (kit.repository_id, kit.encryption.value) == (kits.id, encryption)
    assert (kit.key is None) == (encryption == "none")


def test_an_empty_repository_is_opened_too(kits: Kits) -> None:
    kit = kits.make()
    # by a file descriptor, because another test looks for the secret in the environment of every process
    assert run_borg(kits.access, delete_arguments(kits.repository.location, ["one"])).is_success
    proof = kits.prove(kit)
    assert (proof.opens, proof.archives, proof.archive, proof.read_path) == (True, 0, "", "")


def test_the_text_has_what_borg_itself_exports(kits: Kits) -> None:
    text = render_form(kits.make(), ".txt").decode()
    for form in ([], ["--paper"]):
        command = [kits.host.program.path, "key", "export", *form, kits.repository.location]
        said = subprocess.run(command, env=kits.access.environment, capture_output=True, text=True, check=True).stdout
        assert said.removeprefix("To restore key use borg key import --paper /path/to/repo\n\n") in text


# --- what is in the repository may be wrong: the kit is the escrow ---


def test_a_kit_from_before_a_change_opens_it_with_its_own_key_and_is_stale(kits: Kits) -> None:
    kit = kits.make()
    kits.change_passphrase("another one")
    proof = kits.prove(kit)
    assert (proof.opens, proof.is_current, proof.read_bytes) == (True, False, 12)
    assert kits.prove(kits.make()).is_current


@pytest.mark.parametrize("harm", ["gone", "swapped"])
def test_a_kit_opens_a_repository_whose_own_key_was_destroyed(kits: Kits, harm: str) -> None:
    kit = kits.make()
    if harm == "swapped":
        kits.change_passphrase("only the thief knows it")
    else:
        config = Path(kits.repository.location) / "config"
        text = config.read_text()
        config.write_text(text[: text.index("key = ")])
    proof = kits.prove(kit)
    assert (proof.opens, proof.is_current, proof.read_bytes) == (True, False, 12)


def test_a_binary_that_cannot_be_made_to_take_the_key_says_so(kits: Kits, tmp_path: Path) -> None:
    kit = kits.make()
    binary = tmp_path / "borg"
    binary.write_text(f'#!/bin/sh\nexec {kits.host.program.path} "$@"\n')
    binary.chmod(0o755)
    kits.host.program = replace(kits.host.program, path=str(binary))
    assert kits.prove(kit).opens, "a kit of the present key needs no more than the binary"
    kits.change_passphrase("another one")
    with pytest.raises(KitNotProvable, match="not a Python script"):
        kits.prove(kit)


# --- a kit that is wrong ---


@pytest.mark.parametrize("encryption", ["repokey-blake2", "keyfile-blake2"])
def test_a_wrong_passphrase_does_not_open_it(host: Host, tmp_path: Path, encryption: str) -> None:
    kits = Kits(host, tmp_path, encryption)
    proof = kits.prove(replace(kits.make(), passphrase=Passphrase("not it")))
    assert (proof.opens, proof.reason) == (False, "The passphrase of the kit does not open the key.")


def test_the_key_of_another_repository_does_not_open_it(host: Host, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    kits = Kits(host, tmp_path, "repokey-blake2")
    kit = kits.make()
    other = Kits(Host(tmp_path / "other", host.program), tmp_path / "other", "repokey-blake2").make()
    assert other.key is not None
    forged = replace(kit, key=KeyExport(kit.repository_id, other.key.blob))
    proof = kits.prove(forged)
    assert not proof.opens and "key of the kit does not open it" in proof.reason
    elsewhere = kits.prove(kit, location=other.location)
    assert not elsewhere.opens and "Another repository is there" in elsewhere.reason


def test_an_unencrypted_repository_in_its_place_is_noticed(kits: Kits, tmp_path: Path) -> None:
    kit = kits.make()
    (tmp_path / "other").mkdir()
    other = Kits(Host(tmp_path / "other", kits.host.program), tmp_path / "other", "none")
    proof = kits.prove(kit, location=other.repository.location)
    assert (proof.opens, proof.reason) == (False, "It is not encrypted, but the kit holds a key.")


def test_a_repository_that_is_not_there_is_no_fault_of_the_kit(kits: Kits) -> None:
    kit = kits.make()
    shutil.move(kits.repository.location, f"{kits.repository.location}-moved")
    with pytest.raises(RepositoryMissing):
        kits.prove(kit)
    assert kits.prove(kit, location=f"{kits.repository.location}-moved").opens


def test_no_kit_is_made_with_a_passphrase_that_opens_nothing(kits: Kits) -> None:
    write_file(kits.host.paths.passphrase("main"), "not it")
    with pytest.raises(RepositoryWrongPassphrase):
        kits.make()


# --- the day when nothing of Fleetkeep is left ---


def commands(kit: str) -> list[str]:
    """The commands that the kit tells, in their order."""
    section = kit.split("How to restore on a blank machine")[1].split("The key, as a file")[0]
    return [line.strip() for line in section.splitlines() if line.startswith("     ")]


def typed(kit: str) -> str:
    """What a person types where the instructions ask for it: the passphrase, then the lines of the key."""
    values = dict(line.split(": ", 1) for line in kit.splitlines() if ": " in line)
    shown = {label: value.strip().rsplit(" - ", 1)[0] for label, value in values.items()}
    secret = shown.get("passphrase-bytes", shown.get("passphrase", "")).replace(" ", "")
    numbered = kit[kit.index("\nid: ") + 1 :].split("\n\n")[0].splitlines() if "\nid: " in kit else []
    return "\n".join([secret, *(line.split(":", 1)[1] for line in numbered)]) + "\n"


@pytest.mark.parametrize("encryption", ["repokey-blake2", "keyfile", "none"])
@pytest.mark.parametrize("secret", [SECRET, ODD_SECRET])
def test_its_instructions_restore_on_a_blank_machine_with_borg_alone(
    host: Host, tmp_path: Path, encryption: str, secret: str
) -> None:
    kits = Kits(host, tmp_path, encryption, secret)
    text = render_form(kits.make(), ".txt").decode()
    told = [command for command in commands(text) if not command.startswith(("apt", "borg --version"))]
    skipped = ("FILE",) if encryption == "keyfile" else ("borg key import",)
    blank = tmp_path / "blank"
    script = ["set -e", *(command for command in told if not any(word in command for word in skipped))]
    lines = "\n".join(script).replace("/restored", str(blank)).replace("::ARCHIVE", "::one").replace(" etc/fstab", "")
    environment = {"HOME": str(tmp_path / "home"), "PATH": f"{Path(host.program.path).parent}:{os.environ['PATH']}"}
    environment |= {"LC_ALL": "C.UTF-8", "BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK": "yes"}
    done = subprocess.run(
        ["bash", "-c", lines], input=typed(text), env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, (lines, done.stdout, done.stderr)
    (letter,) = blank.rglob("letter")
    assert letter.read_text() == "dear reader\n"


# --- where it is written ---


def test_the_files_are_new_and_only_for_their_owner(kits: Kits, tmp_path: Path) -> None:
    kit = kits.make()
    files = kit_files(kit, tmp_path, (".txt", ".pdf"))
    assert {path.name for path in files} == {f"kit-web1-main-{kit.id}.txt", f"kit-web1-main-{kit.id}.pdf"}
    before = os.umask(0)
    try:
        write_kit(files)
    finally:
        os.umask(before)
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    with pytest.raises(KitTargetTaken):
        write_kit(files)
    assert {path: path.read_bytes() for path in files} == files


def test_of_two_files_both_are_written_or_none(kits: Kits, tmp_path: Path) -> None:
    text, pdf = tmp_path / "a.txt", tmp_path / "a.pdf"
    pdf.write_text("mine")
    with pytest.raises(KitTargetTaken):
        write_kit(kit_files(kits.make(), tmp_path / "a", (".txt", ".pdf")))
    assert not text.exists() and pdf.read_text() == "mine"


def test_a_link_is_not_followed_and_a_missing_folder_is_named(kits: Kits, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(KitTargetTaken):
        write_kit({tmp_path / "link": b"secret"})
    with pytest.raises(KitTargetUnusable, match="No such file or directory"):
        write_kit({tmp_path / "missing/kit.txt": b"secret"})
    assert not (tmp_path / "elsewhere").exists()


def test_nothing_is_written_where_permissions_are_not_kept(
    kits: Kits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file system such as FAT gives every file the rights of its mount."""
    real = os.fstat

    def open_to_all(descriptor: int) -> os.stat_result:
        return os.stat_result((stat.S_IFREG | 0o755, *real(descriptor)[1:]))

    monkeypatch.setattr(os, "fstat", open_to_all)
    with pytest.raises(KitTargetOpen, match="0755"):
        write_kit({tmp_path / "kit.txt": b"secret"})
    assert not (tmp_path / "kit.txt").exists()
