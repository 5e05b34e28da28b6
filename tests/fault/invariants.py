# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold after every fault, whatever it was.

The record is true, the next run succeeds without a hand, and every earlier archive gives back what its source was. The
product's word is not taken for any of it: archives are listed and read by Borg itself, and compared with what was kept
of the sources and with the rows of the catalog.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
import stat
import tarfile
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

from hosts import Host, no_traceback
from sites import Done

from fleetkeep.catalog.database import open_catalog
from fleetkeep.director import files, history

LIBRARY = "var/lib/fleetkeep"


@dataclass(frozen=True)
class Thing:
    """A file, folder or link, and all that a restore must give back of it."""

    mode: int
    uid: int
    gid: int
    modified_us: int
    size: int = 0
    sha256: str = ""
    target: str = ""


#: By path, without a slash in front: a name that is no text has surrogates in it.
Portrait = dict[str, Thing]


def portrait_of(folder: Path, below: Path = Path("/")) -> Portrait:
    """What lies in a folder, with itself, by paths relative to another one."""
    found = {}
    for path in [folder, *map(Path, _walk(str(folder)))]:
        status = path.lstat()
        sha256, target, size = "", "", 0
        if stat.S_ISREG(status.st_mode):
            sha256, size = hashlib.sha256(path.read_bytes()).hexdigest(), status.st_size
        elif stat.S_ISLNK(status.st_mode):
            target = os.readlink(path)
        modified = microseconds(status.st_mtime_ns / 1e9)
        found[str(path.relative_to(below))] = Thing(
            status.st_mode, status.st_uid, status.st_gid, modified, size, sha256, target
        )
    return found


def microseconds(seconds: float) -> int:
    """A moment as ``borg list`` rounds it, so that three ways to read it give one number."""
    fraction, whole = math.modf(seconds)
    return int(whole) * 1_000_000 + round(fraction * 1e6)


def _walk(folder: str) -> list[str]:
    found = []
    for entry in os.scandir(folder):
        found.append(entry.path)
        if entry.is_dir(follow_symlinks=False):
            found += _walk(entry.path)
    return found


def portrait_of_archive(host: Host, repository: str, name: str) -> Portrait:
    """What an archive holds, as Borg itself reads it, all content with it; a tar stream tells whole seconds."""
    found = {}
    with host.start_borg(repository, "export-tar", "--lock-wait=60", archive=name, to=["-"]) as process:
        assert process.stdout is not None
        with tarfile.open(fileobj=process.stdout, mode="r|") as tar:
            for member in tar:
                kind = stat.S_IFREG if member.isreg() else stat.S_IFDIR if member.isdir() else stat.S_IFLNK
                content = tar.extractfile(member) if member.isreg() else None
                found[member.name.rstrip("/")] = Thing(
                    kind | member.mode,
                    member.uid,
                    member.gid,
                    int(member.mtime) * 1_000_000,
                    member.size if content else 0,
                    hashlib.sha256(content.read()).hexdigest() if content else "",
                    member.linkname if member.issym() else "",
                )
        process.stdout.read()  # what fills the last block
    assert process.returncode == 0, (repository, name)
    return found


@dataclass
class Kept:
    """What the sources of one job were, by the archive that was made of them."""

    host: Host
    job: str = "docs"
    portraits: dict[str, Portrait] = field(default_factory=dict)
    is_vague: bool = False
    """Whether sources change while they are read, so that an archive is compared with what Borg reads of it alone."""

    listed: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    """By repository, id and name of each archive as Borg listed them last, the oldest first."""

    def note(self) -> None:
        """Every archive that is new since the last call was made of what the sources are now."""
        self.listed = {repository: list_archives(self.host, repository) for repository in self.host.repositories}
        listed = [entry for entries in self.listed.values() for entry in entries]
        if new := [identity for identity, name in listed if identity not in self.portraits and self._is_own(name)]:
            now = portrait_of(self.host.source)
            self.portraits |= dict.fromkeys(new, now)

    def _is_own(self, name: str) -> bool:
        return name.startswith(f"web1-{self.job}-")


def list_archives(host: Host, repository: str) -> list[tuple[str, str]]:
    """Id and name of every finished archive, as Borg lists them."""
    done = host.borg(repository, "list", "--lock-wait=60", "--json")
    assert done.returncode == 0, done.stderr
    return [(archive["id"], archive["name"]) for archive in json.loads(done.stdout)["archives"]]


