# SPDX-License-Identifier: GPL-3.0-or-later
"""A real repository below a prefix, real archives, and an odd tree to put into them."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from made_repository import put_repository

from fleetkeep.agent.access import repository_access
from fleetkeep.agent.paths import Paths
from fleetkeep.borg.access import BorgAccess
from fleetkeep.borg.command import create_arguments
from fleetkeep.borg.process import run_borg
from fleetkeep.borg.program import BorgProgram
from fleetkeep.model import ArchiveFacts, Outcome, Point, Repository

SECRET = "correct-horse-battery-staple"

ArchiveMaker = Callable[..., Point]


@pytest.fixture
def host(tmp_path: Path) -> Paths:
    """The places of a host below a private prefix, with one passphrase."""
    paths = Paths(tmp_path / "host")
    paths.passphrase("local").parent.mkdir(parents=True, mode=0o700)
    paths.passphrase("local").write_text(SECRET + "\n")
    return paths


@pytest.fixture
def local_access(host: Paths, borg_program: BorgProgram, tmp_path: Path) -> BorgAccess:
    """A new encrypted repository on this host."""
    repository = Repository(name="local", location=str(tmp_path / "repository"))
    put_repository(repository, borg_program.path, SECRET)
    return repository_access(host, repository, borg_program)


@pytest.fixture
def printed(local_access: BorgAccess, tmp_path: Path) -> BorgAccess:
    """The same repository by a borg that cannot be asked from the inside, like a frozen binary."""
    program = tmp_path / "frozen" / "borg"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {local_access.program} "$@"\n')
    program.chmod(0o755)
    return replace(local_access, program=str(program))


@pytest.fixture
def make_archive(local_access: BorgAccess) -> ArchiveMaker:
    """Backs up folders and gives the point, as a run records it."""

    def make(name: str, *folders: Path, received_at: datetime | None = None) -> Point:
        arguments = create_arguments(local_access.location, name, [str(path) for path in folders], compression="lz4")
        made = run_borg(local_access, arguments)
        assert made.is_success, made
        content: dict[str, Any] = json.loads(made.stdout)
        statistics = content["archive"]["stats"]
        when = received_at or datetime(2026, 11, 21, 2, tzinfo=timezone.utc)
        facts = ArchiveFacts(
            id=content["archive"]["id"],
            name=name,
            repository="local",
            repository_id=content["repository"]["id"],
            started_at=when,
            finished_at=when,
            files=statistics["nfiles"],
            original_bytes=statistics["original_size"],
            compressed_bytes=statistics["compressed_size"],
            deduplicated_bytes=statistics["deduplicated_size"],
        )
        outcome = Outcome.SUCCEEDED if made.exit_code == 0 else Outcome.WARNING
        return Point(archive=facts, client="web1", job="system", run_id="r1", received_at=when, outcome=outcome)

    return make


#: Writes items into an archive as no ``borg create`` would, with Borg's own code; what a client with the key can do.
_FORGE = """
import json, os, sys, time
work = json.load(sys.stdin)
sys.argv = ["borg"]
from borg.logger import setup_logging
setup_logging(level="warning")
from borg.archive import Archive
from borg.cache import Cache
from borg.helpers.manifest import Manifest
from borg.item import Item
from borg.repository import Repository
with Repository(work["location"], exclusive=True) as repository:
    manifest, key = Manifest.load(repository, Manifest.NO_OPERATION_CHECK)
    with Cache(repository, key, manifest, progress=False, lock_wait=1) as cache:
        archive = Archive(repository, key, manifest, work["name"], cache=cache, create=True)
        for item in work["items"]:
            content = item.pop("content", None)
            entry = dict(uid=0, gid=0, user="root", group="root", mtime=int(time.time() * 1e9), mode=0o100644)
            entry.update(item)
            if content is not None:
                data = content.encode()
                identity = key.id_hash(data)
                entry["chunks"] = [cache.add_chunk(identity, data, archive.stats)]
                entry.setdefault("size", len(data))
            archive.add_item(Item(**entry))
        archive.save()
        print(archive.fpr, repository.id.hex())
