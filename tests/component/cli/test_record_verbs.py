# SPDX-License-Identifier: GPL-3.0-or-later
"""The verbs that show the record: ``runs``, ``archives`` and ``status`` over a real catalog, as a user calls them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from builders import (
    DAY,
    HOUR,
    MINUTE,
    Sender,
    applied,
    make_archive,
    make_drill,
    make_job,
    make_kit_record,
    make_part,
    make_run,
    make_verification,
    received,
)
from click.testing import CliRunner, Result
from empty_catalog import put_empty_catalog

from fleetkeep.agent.paths import Paths
from fleetkeep.agent.spool import Spool
from fleetkeep.catalog.database import open_catalog
from fleetkeep.cli.main import program
from fleetkeep.clock import FixedClock, SystemClock
from fleetkeep.director.embedded import EmbeddedDirector
from fleetkeep.errors import (
    AmbiguousId,
    CatalogForbidden,
    CatalogUnreadable,
    NothingApplied,
    UnknownArchive,
    UnknownRun,
)
from fleetkeep.link import DrillFinished, KeyChanged, KitMade, KitTested, Message, RunFinished, VerificationFinished
from fleetkeep.model import FileWarning, KitProof, Outcome, Stage, StageName, Trigger, VerificationKind

NOW = SystemClock().now()
HOSTILE = "/etc/[bold]x[/bold]\x1b[31m\n\u202egpj.exe"


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    return tmp_path / "host"


def call(prefix: Path, *arguments: str) -> Result:
    return CliRunner().invoke(program, ["--prefix", str(prefix), *arguments])


def tell(prefix: Path, *told: Message) -> None:
    with closing(open_catalog(put_empty_catalog(Paths(prefix).catalog))) as catalog:
        say = Sender()
        EmbeddedDirector(catalog, FixedClock(NOW - 3 * HOUR)).deliver([say(message) for message in told])


def good_run(**changes: object) -> RunFinished:
    archive = make_archive("system-1", started_at=NOW - 3 * HOUR, files=48_213, original_bytes=1_912_000_000)
    values = {
        "trigger": Trigger.SCHEDULE,
        "started_at": NOW - 3 * HOUR,
        "finished_at": NOW - 3 * HOUR + 2 * MINUTE,
        "repositories": (make_part(archive=archive),),
    }
    return RunFinished(run=make_run("f00d00000001", **values | changes))


# --- nothing there ---


@pytest.mark.parametrize(
    ("arguments", "words", "status"),
    [
        (["runs"], "No run of any job is recorded yet; `fleetkeep run JOB` starts one.\n", 0),
        (["runs", "--job", "x"], "No run of job x is recorded yet; `fleetkeep run x` starts one.\n", 0),
        (["archives"], "No archive is known yet; `fleetkeep run JOB` makes one.\n", 0),
        (["runs", "--json"], "[]\n", 0),
        (["archives", "--json"], "[]\n", 0),
        (
            ["status"],
            "Nothing is backed up: no job is declared; declare one in the fleet file, then run `fleetkeep apply`.\n",
            3,
        ),
    ],
)
def test_an_empty_host_says_what_to_do_and_stays_empty(
    prefix: Path, arguments: list[str], words: str, status: int
) -> None:
    result = call(prefix, *arguments)
    assert (result.output, result.exit_code) == (words, status)
    assert not prefix.exists()


def test_an_unknown_job_is_told_which_there_are(prefix: Path) -> None:
    tell(prefix, applied(make_job(), make_job("database")))
    for verb in ("runs", "archives"):
        assert call(prefix, verb, "--job", "databse").output == (
            "No job databse is known here; there is database, system.\n"
        )


@pytest.mark.parametrize(
    "arguments",
    [
        ["restore", "--job", "system", "--to", "out"],
        ["restore", "no-such-archive", "--to", "out"],
        ["drill", "system"],
        ["drill", "system", "--repository", "offsite"],
        ["run", "system"],
        ["agent"],
        ["agent", "--show"],
        ["apply", "--local"],
    ],
)
def test_verbs_that_act_leave_an_empty_host_empty(prefix: Path, arguments: list[str]) -> None:
    assert isinstance(call(prefix, *arguments).exception, (NothingApplied, UnknownArchive))
    assert not prefix.exists()


# --- something there ---


def test_runs_are_listed_newest_first(prefix: Path) -> None:
    old = make_run("0ld000000000", started_at=NOW - 2 * DAY, outcome=Outcome.FAILED, reason="offsite: it is locked.")
    tell(prefix, good_run(), RunFinished(run=old))
    lines = call(prefix, "runs").output.splitlines()
    assert lines[0].split() == ["RUN", "JOB", "STARTED", "TOOK", "OUTCOME", "FILES", "SIZE", "ADDED", "REASON"]
    assert lines[1].split()[0] == "f00d00000001"
    assert "0:02:00  succeeded  48,213  1.9 GB  1.0 kB" in lines[1]
    assert lines[2].endswith("offsite: it is locked.") and len(lines) == 3
    assert call(prefix, "runs", "--limit", "1").output.endswith("These are the newest 1; --limit shows more.\n")
    listed = json.loads(call(prefix, "runs", "--json").output)
    assert [run["id"] for run in listed] == ["f00d00000001", "0ld000000000"]


def test_a_run_is_shown_with_its_repositories_stages_and_warnings(prefix: Path) -> None:
    part = make_part(
        outcome=Outcome.WARNING,
        reason="2 files could not be read.",
        archive=make_archive(),
        stages=(Stage(name=StageName.CREATE, outcome=Outcome.WARNING, exit_code=107, duration_seconds=12.34),),
        warnings=(FileWarning(path="/etc/shadow", message="Permission denied"), FileWarning(path="", message="odd")),
        warning_count=1002,
        deleted=("system-0",),
    )
    stages = (Stage(name=StageName.GUARD, outcome=Outcome.SUCCEEDED, duration_seconds=0.1),)
    tell(prefix, good_run(outcome=Outcome.WARNING, reason="why", repositories=(part,), stages=stages))
    shown = call(prefix, "runs", "f00d").output
    for words in (
        "Run f00d00000001 of job system on web1: warning\nwhy\n",
        "by schedule, took 0:02:00.",
        "  guard  succeeded  0.1 s\n",
        "Repository offsite: warning\n  2 files could not be read.\n",
        "  10 files, 1.0 MB, compressed 400.0 kB, added 1.0 kB\n  Deleted by retention: system-0\n",
        "  create  warning  12.3 s  exit code 107\n",
        "  Borg warned 1002 times:\n    /etc/shadow: Permission denied\n    odd\n    and 1000 more",
    ):
        assert words in shown
    assert json.loads(call(prefix, "runs", "f00d", "--json").output)["repositories"][0]["warning_count"] == 1002


def test_a_run_that_is_not_known_or_not_one_is_an_error(prefix: Path) -> None:
    assert isinstance(call(prefix, "runs", "f00d").exception, UnknownRun)
    tell(prefix, good_run(), RunFinished(run=make_run("f00d00000002")))
    assert isinstance(call(prefix, "runs", "f00d").exception, AmbiguousId)
    assert isinstance(call(prefix, "runs", "beef").exception, UnknownRun)


def test_archives_are_listed_with_their_proof(prefix: Path) -> None:
    one, two = make_archive("system-1"), make_archive("system-2", repository="local")
    drill = make_drill(archive_id=one.id, finished_at=NOW - 4 * HOUR)
    check = make_verification(kind=VerificationKind.ARCHIVE, archive_id=one.id, finished_at=NOW - 4 * HOUR)
    told = (DrillFinished(drill=drill), VerificationFinished(verification=check))
    tell(prefix, received(one), received(two), *told)
    lines = call(prefix, "archives").output.splitlines()
    head = ["ID", "JOB", "REPOSITORY", "RECEIVED", "FILES", "SIZE", "ADDED", "PROVEN", "CHECKED", "ARCHIVE"]
    assert lines[0].split() == head
    assert lines[1].split()[-3:] == ["unproven", "never", "system-2"] and " local " in lines[1]
    assert lines[2].endswith("(metadata)  system-1") and "unproven" not in lines[2]
    only = json.loads(call(prefix, "archives", "--repository", "local", "--json").output)
    assert [point["archive"]["name"] for point in only] == ["system-2"]


def test_status_gives_the_verdict_first_and_its_exit_status(prefix: Path) -> None:
    archive = make_archive("system-1")
    tell(
        prefix,
        applied(make_job(schedule=None), at=NOW - 9 * DAY),
        good_run(),
        DrillFinished(drill=make_drill(archive_id=archive.id, finished_at=NOW - 3 * HOUR)),
        KitMade(kit=make_kit_record()),
    )
    result = call(prefix, "status")
    assert result.exit_code == 0
    assert result.output.startswith("The only job on 1 client is protected; the newest proof is 3 hours old.\n\nJOB ")
    tell(
        prefix,
        RunFinished(run=make_run("bad000000000", outcome=Outcome.FAILED, reason="no.", started_at=SystemClock().now())),
    )
    told_again = call(prefix, "status")
    assert told_again.exit_code == 0  # the token was used before: the same message is not taken twice
    with closing(open_catalog(Paths(prefix).catalog)) as catalog:
        failed = RunFinished(
            run=make_run("bad000000000", outcome=Outcome.FAILED, reason="no.", started_at=SystemClock().now())
        )
        EmbeddedDirector(catalog, SystemClock()).deliver([Sender()(failed, token="another")])
    result = call(prefix, "status")
    assert result.exit_code == 3
    assert result.output.startswith(
        "1 of 1 job needs a person: web1/system: the last run failed less than a minute ago: no.\n\n"
        "! web1/system: the last run failed less than a minute ago: no.\n"
        "  `fleetkeep runs bad000000000` shows what happened.\n"
    )
    said = json.loads(call(prefix, "status", "--json").output)
    assert said["needs_person"] and said["findings"][0]["kind"] == "run_failed"
    assert said["jobs"][0]["state"] == "needs a person"


def test_what_waits_in_the_spool_is_taken_in_first(prefix: Path) -> None:
    with closing(Spool(Paths(prefix).spool)) as spool:
        spool.append(good_run(), "web1", SystemClock())
    assert "f00d00000001" in call(prefix, "runs").output
    with closing(Spool(Paths(prefix).spool)) as spool:
        assert spool.is_empty()


# --- hostile names, colours, broken catalogs ---


def test_names_are_shown_and_never_obeyed(prefix: Path) -> None:
    part = make_part(
        outcome=Outcome.WARNING,
        reason=HOSTILE,
        archive=make_archive(HOSTILE),
        warnings=(FileWarning(path=HOSTILE, message=HOSTILE),),
        warning_count=1,
    )
    run = good_run(reason=HOSTILE, outcome=Outcome.FAILED, repositories=(part,))
    tell(prefix, applied(make_job()), run)
    for arguments in (["runs"], ["runs", "f00d"], ["archives"], ["status"]):
        shown = _in_a_terminal(prefix, *arguments)
        plain = shown.replace("\r\n", "\n").replace("\n", "")
        assert "[bold]x[/bold]" in plain and r"\x1b[31m\n\u202egpj.exe" in plain.replace(" ", "")
        assert "\u202e" not in shown and "\x1b[31mgpj" not in shown and "\x1b[31m\n" not in shown


def test_colours_are_for_terminals_and_no_color_is_heard(prefix: Path) -> None:
    tell(prefix, good_run())
    assert "\x1b[32m" in _in_a_terminal(prefix, "runs")
    assert "\x1b[32m" not in _in_a_terminal(prefix, "runs", NO_COLOR="1")
    assert "\x1b" not in call(prefix, "runs").output


def _in_a_terminal(prefix: Path, *arguments: str, **environment: str) -> str:
    """What the verb prints on a terminal of 400 columns."""
    import pty

    leader, follower = pty.openpty()
    command = [sys.executable, "-m", "fleetkeep", "--prefix", str(prefix), *arguments]
    child_environment = {"PATH": os.environ["PATH"], "TERM": "xterm-256color", "COLUMNS": "400", "LANG": "C.UTF-8"}
    child_environment["PYTHONPATH"] = os.pathsep.join(sys.path)
    child = subprocess.Popen(
        command, stdout=follower, stderr=follower, stdin=subprocess.DEVNULL, env=child_environment | environment
    )
    os.close(follower)
    blocks = []
    while True:
        try:
            block = os.read(leader, 65_536)
        except OSError:  # Linux says so when the other end is closed
            break
        if not block:
            break
        blocks.append(block)
    child.wait()
    os.close(leader)
    return b"".join(blocks).decode()


def test_a_broken_catalog_is_one_sentence(prefix: Path) -> None:
    tell(prefix, good_run())
    Paths(prefix).catalog.write_bytes(b"nonsense" * 1000)
    for verb in ("runs", "archives", "status"):
        assert isinstance(call(prefix, verb).exception, CatalogUnreadable)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can call a verb as another user")
def test_another_user_is_told_to_use_sudo(prefix: Path) -> None:
    tell(prefix, good_run())
    script = (
        "import os, sys; from pathlib import Path; from fleetkeep.cli._record import _exists;"
        "from fleetkeep.catalog.database import open_catalog;"
        "os.setgid(65534); os.setuid(65534)\n"
        f"path = Path({str(Paths(prefix).catalog)!r})\n"
        "for attempt in (_exists, open_catalog):\n"
        "    try: attempt(path)\n"
        "    except Exception as error: print(type(error).__name__)\n"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert said.stdout.split() == [CatalogForbidden.__name__] * 2, said.stderr


# --- recovery kits ---


def test_a_host_without_a_kit_is_told_so_and_nothing_is_urgent(prefix: Path) -> None:
    tell(prefix, applied(make_job(schedule=None), at=NOW - 9 * DAY), good_run())
    result = call(prefix, "status")
    assert result.exit_code == 0
    assert (
        "- web1: repository offsite has no recovery kit: if this host burns, nobody opens it\n"
        "  On web1: `fleetkeep kit make offsite --owner WHO --place WHERE --to DIRECTORY` makes one.\n"
    ) in result.output


def test_kits_are_listed_with_owner_place_test_and_staleness(prefix: Path) -> None:
    assert call(prefix, "kit", "list").output == "No kit is known; `fleetkeep kit make REPOSITORY` makes one.\n"
    assert not prefix.exists()
    old = make_kit_record(owner="Ada", place=HOSTILE, made_at=NOW - 9 * DAY)
    new = make_kit_record("kit-2", fingerprint="cd" * 32, made_at=NOW - 5 * HOUR)
    proof = KitProof(
        kit="kit-1",
        client="web1",
        repository="offsite",
        repository_id=old.repository_id,
        location="/srv/offsite",
        tested_at=NOW - 8 * DAY,
        opens=True,
        is_current=True,
    )
    tell(prefix, KitMade(kit=old), KitTested(proof=proof), KitMade(kit=new))
    lines = call(prefix, "kit", "list").output.splitlines()
    assert lines[0].split() == ["KIT", "REPOSITORY", "OWNER", "PLACE", "MADE", "TESTED", "STATE"]
    assert lines[1].split()[0] == "kit-2" and lines[1].split()[-2:] == ["never", "current"]
    assert lines[2].startswith("kit-1") and "stale since" in lines[2]
    assert "\x1b" not in "".join(lines) and len(lines) == 3
    listed = json.loads(call(prefix, "kit", "list", "--json").output)
    assert [(kit["id"], bool(kit["tested_at"]), bool(kit["retired_at"])) for kit in listed] == [
        ("kit-2", False, False),
        ("kit-1", True, True),
    ]
    assert [kit["id"] for kit in json.loads(call(prefix, "kit", "list", "--current", "--json").output)] == ["kit-2"]


def test_a_stale_kit_is_a_finding_until_there_is_another(prefix: Path) -> None:
    kit = make_kit_record(owner="Ada")
    changed = KeyChanged(at=NOW, repository="offsite", repository_id=kit.repository_id, fingerprint="ef" * 32)
    state = applied(make_job(schedule=None), at=NOW - 9 * DAY)
    tell(prefix, state, good_run(), KitMade(kit=kit), changed)
    found = json.loads(call(prefix, "status", "--json").output)["findings"]
    (finding,) = [each for each in found if each["kind"] == "stale_kit"]
    assert finding["repository"] == "offsite" and "(Ada, the safe) is stale" in finding["sentence"]
    again = make_kit_record("kit-2", fingerprint="ef" * 32)
    with closing(open_catalog(Paths(prefix).catalog)) as catalog:
        EmbeddedDirector(catalog, FixedClock(NOW)).deliver([Sender()(KitMade(kit=again), token="another")])
    found = json.loads(call(prefix, "status", "--json").output)["findings"]
    assert [each["kind"] for each in found if "kit" in each["kind"]] == []