def nothing_is_lost(kept: Kept, why: object, *, expected: int = 0, restores: int = 1) -> Done:
    """Run the job again, and look at everything; gives what the run said.

    Arguments:
        kept: What the sources were.
        why: What happened, for the messages: with a seed in it, so that it can be repeated.
        expected: The exit status of the run: 0, unless the fault is one that a person must hear of.
        restores: How many archives are restored by the product, the newest first; the others are read by Borg.
    """
    host = kept.host
    done = host.fleetkeep("run", kept.job)
    assert done.exit_code == expected, (why, done.said)
    assert no_traceback(done), (why, done.said)
    kept.note()
    record_is_true(kept, why)
    for repository in host.repositories:
        for identity, name in kept.listed[repository][-restores:]:
            restores_alike(kept, repository, identity, name, why)
    return done


def record_is_true(kept: Kept, why: object) -> None:
    """Archives, files and runs on record are those that there are, and nothing is left locked."""
    host = kept.host
    stored = {(repository, *entry) for repository, entries in kept.listed.items() for entry in entries}
    points = host.fleetkeep("archives", "--json").json
    recorded = {(each["archive"]["repository"], each["archive"]["id"], each["archive"]["name"]) for each in points}
    assert recorded == stored, (why, "recorded, but not stored, and the reverse", recorded - stored, stored - recorded)
    states = {run["id"]: run["outcome"] for run in host.runs()}
    assert "running" not in states.values(), (why, states)
    locks = [*host.folder.glob("storage/*/lock.*"), *host.prefix.glob("var/cache/fleetkeep/borg/*/lock.*")]
    assert locks == [], why
    for repository, identity, name in sorted(stored):
        held = portrait_of_archive(host, repository, name)
        known = kept.portraits[identity]
        if kept.is_vague:
            known = held
        assert not (found := differences(held, in_seconds(known))), (why, name, found)
        rows = catalog_of(host, identity)
        rows = in_seconds(rows) if kept.is_vague else rows
        assert not (found := differences(rows, _without_content(known))), (why, name, found)


def catalog_of(host: Host, archive: str) -> Portrait:
    """What the rows of the catalog say of an archive."""
    found = {}
    with closing(open_catalog(host.prefix / LIBRARY / "catalog.sqlite")) as catalog:
        for entry in files.point_entries(catalog, history.find_point(catalog, archive)):
            status = entry.status
            if status is not None:
                size = status.size if stat.S_ISREG(status.mode) else 0
                found[entry.path] = Thing(
                    status.mode, status.uid, status.gid, status.modified_us, size, target=status.target or ""
                )
    return found


def restores_alike(kept: Kept, repository: str, identity: str, name: str, why: object) -> None:
    """An archive comes back through the product as its source was, or as Borg reads it."""
    host = kept.host
    target = host.folder / "restored"
    done = host.fleetkeep("restore", name, "--repository", repository, "--to", target)
    assert done.exit_code == 0, (why, name, done.said)
    found = portrait_of(target, target)
    if kept.is_vague:
        expected, found = portrait_of_archive(host, repository, name), in_seconds(found)
    else:
        expected = kept.portraits[identity]
    wrong = differences({path: thing for path, thing in found.items() if path in expected}, expected)
    assert not wrong, (why, name, wrong)
    above = {str(parent) for path in expected for parent in Path(path).parents}
    assert found.keys() - expected.keys() <= above, (why, name)
    shutil.rmtree(target)


def differences(found: Portrait, expected: Portrait) -> list[tuple[str, Thing | None, Thing | None]]:
    """The first few paths in which two portraits differ, with what each says of them."""
    paths = [path for path in sorted({*found, *expected}) if found.get(path) != expected.get(path)]
    return [(path, found.get(path), expected.get(path)) for path in paths[:5]]


def in_seconds(portrait: Portrait) -> Portrait:
    """The same with times in whole seconds."""
    second = 1_000_000
    return {path: replace(thing, modified_us=thing.modified_us // second * second) for path, thing in portrait.items()}


def _without_content(portrait: Portrait) -> Portrait:
    return {path: replace(thing, sha256="") for path, thing in portrait.items()}
