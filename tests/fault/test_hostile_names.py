# SPDX-License-Identifier: GPL-3.0-or-later
"""Names that try to be something else, through every verb that meets names."""

from __future__ import annotations

import json
import os
import tarfile
from pathlib import Path

import pytest
from hosts import Host, no_traceback
from sites import Done

from .invariants import Kept, nothing_is_lost, portrait_of, restores_alike  # type: ignore[import-not-found]

NAMES = [
    b"new\nline",
    b"\x1b[31mred\x1b[0m",
    b"\x1b]0;title\x07",
    b"caf\xe9 \xff\xfe",
    b"-rf",
    b"--help",
    b"%(x)s",
    b"%s%n%d",
    b"{{ 7*7 }}",
    b"{now}",
    b"${HOME}",
    b"$(touch gone)",
    b"`id`",
    b"; rm -rf .",
    b"*",
    b"?[a]",
    b"!",
    b"re:.*",
    b"pp:etc",
    b"::archive",
    b"\\n\\x41",
    b"'quoted' \"twice\"",
    b"tab\there",
    b"return\rhere",
    b"\xe2\x80\xaegpj.exe",
    b"\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d",
    b" ",
    b" leading and trailing ",
    b"...",
    b"~",
    b"@now",
    b"<script>alert(1)",
    b"[bold]markup",
    b"' OR 1=1 --",
    b"a" * 255,
    b"\xff" * 255,
]


@pytest.fixture
def hostile(single: Host) -> Host:
    """A host with all of these names, as files, folders, links and targets of links, and a deep folder."""
    source = os.fsencode(single.source)
    for name in NAMES:
        Path(os.fsdecode(os.path.join(source, name))).write_bytes(name)
        folder = os.path.join(source, b"folders", name)
        os.makedirs(folder)
        Path(os.fsdecode(os.path.join(folder, name))).write_bytes(name)
    os.mkdir(os.path.join(source, b"links"))
    for number, name in enumerate(NAMES):
        os.symlink(name, os.path.join(source, b"links", b"%d" % number))
    deep = source
    while len(deep) < 3_500:
        deep = os.path.join(deep, b"deep" * 20)
    os.makedirs(deep)
    Path(os.fsdecode(os.path.join(deep, b"\x1b[2Jfile"))).write_text("deep\n")
    return single


def is_tame(done: Done) -> bool:
    """Whether nothing was printed that a terminal or a reader could take for something else."""
    return all(letter.isprintable() or letter in "\n\t\r" for letter in done.said)


def test_names_go_through_every_verb_and_come_back(hostile: Host, kept: Kept, tmp_path: Path) -> None:
    host = hostile
    host.source.joinpath("letter").write_text("dear reader\n")
    done = host.fleetkeep("run", "docs")
    assert done.exit_code == 0 and is_tame(done) and no_traceback(done), done.said
    kept.note()
    [(identity, name)] = kept.listed["one"]
    source = str(host.source).lstrip("/")
    for verb, *words in (
        ("ls", f"{name}:{source}", "--repository", "one"),
        ("ls", f"{name}:{source}/folders", "--repository", "one"),
        ("ls", f"{name}:{source}/links", "--repository", "one"),
        ("find", "re"),
        ("find", "*"),
        ("diff", name, name),
        ("verify", "disk", "docs"),
        ("verify", "catalog", name),
        ("check", "--all"),
        ("drill", "docs", "--json"),
        ("drill", "docs"),
        ("status",),
        ("archives",),
        ("runs",),
    ):
        done = host.fleetkeep(verb, *words)
        assert done.exit_code == 0, (verb, words, done.said)
        assert is_tame(done) and no_traceback(done), (verb, words, done.said)

    each_name_has_a_history(host, name)
    names_come_back(kept, name, tmp_path)
    nothing_is_lost(kept, "hostile names")
    restores_alike(kept, "one", identity, name, "hostile names")


def each_name_has_a_history(host: Host, name: str) -> None:
    source = str(host.source).lstrip("/")
    for each in NAMES:
        path = os.path.join(host.source, os.fsdecode(each))
        found = host.fleetkeep("history", "--json", "--job", "docs", "--", path)
        assert found.exit_code == 0 and is_tame(found), (each, found.said)
        assert [state["path"] for state in found.json] == [path.lstrip("/")], each
    listed = host.fleetkeep("ls", "--json", f"{name}:{source}", "--repository", "one").json
    assert {os.fsencode(Path(entry["path"]).name) for entry in listed} >= set(NAMES)


def names_come_back(kept: Kept, name: str, tmp_path: Path) -> None:
    """By path, as a whole with a report, and as a tar stream."""
    host, [archived] = kept.host, list(kept.portraits.values())
    source = str(host.source).lstrip("/")
    nasty = [source + "/" + os.fsdecode(each) for each in NAMES]
    target = tmp_path / "some"
    done = host.fleetkeep("restore", "--repository", "one", "--to", target, "--", name, *nasty)
    assert done.exit_code == 0 and is_tame(done), done.said
    some = portrait_of(target, target)
    assert {path: some.get(path) for path in nasty} == {path: archived[path] for path in nasty}

    report = tmp_path / "report.jsonl"
    words = ["--to", tmp_path / "whole", "--report", report, "--verify"]
    done = host.fleetkeep("restore", name, "--repository", "one", *words)
    assert done.exit_code == 0 and is_tame(done), done.said
    lines = [json.loads(line) for line in report.read_text().splitlines()]
    hashes = {line["path"]: line.get("sha256") for line in lines if "path" in line}
    assert {path: hashes.get(path) for path in nasty} == {path: archived[path].sha256 for path in nasty}

    tar = tmp_path / "all.tar"
    done = host.fleetkeep("restore", name, "--repository", "one", "--to-tar", tar)
    assert done.exit_code == 0 and is_tame(done), done.said
    with tarfile.open(tar) as opened:
        members = {member.name: member for member in opened}
        assert members.keys() >= archived.keys()
        for path, each in zip(nasty, NAMES, strict=True):
            content = opened.extractfile(members[path])
            assert content is not None and content.read() == each
