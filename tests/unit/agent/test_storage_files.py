# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may come in to a storage's account."""

from __future__ import annotations

import shlex
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from fleetkeep.agent.paths import Paths
from fleetkeep.agent.storage_files import (
    parse_authorized_keys,
    render_authorized_keys,
    render_sshd_settings,
    serve_command,
    storage_accounts,
    storage_files,
)
from fleetkeep.model import Grant, Storage
from fleetkeep.plan.change import Kind

NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,20}", fullmatch=True)
CLIENTS = st.text(st.characters(exclude_categories=["Z", "C"]), min_size=1, max_size=20).filter(
    lambda text: "/" not in text and not text.isspace() and len(text.split()) == 1
)
FOLDERS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30)
KEYS = st.from_regex(r"ssh-ed25519 [A-Za-z0-9+/]{20,40}", fullmatch=True)


@st.composite
def granted(draw: st.DrawFn) -> tuple[Grant, str | None]:
    grant = Grant(
        client=draw(CLIENTS),
        repository=draw(NAMES),
        folder="/" + draw(FOLDERS),
        quota=draw(st.none() | st.integers(1, 10**15)),
        append_only=draw(st.booleans()),
    )
    return grant, draw(st.none() | KEYS)


@given(st.lists(granted(), max_size=5, unique_by=lambda pair: pair[0].label))
def test_keys_are_read_back_as_they_were_written(pairs: list[tuple[Grant, str | None]]) -> None:
    keys = {grant.label: key for grant, key in pairs if key}
    text = render_authorized_keys([grant for grant, _key in pairs], keys, "/opt/fleetkeep/bin/borg")
    assert parse_authorized_keys(text) == keys


@given(granted())
def test_a_folder_is_one_word_for_sshd_and_for_the_shell(pair: tuple[Grant, str | None]) -> None:
    grant = pair[0]
    line = render_authorized_keys([grant], {grant.label: "ssh-ed25519 AAAA"}, "/opt/borg").splitlines()[1]
    quoted = line.removeprefix("restrict,command=").removesuffix(f" ssh-ed25519 AAAA fleetkeep:{grant.label}")
    command = as_sshd_reads(quoted)
    assert command == serve_command(grant, "/opt/borg")
    words = shlex.split(command)
    assert words[words.index("--restrict-to-repository") + 1] == grant.folder
    assert ("--append-only" in words) == grant.append_only


def as_sshd_reads(quoted: str) -> str:
    r"""What sshd makes of an option in double quotes: only ``\"`` is special (auth-options.c, opt_dequote)."""
    assert quoted[0] == quoted[-1] == '"'
    made, rest = "", quoted[1:-1]
    while rest:
        if rest.startswith('\\"'):
            made, rest = made + '"', rest[2:]
        else:
            assert rest[0] != '"'
            made, rest = made + rest[0], rest[1:]
    return made


def test_a_grant_without_a_key_lets_nobody_in_and_says_so() -> None:
    grant = Grant(client="web1", repository="offsite", folder="/srv/borg/offsite/web1")
    assert (
        render_authorized_keys([grant], {}, "/opt/borg").splitlines()[1] == "# web1:offsite: its key is not known yet"
    )


def test_a_line_that_somebody_added_is_no_grant() -> None:
    assert parse_authorized_keys("ssh-ed25519 AAAA mallory\n# restrict,x ssh-ed25519 AAAA fleetkeep:a:b\n") == {}


def test_storages_of_one_account_share_its_keys() -> None:
    first, second = (
        Storage(
            name=name,
            path=f"/srv/{name}",
            user="borg",
            grants=(Grant(client="web1", repository=name, folder=f"/srv/{name}/{name}/web1"),),
        )
        for name in ("a", "b")
    )
    (account,) = storage_accounts([first, second])
    assert (account.home, account.folders) == ("/srv/a", ("/srv/a/a/web1", "/srv/b/b/web1"))
    files = list(storage_files([first, second], Paths(Path("/")), {}, "/opt/borg"))
    assert [(file.kind, file.name) for file in files] == [(Kind.ACCESS, "borg"), (Kind.SSHD, "settings")]
    assert (files[0].content or "").count("its key is not known yet") == 2


def test_the_settings_concern_only_the_accounts() -> None:
    lines = render_sshd_settings(["borg", "other"], Paths(Path("/"))).splitlines()
    assert lines[1] == "Match User borg,other"
    assert lines[-1] == "Match all"
    assert "    AuthorizedKeysFile /etc/ssh/fleetkeep/authorized_keys.d/%u" in lines