"""


@pytest.fixture
def make_hostile_archive(local_access: BorgAccess) -> Callable[[list[dict[str, Any]]], ArchiveFacts]:
    """Forges an archive; skipped where the borg of this machine is not a Python package of this interpreter."""
    pytest.importorskip("borg", reason="forging needs Borg's own modules")

    def make(items: list[dict[str, Any]], name: str = "evil") -> ArchiveFacts:
        work = {"location": local_access.location, "name": name, "items": items}
        made = subprocess.run(
            [sys.executable, "-c", _FORGE],
            input=json.dumps(work).encode(),
            env={**local_access.environment, "BORG_PASSPHRASE": SECRET},
            capture_output=True,
            check=False,
        )
        assert made.returncode == 0, made.stderr.decode()
        archive_id, repository_id = made.stdout.decode().split()
        when = datetime(2026, 11, 21, tzinfo=timezone.utc)
        return ArchiveFacts(
            id=archive_id,
            name=name,
            repository="local",
            repository_id=repository_id,
            started_at=when,
            finished_at=when,
            files=sum("content" in item for item in items),
            original_bytes=0,
            compressed_bytes=0,
            deduplicated_bytes=0,
        )

    return make


@pytest.fixture
def odd_tree(tmp_path: Path) -> Path:
    """A tree with everything that a file system can hold and a backup can lose."""
    tree = tmp_path / "odd"
    (tree / "empty").mkdir(parents=True)
    (tree / "sub" / "deeper").mkdir(parents=True)
    for number in range(20):
        (tree / "sub" / f"file{number}").write_bytes(os.urandom(100 * number))
    os.link(tree / "sub" / "file7", tree / "sub" / "deeper" / "another name")
    os.link(tree / "sub" / "file7", tree / "a first name")
    (tree / "link").symlink_to("sub/file1")
    (tree / "broken link").symlink_to("/nowhere/at all")
    (tree / "sub" / "up").symlink_to("../link")
    os.mkfifo(tree / "fifo")
    _write_sparse(tree / "sparse")
    for name in (
        b"new\nline",
        b"caf\xe9 latin",
        b"esc\x1b[31m",
        b"tab\t",
        b"quo'te\"",
        b"back\\slash",
        b"-dash",
        b"%s{now}",
    ):
        with open(bytes(tree) + b"/" + name, "wb") as file:
            file.write(name)
    os.mkdir(bytes(tree) + b"/dir\xff")
    with open(bytes(tree) + b"/dir\xff/in it", "wb") as file:
        file.write(b"inside")
    (tree / "set user id").write_bytes(b"#!/bin/sh\n")
    (tree / "set user id").chmod(0o4755)
    (tree / "shared").mkdir()
    (tree / "shared").chmod(0o2775)
    (tree / "no access").write_text("secret")
    (tree / "no access").chmod(0)
    _with_attributes(tree / "sub" / "file3")
    for number, path in enumerate(sorted(tree.rglob("*"), key=os.fsencode)):
        when = 1_500_000_000_000_000_000 + number * 1_234_567_891
        os.utime(path, ns=(when, when), follow_symlinks=False)
    return tree


def _write_sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.write(b"begin")
        file.truncate(20_000_000)


def _with_attributes(path: Path) -> None:
    """Where the file system and the tools have them; what is not there is not compared either."""
    try:
        os.setxattr(path, "user.colour", b"blue\0green")
    except OSError:
        return
    subprocess.run(["setfacl", "-m", "u:12345:rw,g:54321:r", str(path)], check=False, capture_output=True)


@pytest.fixture
def portrait() -> Callable[[Path], dict[bytes, tuple[Any, ...]]]:
    """Everything that matters of a tree, by relative path as bytes."""
    return take_portrait


def take_portrait(root: Path) -> dict[bytes, tuple[Any, ...]]:
    portrait: dict[bytes, tuple[Any, ...]] = {}
    links: dict[tuple[int, int], bytes] = {}
    for folder, folders, files in os.walk(bytes(root)):
        for name in sorted(folders + files):
            path = os.path.join(folder, name)
            status = os.lstat(path)
            relative = os.path.relpath(path, bytes(root))
            first = links.setdefault((status.st_dev, status.st_ino), relative)
            portrait[relative] = (
                stat.filemode(status.st_mode),
                status.st_uid,
                status.st_gid,
                status.st_mtime_ns,
                _content(path, status.st_mode),
                first if status.st_nlink > 1 and not stat.S_ISDIR(status.st_mode) else b"",
                _extended(path),
            )
    return portrait


def _content(path: bytes, mode: int) -> str:
    if stat.S_ISLNK(mode):
        return repr(os.readlink(path))
    if not stat.S_ISREG(mode):
        return ""
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def _extended(path: bytes) -> tuple[tuple[str, bytes], ...]:
    try:
        names = sorted(os.listxattr(path, follow_symlinks=False))
        return tuple((name, os.getxattr(path, name, follow_symlinks=False)) for name in names)
    except OSError:
        return ()
