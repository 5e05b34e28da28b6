# SPDX-License-Identifier: GPL-3.0-or-later
"""The verbs about keys as a user calls them, and a passphrase that is looked for wherever it must not be."""

from __future__ import annotations

import json
import os
import stat
import subprocess
from pathlib import Path

from hosts import Host, no_traceback
from sites import SECRET as DECLARED
from sites import Site

from .test_secrets import CANARY, OTHER, Watch, is_in  # type: ignore[import-not-found]


def test_a_kit_is_made_tested_and_becomes_stale(host: Host, tmp_path: Path) -> None:
    assert host.fleetkeep("run", "docs").exit_code == 0
    safe = tmp_path / "safe"
    safe.mkdir()
    keeper = ("--owner", "Ada", "--place", "the safe")
    made = host.fleetkeep("kit", "make", "one", *keeper, "--to", safe, "--format", "all", "--json")
    assert made.exit_code == 0, made.said
    text, pdf = map(Path, made.json["files"])
    assert {stat.S_IMODE(path.stat().st_mode) for path in (text, pdf)} == {0o600}
    assert pdf.read_bytes().startswith(b"%PDF-")

    tested = host.fleetkeep("kit", "test", text)
    assert (tested.exit_code, tested.stderr) == (0, "")
    assert "opens repository one" in tested.stdout and "read " in tested.stdout
    (kit,) = host.fleetkeep("kit", "list", "--json").json
    assert (kit["owner"], kit["place"], bool(kit["tested_at"]), kit["retired_at"]) == ("Ada", "the safe", True, None)

    blank = host.command("kit", "test", text, "--json")
    blank[blank.index("--prefix") + 1] = str(tmp_path / "blank")
    done = subprocess.run(blank, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (json.loads(done.stdout)["opens"], json.loads(done.stdout)["recorded"]) == (True, False)
    assert not (tmp_path / "blank").exists()

    changed = host.fleetkeep("key", "change-passphrase", "one")
    assert changed.exit_code == 0 and f"{kit['id']}  Ada, the safe" in changed.stdout
    assert host.fleetkeep("kit", "test", text).exit_code == 3
    kinds = [finding["kind"] for finding in host.fleetkeep("status", "--json").json["findings"]]
    assert "stale_kit" in kinds and "no_kit" in kinds, "one has a stale kit, two has none"
    assert host.fleetkeep("kit", "make", "one", *keeper, "--to", safe).exit_code == 0
    kinds = [finding["kind"] for finding in host.fleetkeep("status", "--json").json["findings"]]
    assert "stale_kit" not in kinds
    assert host.fleetkeep("run", "docs").exit_code == 0


def test_bad_kits_and_wrong_words_are_one_sentence(host: Host, tmp_path: Path) -> None:
    keeper = ("--owner", "Ada", "--place", "the safe")
    shown = host.fleetkeep("kit", "make", "one", *keeper, "--show")
    assert shown.exit_code == 0 and "FLEETKEEP RECOVERY KIT" in shown.stdout
    wrong = tmp_path / "wrong.txt"
    secret = (host.prefix / "etc/fleetkeep/secrets/one.passphrase").read_text()
    for text, words in (
        ("", "it has none of the lines of a kit [FK800]"),
        ("%PDF-1.4 \xff", "it has none of the lines"),
        (
            shown.stdout.replace("owner:             Ada", "owner:             Bob"),
            "(owner) has a typing error. [FK800]",
        ),
        (shown.stdout.replace("location:", "loc:"), "its line location: is missing"),
    ):
        wrong.write_text(text)
        wrong.chmod(0o600)
        done = host.fleetkeep("kit", "test", wrong)
        assert done.exit_code == 1 and len(done.stderr.splitlines()) == 1, done.said
        assert words.split(" [")[0].rstrip(".") in done.stderr and no_traceback(done)
        assert secret not in done.said
    wrong.write_text(shown.stdout)
    wrong.chmod(0o644)
    (host.folder / "storage/one").rename(host.folder / "storage/gone")
    (host.folder / "storage/two").rename(host.folder / "storage/one")
    done = host.fleetkeep("kit", "test", wrong)
    assert done.exit_code == 1 and "Another repository is there" in done.stderr and "[FK801]" in done.stderr
    assert "chmod 600" in done.stderr
    assert host.fleetkeep("kit", "test", tmp_path / "missing").stderr.count("[FK800]") == 1
    for words in (["make", "one"], ["make", "one", *keeper], ["make", "one", *keeper, "--show", "--json"], ["make"]):
        done = host.fleetkeep("kit", *words)
        assert done.exit_code == 1 and no_traceback(done), done.said


def test_a_declared_passphrase_is_changed_on_the_host_then_declared(site: Site) -> None:
    (site.prefix / "source/letter").write_text("dear reader\n")
    assert site.fleetkeep("apply", "--yes").exit_code == 2
    new = site.folder / "new"
    new.write_text(OTHER + "\n")
    refused = site.fleetkeep("key", "change-passphrase", "main")
    assert refused.exit_code == 1 and "[FK811]" in refused.stderr
    changed = site.fleetkeep("key", "change-passphrase", "main", "--new-from", new)
    assert changed.exit_code == 0, changed.said
    early = site.fleetkeep("apply", "--yes")
    assert early.exit_code == 1 and "exists with another passphrase" in " ".join(early.said.split())
    site.write("group_vars/all.yml", f"main_passphrase: '{OTHER}'\n")
    settled = site.fleetkeep("apply", "--yes")
    assert settled.exit_code == 0, settled.said
    assert site.fleetkeep("run", "docs").exit_code == 0
    assert DECLARED not in (site.prefix / "etc/fleetkeep/secrets/main.passphrase").read_text()


def test_a_passphrase_is_seen_nowhere_but_in_the_kit(site: Site) -> None:
    site.write("group_vars/all.yml", f"main_passphrase: '{CANARY}'\n")
    temporary, safe = site.folder / "tmp", site.folder / "safe"
    temporary.mkdir()
    safe.mkdir(mode=0o755)
    (site.prefix / "source/letter").write_text("dear reader\n")
    new = site.folder / "new"
    new.write_text(OTHER)
    new.chmod(0o600)
    keeper = ("--owner", "Ada", "--place", "the safe")
    said: list[str] = []

    def fleetkeep(*words: str | Path, status: int = 0) -> None:
        done = site.fleetkeep(str(words[0]), *words[1:], TMPDIR=str(temporary))
        said.append(done.said)
        assert done.exit_code == status, (words, done.said)

    watch = Watch(temporary, safe)
    fleetkeep("apply", "--yes", status=2)
    with watch.looking():
        fleetkeep("run", "docs")
        fleetkeep("kit", "make", "main", *keeper, "--to", safe / "kit.txt")
        fleetkeep("kit", "test", safe / "kit.txt")
        fleetkeep("key", "export", "main", "--to", safe / "key")
        fleetkeep("key", "change-passphrase", "main", "--new-from", new)
        fleetkeep("kit", "test", safe / "kit.txt", "--json", status=3)
        fleetkeep("kit", "list", "--json")
        fleetkeep("status", "--json")
        (safe / "kit.txt").write_text((safe / "kit.txt").read_text().replace("passphrase:", "passphrase: x"))
        fleetkeep("kit", "test", safe / "kit.txt", status=1)

    assert [text for text in said if is_in(text.encode())] == []
    assert any(b"change-passphrase" in line for line in watch.processes), "borg itself was never seen"
    assert [line for line in watch.processes if is_in(line)] == []
    assert watch.readable == set()
    holders = {path for path in site.folder.rglob("*") if path.is_file() and is_in(path.read_bytes())}
    secret = site.prefix / "etc/fleetkeep/secrets/main.passphrase"
    assert holders == {secret, safe / "kit.txt", new, site.folder / "inventory/group_vars/all.yml"}
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600 and not os.listdir(temporary)
