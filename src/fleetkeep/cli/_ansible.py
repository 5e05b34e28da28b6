# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the collection's playbooks with ``ansible-playbook`` and reads what the director reports of each host.

Nothing here imports Ansible: it is another program, which the user configures as ever (``ansible.cfg``, ``ANSIBLE_*``).
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from fleetkeep import settings
from fleetkeep.errors import AnsibleFailed, AnsibleMissing, CollectionMissing, FleetFileProblem, NoHosts, Problems

_COLLECTION = Path("ansible_collections/fleetkeep/backup")
_DEFAULT_COLLECTIONS = "~/.ansible/collections:/usr/share/ansible/collections"
_POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Request:
    """One run of a playbook of the collection."""

    playbook: str
    """Its name without the collection, such as ``plan``."""

    inventories: tuple[str, ...] = ()
    limit: str | None = None
    arguments: tuple[str, ...] = ()
    """More arguments for ``ansible-playbook``, as the user gave them."""

    variables: Mapping[str, Any] = field(default_factory=dict)
    """Extra variables; never a secret, because arguments can be seen by every user."""

    verbosity: int = 0
    """Above 0, Ansible's own output goes to standard error."""


@dataclass(frozen=True)
class HostResult:
    """What the director said of one host."""

    host: str
    outcome: str
    """``ok``, ``failed`` or ``unreachable``."""

    message: str = ""
    changed: bool = False
    problems: tuple[str, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """The rest: ``plan``, ``messages``, ``explanation`` ..."""

    @property
    def is_good(self) -> bool:
        return self.outcome == "ok"


@dataclass(frozen=True)
class Report:
    """What one run of a playbook came to, in the order in which hosts ended."""

    results: tuple[HostResult, ...]
    exit_code: int

    said: str = field(default="", repr=False)
    """What Ansible printed, unless it was shown already."""


Progress = Callable[[int, int], None]
"""Called with the number of hosts that are done, and of all hosts."""


def run_playbook(request: Request, progress: Progress | None = None) -> Report:
    """Run one playbook to its end and give what the director reported.

    Raises ``AnsibleMissing``, ``CollectionMissing``, ``NoHosts``; ``Problems`` with the fleet files that Ansible cannot
    read; ``AnsibleFailed`` when Ansible ended before any host was reached, after its own words were shown.
    """
    program = _find_program()
    with tempfile.TemporaryDirectory(prefix="fleetkeep-") as folder:
        report_file = Path(folder, "report.jsonl")
        report_file.touch(mode=0o600)
        command = [program, f"fleetkeep.backup.{request.playbook}", *_arguments(request)]
        exit_code, said = _run(command, _environment(report_file), Path(folder), request, progress, report_file)
        events = list(_read_events(report_file))
    results = _merge(_result(event) for event in events if event["event"] == "host")
    if not results:
        _explain_silence(request, exit_code, said)
    return Report(results=results, exit_code=exit_code, said=said)


def _find_program() -> str:
    """``ansible-playbook`` beside this interpreter, else on the search path. Raises ``AnsibleMissing``."""
    beside = str(Path(sys.executable).parent)
    found = shutil.which("ansible-playbook", path=beside) or shutil.which(
        "ansible-playbook", path=settings.search_path()
    )
    if found is None:
        raise AnsibleMissing(searched=f"{beside} and PATH")
    return found


def _arguments(request: Request) -> Iterator[str]:
    for inventory in request.inventories or _usual_inventory():
        yield from ("--inventory", inventory)
    if request.limit:
        yield from ("--limit", request.limit)
    if request.variables:
        yield from ("--extra-vars", json.dumps(request.variables))
    if request.verbosity > 1:
        yield "-" + "v" * (request.verbosity - 1)
    yield from request.arguments


def _usual_inventory() -> Sequence[str]:
    """``inventory/`` of the working directory, unless Ansible is configured with another one."""
    configured = "ANSIBLE_INVENTORY" in settings.controller_environment({}) or _configures("inventory")
    return ["inventory"] if Path("inventory").is_dir() and not configured else []


def _environment(report_file: Path) -> dict[str, str]:
    """The user's environment, with the report, and the collection of this folder where there is one."""
    user = settings.controller_environment({})
    callbacks = [name for name in user.get("ANSIBLE_CALLBACKS_ENABLED", "").split(",") if name]
    ours = {
        "ANSIBLE_CALLBACKS_ENABLED": ",".join([*callbacks, "fleetkeep.backup.report"]),
        "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "true",
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_NOCOLOR": "true",
        "ANSIBLE_RETRY_FILES_ENABLED": "false",
        "FLEETKEEP_REPORT_FILE": str(report_file),
    }
    if "ANSIBLE_SSH_PIPELINING" not in user:
        ours["ANSIBLE_PIPELINING"] = user.get("ANSIBLE_PIPELINING", "true")
    here = Path("collections").absolute()
    if (here / _COLLECTION).is_dir() and not _configures("collections_path"):
        ours["ANSIBLE_COLLECTIONS_PATH"] = f"{here}:{user.get('ANSIBLE_COLLECTIONS_PATH', _DEFAULT_COLLECTIONS)}"
    return settings.controller_environment(ours)


def _configures(key: str) -> bool:
    """Whether the ``ansible.cfg`` of the working directory sets a key."""
    try:
        return re.search(rf"^{key}\s*=", Path("ansible.cfg").read_text(), re.MULTILINE) is not None
    except OSError:
        return False


def _run(
    command: Sequence[str],
    environment: Mapping[str, str],
    folder: Path,
    request: Request,
    progress: Progress | None,
    report_file: Path,
) -> tuple[int, str]:
    """Run the command to its end; gives its exit status and, unless it was shown, what it said."""
    with Path(folder, "output").open("w+b") as output:
        process = subprocess.Popen(
            command, env=environment, stdout=sys.stderr if request.verbosity else output, stderr=subprocess.STDOUT
        )
        try:
            exit_code = _wait(process, progress, report_file)
        except KeyboardInterrupt:
            process.terminate()
            process.wait()
            raise
        output.seek(0)
        return exit_code, output.read().decode(errors="replace")


def _wait(process: subprocess.Popen[bytes], progress: Progress | None, report_file: Path) -> int:
    while progress is not None:
        try:
            return process.wait(timeout=_POLL_SECONDS)
        except subprocess.TimeoutExpired:
            events = list(_read_events(report_file))
            total = max((event["hosts"] for event in events if event["event"] == "play"), default=0)
            progress(len({event["host"] for event in events if event["event"] == "host"}), total)
    return process.wait()


def _read_events(report_file: Path) -> Iterator[dict[str, Any]]:
    """The whole lines of the report; the last one may still be written."""
    for line in report_file.read_text(encoding="utf-8").splitlines(keepends=True):
        if line.endswith("\n"):
            yield json.loads(line)


def _result(event: Mapping[str, Any]) -> HostResult:
    known = ("event", "host", "outcome", "msg", "changed", "problems")
    return HostResult(
        host=event["host"],
        outcome=event["outcome"],
        message=str(event.get("msg", "")),
        changed=bool(event.get("changed")),
        problems=tuple(event.get("problems", ())),
        data={key: value for key, value in event.items() if key not in known},
    )


def _merge(results: Iterable[HostResult]) -> tuple[HostResult, ...]:
    """One result for each host: what waited for a storage host was done in a second step of the same plan."""
    found: dict[tuple[str, Any], HostResult] = {}
    for result in results:
        key = (result.host, result.data.get("state"))
        first = found.get(key)
        if first is not None and first.data.get("waiting"):
            data = {**result.data, "plan": first.data.get("plan")}
            result = replace(result, changed=first.changed or result.changed, data=data)
        found[key] = result
    return tuple(found.values())


def _explain_silence(request: Request, exit_code: int, said: str) -> None:
    """Say why no host was reported. Raises always."""
    if problems := _unreadable_fleet_files(request.inventories or _usual_inventory()):
        raise Problems(problems)
    if "fleetkeep.backup" in said and "could not be found" in said:
        raise CollectionMissing
    if exit_code == 0 or "no hosts to target" in said:
        raise NoHosts(pattern=request.limit or "all")
    sys.stderr.write(said)
    raise AnsibleFailed(exit_code=exit_code)


def _unreadable_fleet_files(inventories: Sequence[str]) -> list[FleetFileProblem]:
    from fleetkeep.fleet.load import load_fleet_file
    from fleetkeep.fleet.sources import find_fleet_files

    problems: list[FleetFileProblem] = []
    for file in find_fleet_files(Path(inventory) for inventory in inventories):
        try:
            load_fleet_file(file)
        except Problems as found:
            problems += found.problems  # type: ignore[arg-type]  # of a fleet file, all are FleetFileProblem
    return problems


__all__ = ["HostResult", "Progress", "Report", "Request", "run_playbook"]
