# SPDX-License-Identifier: GPL-3.0-or-later
"""Every mistake that a fleet file or a host can hold: one sentence with its place, the value and the next step.

Mistakes of the inventory stand in one fleet, because all of them must come at once; each is a row below. Mistakes that
only a host shows come one at a time.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hosts import Host, Mounts, no_traceback
from sites import SECRET, Done, Site, make_site

FLEET = """\
plugin: fleetkeep.backup.fleet
hosts:
  here: {{ansible_connection: local, groups: [web]}}
repositories:
  main: {{path: "{prefix}/srv", passphrase: {{generate: true}}}}
  empty: {{path: "{prefix}/empty", passphrase: "{{{{ vault_empty }}}}"}}
schedules:
  nightly: {{cron: 61 2 * * *}}
  weekly: {{cron: 0 2 * * 0, timezone: Europe/Berln}}
retention: {{standard: {{daily: 7}}}}
templates:
  common: {{repositories: [main], retention: standard, sources: {{paths: [/etc]}}}}
  hen: {{template: egg}}
  egg: {{template: hen}}
jobs:
  key: {{clients: web, template: common, compresion: lz4}}
  type: {{clients: web, template: common, sources: {{paths: /etc}}}}
  repository: {{clients: web, template: common, repositories: [mian]}}
  schedule: {{clients: web, template: common, schedule: daily}}
  template: {{clients: web, template: [common, sever]}}
  pattern: {{clients: wbe, template: common}}
  relative: {{clients: web, template: common, sources: {{paths: [etc/ssl]}}}}
  inside: {{clients: web, template: common, sources: {{paths: ["{prefix}"]}}}}
  vault: {{clients: web, template: common, repositories: [empty]}}
