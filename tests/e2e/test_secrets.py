# SPDX-License-Identifier: GPL-3.0-or-later
"""One passphrase from Ansible Vault through every verb: it is looked for in all that is said, written and started.

It has a quote, a backslash and a letter beyond ASCII, so that masking it as it stands would not be enough.
"""

from __future__ import annotations

import base64
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sites import Site

CANARY = 'tw"o \\ wörds-canary7d1f'
OTHER = 'an"other \\ wörd-canary7d1f'
MARK = b"canary7d1f"
#: How the mark looks in Base64, wherever in a longer text it begins.
MARKS = [MARK, *(base64.b64encode(b"." * lead + MARK)[4 * (lead > 0) + 1 : -4] for lead in range(3))]


def is_in(content: bytes) -> bool:
    return any(mark in content for mark in MARKS)


def write_vault(site: Site, passphrase: str) -> Path:
    """A real vault file with the passphrase; gives the file with the vault's password."""
    password = site.folder / "vault-password"
    password.write_text("open sesame\n")
    file = site.write("group_vars/all.yml", f"main_passphrase: '{passphrase}'\n")
    program = str(Path(sys.executable).with_name("ansible-vault"))
    subprocess.run([program, "encrypt", "--vault-password-file", str(password), str(file)], check=True, cwd=site.folder)
    assert not is_in(file.read_bytes())
    return password


class Watch:
    """Looks again and again at every process of this machine, and at every temporary file."""

    def __init__(self, *folders: Path) -> None:
        self.processes: set[bytes] = set()
        self.readable: set[str] = set()
        self._folders = folders

    @contextmanager
    def looking(self) -> Iterator[None]:
        over = threading.Event()
        thread = threading.Thread(target=self._look, args=(over,))
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _look(self, over: threading.Event) -> None:
        while not over.wait(0.1):
            for process in filter(str.isdigit, os.listdir("/proc")):
                for name in ("cmdline", "environ"):
                    with suppress(OSError), open(f"/proc/{process}/{name}", "rb") as file:
                        self.processes.add(file.read())
            for folder in self._folders:
                self.readable |= {str(path) for path in readable_by_others(folder)}


def readable_by_others(folder: Path) -> Iterator[Path]:
    """Files with the secret that another user could open."""
    try:
        entries = list(folder.iterdir())
    except OSError:
        return
    for path in entries:
        try:
            status = path.lstat()
            if stat.S_ISDIR(status.st_mode) and status.st_mode & stat.S_IXOTH:
                yield from readable_by_others(path)
            elif stat.S_ISREG(status.st_mode) and status.st_mode & stat.S_IROTH and is_in(path.read_bytes()):
                yield path
        except OSError:
            continue


def test_a_passphrase_from_vault_is_seen_nowhere(site: Site) -> None:
    password = write_vault(site, CANARY)
    vault = f"--vault-password-file={password}"
    temporary = site.folder / "tmp"
    temporary.mkdir()
    report = site.folder / "report.jsonl"
    variables = {"TMPDIR": str(temporary), "ANSIBLE_LOG_PATH": str(site.folder / "ansible.log")}
    seen_by_hook = site.folder / "hook"
    look = f"(env; cat /proc/*/cmdline /proc/*/environ 2>/dev/null | tr '\\\\0' '\\\\n') >> {seen_by_hook}"
    site.edit("  more:", f'    hooks: {{before: [[sh, -c, "{look}"]], after: [[sh, -c, "{look}"]]}}\n  more:')
    (site.prefix / "source/large").write_bytes(bytes(range(256)) * 100_000)
    said: dict[str, str] = {}

    def fleetkeep(verb: str, *words: str | Path, status: int = 0) -> None:
        done = site.fleetkeep(verb, *words, **variables)
        name = f"{verb} {' '.join(map(str, words))}"
        said[name] = done.said
        assert done.exit_code == status, (name, done.said)

    def playbook(*words: str, good: bool = True) -> None:
        callback = {"ANSIBLE_CALLBACKS_ENABLED": "fleetkeep.backup.report", "FLEETKEEP_REPORT_FILE": str(report)}
        done = site.playbook("apply", vault, "-vvv", "--diff", *words, **variables, **callback)
        name = f"playbook {len(said)}"
        said[name] = done.said
        assert (done.exit_code == 0) is good, done.said

    watch = Watch(temporary, site.folder / "home")
    with watch.looking():
        fleetkeep("validate", vault)
        fleetkeep("plan", vault, "--json", status=2)
        fleetkeep("explain", "here", vault)
        playbook("--check")
        playbook()
        fleetkeep("run", "docs")
        fleetkeep("run", "docs", "--json")
        fleetkeep("runs", "--json")
        fleetkeep("archives", "--json")
        fleetkeep("status", "--json")
        fleetkeep("restore", "--job", "docs", "--to", site.folder / "restored")
        fleetkeep("drill", "docs")
        write_vault(site, OTHER)
        playbook(good=False)
        fleetkeep("apply", vault, "--yes", "-vvvv", status=1)
        secret = site.prefix / "etc/fleetkeep/secrets/main.passphrase"
        assert secret.read_text() == CANARY, "a wrong passphrase never replaces a right one"
        secret.write_text(OTHER)
        fleetkeep("run", "docs", status=1)

    wrong = [text for text in said.values() if "exists with another passphrase" in " ".join(text.split())]
    assert len(wrong) == 3, said
    assert [name for name, text in said.items() if is_in(text.encode())] == []
    assert any(b"create" in line and b"--progress" in line for line in watch.processes), "borg itself was never seen"
    assert [line for line in watch.processes if is_in(line)] == []
    assert b"FLEETKEEP_RUN=" in seen_by_hook.read_bytes()
    holders = [path for path in site.folder.rglob("*") if path.is_file() and is_in(path.read_bytes())]
    assert holders == [secret]
    assert watch.readable == set()
    assert report.read_text().count('"event": "host"') + report.read_text().count('"event":"host"') >= 2


def test_what_a_host_keeps_is_its_owners_alone(site: Site) -> None:
    password = write_vault(site, CANARY)
    (site.prefix / "source/letter").write_text("dear reader\n")
    assert site.fleetkeep("apply", "--yes", f"--vault-password-file={password}").exit_code == 2
    assert site.fleetkeep("run", "docs").exit_code == 0
    open_to_all = {
        str(path.relative_to(site.prefix))
        for folder in ("etc/fleetkeep", "var/lib/fleetkeep", "var/log/fleetkeep", "var/cache/fleetkeep")
        for path in [site.prefix / folder, *(site.prefix / folder).rglob("*")]
        if stat.S_IMODE(path.stat().st_mode) & 0o077
    }
    assert open_to_all == set()
