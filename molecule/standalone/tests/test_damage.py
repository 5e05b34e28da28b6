# SPDX-License-Identifier: GPL-3.0-or-later
"""One flipped bit in a repository: drill and check fail, status needs a person, the other copy still restores, and all
is well again when the segment is. The tests build on each other, in this order."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from testinfra.host import Host

SEGMENTS = "/srv/borg/mirror/standalone/data"
KEPT = "/root/segment-as-it-was"
PATH = "/srv/documents/precious"
#: The content cannot be compressed, so that it fills most of the segment that the run writes.
LENGTH = 400_000

FLIP = """
import sys
path, offset = sys.argv[1], int(sys.argv[2])
with open(path, "r+b") as file:
    file.seek(offset)
    byte = file.read(1)[0]
    file.seek(offset)
    file.write(bytes([byte ^ 0x10]))
"""

Fleetkeep = Callable[[str], Any]


def test_a_sound_repository_is_proven_and_the_proof_is_recorded(host: Host, fleetkeep: Fleetkeep) -> None:
    host.check_output(f"head --bytes={LENGTH} /dev/urandom > {PATH}")
    host.check_output("systemctl start fleetkeep-documents.service")
    (drill,) = fleetkeep("drill documents --repository mirror")
    assert (drill["outcome"], drill["reason"]) == ("succeeded", "")
    assert PATH.lstrip("/") in {file["path"] for file in drill["files"]}
    assert {check["outcome"] for check in fleetkeep("check mirror --data")} == {"succeeded"}
    (point, *_) = fleetkeep("archives --job documents --repository mirror")
    assert point["archive"]["id"] == drill["archive_id"]
    assert point["proven_at"] == drill["finished_at"]
    assert not fleetkeep("status")["needs_person"]


def test_a_flipped_bit_is_found_and_a_person_is_needed_until_it_is_put_right(host: Host, fleetkeep: Fleetkeep) -> None:
    with damaged_segment(host):
        drill_fails(host)
        check_fails(host)
        a_person_is_needed(host)
        the_other_copy_restores(host)
    (drill,) = fleetkeep("drill documents --repository mirror")
    assert (drill["outcome"], drill["reason"]) == ("succeeded", "")
    assert {check["outcome"] for check in fleetkeep("check mirror --data")} == {"succeeded"}
    well = fleetkeep("status")
    assert not well["needs_person"]
    assert not kinds_of(well) & {"drill_failed", "check_failed"}


@contextmanager
def damaged_segment(host: Host) -> Iterator[None]:
    """A bit is other than it was in the middle of the segment that holds the file's content."""
    newest = f"find {SEGMENTS} -type f -newer {PATH} -size +{LENGTH}c"
    segment = host.check_output(newest)
    assert segment.count("\n") == 0, f"the content is in one segment, not in these: {segment}"
    size = host.file(segment).size
    assert LENGTH < size < 2 * LENGTH, "the content fills most of its segment, its middle for sure"
    host.check_output(f"cp --archive {segment} {KEPT}")
    host.check_output(f"/usr/bin/python3 -c '{FLIP}' {segment} {size // 2}")
    try:
        yield
    finally:
        host.check_output(f"cp --archive {KEPT} {segment}")


def drill_fails(host: Host) -> None:
    """It ends with 1 and names the file."""
    failed = host.run("fleetkeep drill documents --repository mirror --json")
    assert failed.rc == 1, failed.stderr
    (drill,) = json.loads(failed.stdout)
    assert drill["outcome"] == "failed"
    assert f"1 ({PATH.lstrip('/')}) could not be restored whole" in drill["reason"]


def check_fails(host: Host) -> None:
    """It ends with 1, names the file, and tells what not to do."""
    failed = host.run("fleetkeep check mirror --data --json")
    assert failed.rc == 1, failed.stderr
    assert "error: Repository mirror is damaged" in failed.stderr
    assert "Never run `borg check --repair`" in failed.stderr
    results = json.loads(failed.stdout)
    assert [result["outcome"] for result in results if result["kind"] == "repository"] == ["failed"]
    damaged = [result["reason"] for result in results if result["kind"] == "data" and result["outcome"] == "failed"]
    assert damaged == [f"1 file ({PATH.lstrip('/')}) is damaged."]


def a_person_is_needed(host: Host) -> None:
    """Both findings stand, each about this repository alone."""
    status = host.run("fleetkeep status --json")
    assert status.rc == 3, status.stderr
    told = json.loads(status.stdout)
    assert told["needs_person"]
    assert {"drill_failed", "check_failed"} <= kinds_of(told)
    wrong = [finding for finding in told["findings"] if finding["kind"] in ("drill_failed", "check_failed")]
    assert {finding["repository"] for finding in wrong} == {"mirror"}


def the_other_copy_restores(host: Host) -> None:
    """Nothing is lost."""
    target = host.check_output("mktemp --directory --tmpdir=/srv")
    host.check_output(f"fleetkeep restore --job documents --repository local {PATH} --to {target}")
    host.check_output(f"cmp {PATH} {target}{PATH}")


def kinds_of(status: dict[str, Any]) -> set[str]:
    """The kinds of its findings."""
    return {finding["kind"] for finding in status["findings"]}