"""

SECOND = "plugin: fleetkeep.backup.fleet\nretention:\n  standard: {weekly: 4}\n"

#: What the mistake is: where it stands, the value it has, and the words that say what to do.
ROWS = {
    "unknown key": ("fleet.yml:16:", "'compresion'", "did you mean compression?"),
    "wrong type": ("fleet.yml:17:", "'/etc'", "a list is expected"),
    "cron expression": ("fleet.yml:8:", "'61 2 * * *'", "write five fields"),
    "time zone": ("fleet.yml:9:", "'Europe/Berln'", "use an IANA name such as UTC or Europe/Berlin"),
    "unknown repository": ("fleet.yml:18:", "'mian'", "did you mean main?"),
    "unknown schedule": ("fleet.yml:19:", "'daily'", "known are nightly and weekly"),
    "unknown template": ("fleet.yml:20:", "'sever'", "known are common, egg and hen"),
    "template cycle": ("fleet.yml:14:", "hen builds on egg", "take one out"),
    "pattern without a host": ("fleet.yml:21:", "'wbe'", "did you mean web?"),
    "two files": ("second.yml:3:3:", "retention.standard", "keep one of them"),
    "relative source": ("fleet.yml:22:", "'etc/ssl'", "begin it with /"),
    "repository in a source": ("fleet.yml:23:", "{prefix}", "move the repository, or exclude its folder"),
    "empty passphrase": ("fleet.yml:6:", "repositories.empty.passphrase is empty", "{generate: true}"),
}


@pytest.fixture(scope="module")
def refused(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, dict[str, Done]]]:
    """What each verb says of a fleet with all the mistakes at once."""
    site = make_site(tmp_path_factory.mktemp("refused"))
    site.write("fleet.yml", FLEET.format(prefix=site.prefix))
    site.write("second.yml", SECOND)
    site.write("group_vars/all.yml", 'vault_empty: ""\n')
    verbs = {"validate": [], "plan": [], "apply": ["--yes"]}
    yield site, {verb: site.fleetkeep(verb, *words) for verb, words in verbs.items()}


@pytest.mark.parametrize("row", ROWS)
def test_a_mistake_is_one_sentence_with_place_value_and_next_step(
    refused: tuple[Site, dict[str, Done]], row: str
) -> None:
    site, said = refused
    place, value, step = (words.replace("{prefix}", str(site.prefix)) for words in ROWS[row])
    for verb, done in said.items():
        lines = [line.removeprefix("error: ") for line in done.said.splitlines()]
        found = [line for line in lines if line.startswith(f"inventory/{place}")]
        assert len(found) == 1, (verb, done.said)
        assert value in found[0]
        assert step in found[0]


def test_there_is_no_other_sentence_and_no_trace(refused: tuple[Site, dict[str, Done]]) -> None:
    site, said = refused
    assert [done.exit_code for done in said.values()] == [1, 1, 1]
    assert len(said["validate"].stdout.splitlines()) == len(ROWS), said["validate"].stdout
    for verb in ("plan", "apply"):
        assert sorted(said[verb].stderr.splitlines()) == sorted(
            f"error: {line} [FK100]" for line in said["validate"].stdout.splitlines()
        )
    assert "Traceback" not in "".join(done.said for done in said.values())
    assert site.files() == {}


# --- what only a host shows ---


def assert_one_sentence(done: Done, *words: str) -> None:
    """One line on standard error, with these words in it, and a status that says so."""
    assert done.exit_code == 1, done.said
    assert len(done.stderr.splitlines()) == 1, done.said
    assert done.stderr.startswith("error: here: ")
    assert done.stderr.count("here: ") == 1
    for word in words:
        assert word in done.stderr
    assert "Traceback" not in done.said


def refuses(site: Site, *words: str, **variables: str) -> None:
    """An apply says one sentence, and the host stays as it was."""
    before = state_of(site)
    assert_one_sentence(site.fleetkeep("apply", "--yes", **variables), *words)
    assert state_of(site) == before


def state_of(site: Site) -> dict[str, bytes]:
    """All files but those that Borg writes on its own for each question."""
    own = ("var/lib/fleetkeep/borg", "var/cache/fleetkeep/borg")
    return {name: content for name, content in site.files().items() if not name.startswith(own)}


def make_repository(place: Path, encryption: str, passphrase: str) -> None:
    """A repository that somebody made before."""
    places = {"BORG_BASE_DIR": str(place.parent / "maker"), "BORG_PASSPHRASE": passphrase}
    program = os.environ.get("FLEETKEEP_BORG") or str(Path(sys.executable).with_name("borg"))
    command = [program, "init", "--make-parent-dirs", f"--encryption={encryption}", str(place)]
    subprocess.run(command, env={**os.environ, **places}, check=True, capture_output=True)


@pytest.mark.parametrize(
    ("encryption", "passphrase", "words"),
    [
        ("repokey-blake2", "another", ["exists with another passphrase", "declare the right one, or another path"]),
        ("repokey", SECRET, ["exists with encryption repokey, but repokey-blake2 is declared", "declare repokey, or"]),
    ],
)
def test_a_repository_that_was_there_before(site: Site, encryption: str, passphrase: str, words: list[str]) -> None:
    make_repository(site.prefix / "srv/here", encryption, passphrase)
    refuses(site, f"Repository main at {site.prefix}/srv/here", *words, "Nothing was changed.")


def test_an_ssh_repository_out_of_reach(site: Site) -> None:
    site.edit(f'path: "{site.prefix}/srv"', 'path: "ssh://backup@127.0.0.1:9/srv"')
    refuses(
        site,
        "Repository main at ssh://backup@127.0.0.1:9/srv/here cannot be reached: ",
        "Check the host, the network and the SSH key.",
    )


def missing(folder: Path) -> Path:
    return folder / "no-borg"


def too_old(folder: Path) -> Path:
    program = folder / "old-borg"
    program.write_text("#!/bin/sh\necho borg 1.2.4\n")
    program.chmod(0o755)
    return program


BORGS = [
    (missing, ["No borg binary was found (", "no-borg)", "install BorgBackup 1.4.5 or newer"]),
    (too_old, ["old-borg is BorgBackup 1.2.4, but 1.4.5 or newer is needed", "install a newer one"]),
]


@pytest.mark.parametrize(("make", "words"), BORGS)
def test_a_borg_that_is_missing_or_too_old(site: Site, make: Callable[[Path], Path], words: list[str]) -> None:
    refuses(site, *words, FLEETKEEP_BORG=str(make(site.folder)))


def test_a_borg_that_is_missing_or_too_old_at_a_run(host: Host, tmp_path: Path) -> None:
    assert host.fleetkeep("run", "docs").exit_code == 0
    for make, words in BORGS:
        done = host.fleetkeep("run", "docs", FLEETKEEP_BORG=str(make(tmp_path)))
        assert done.exit_code == 1
        [sentence] = [line for line in done.said.splitlines() if line.startswith("docs: failed. ")]
        assert all(word in sentence for word in words)
        assert no_traceback(done)
    assert host.archives() == host.in_storage() != set()


def test_a_full_disk_at_an_apply_and_at_a_run(site: Site, mounts: Mounts) -> None:
    (site.prefix / "source/letter").write_text("dear reader\n")
    assert site.fleetkeep("apply", "--yes").exit_code == 2
    assert site.fleetkeep("run", "docs").exit_code == 0
    disk = mounts.small(site.folder / "disk", "8m")
    fill = disk / "fill"
    fill.write_bytes(bytes(8 * 1024 * 1024 - 65536))
    site.edit("  main: {", f"  small: {{path: {disk}, passphrase: {{generate: true}}}}\n  main: {{")
    site.edit("[main]", "[main, small]")
    done = site.fleetkeep("apply", "--yes")
    assert_one_sentence(done, "no space left for repository small", f"{disk}/here", "free some", "apply again")
    assert [path.name for path in disk.iterdir()] == ["fill"]

    fill.unlink()
    assert site.fleetkeep("apply", "--yes").exit_code == 2, "the next apply continues"
    (site.prefix / "source/large").write_bytes(os.urandom(12_000_000))
    done = site.fleetkeep("run", "docs")
    assert done.exit_code == 1
    assert f"There is no space left for repository small at {disk}/here; free some, then run again." in done.stdout
    assert "Traceback" not in done.said
    listed = site.fleetkeep("archives", "--json").json
    assert {point["archive"]["repository"] for point in listed} == {"main"}
    assert len(listed) == 2
