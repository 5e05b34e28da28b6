# SPDX-License-Identifier: GPL-3.0-or-later
"""A no-op apply of one host, and a playbook of 25 tasks of the usual kind that each find nothing to do."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from .measuring import BIN, call, header, measure, report
from .trees import declare


def compare(place: Path, rounds: int) -> None:
    """Measure both in turn and print the medians."""
    (place / "tree").mkdir(parents=True)
    (place / "tree" / "file").write_text("something\n")
    prefix, inventory = declare(place)
    ours = [
        str(BIN / "ansible-playbook"),
        "-i",
        str(inventory),
        "fleetkeep.backup.apply",
        "-e",
        f"fleetkeep_prefix={prefix}",
    ]
    usual = [str(BIN / "ansible-playbook"), "-i", "localhost,", str(_write_usual_playbook(place))]
    call(ours)
    call(usual)
    pairs = [(measure(lambda: call(ours)), measure(lambda: call(usual))) for _ in range(rounds)]
    print(f"\nNo-op apply of one host, local connection, {rounds} rounds, medians")
    header("apply", "one director task", "25 usual tasks")
    report("no change", *zip(*pairs, strict=True))


def _write_usual_playbook(place: Path) -> Path:
    """What a role of the usual kind does on one host: folders, templates, copies, lines, users, commands."""
    work = place / "usual"
    tasks = [{"ansible.builtin.file": {"path": f"{work}/d{n}", "state": "directory", "mode": "0755"}} for n in range(5)]
    tasks += [
        {"ansible.builtin.copy": {"content": f"value {{{{ {n} }}}}\n", "dest": f"{work}/d0/t{n}", "mode": "0644"}}
        for n in range(11)
    ]
    tasks += [
        {"ansible.builtin.lineinfile": {"path": f"{work}/d0/t{n}", "line": "# kept", "insertafter": "BOF"}}
        for n in (0, 1)
    ]
    for task in tasks[5:7]:
        task["ansible.builtin.copy"]["force"] = False
    tasks += [
        {"ansible.builtin.stat": {"path": str(work)}},
        {"ansible.builtin.getent": {"database": "passwd", "key": "root"}},
    ]
    tasks += [
        {"ansible.builtin.command": {"argv": ["true"]}, "changed_when": False},
        {"ansible.builtin.group": {"name": "root"}},
    ]
    tasks += [{"ansible.builtin.user": {"name": "root"}}, {"ansible.builtin.slurp": {"src": f"{work}/d0/t2"}}]
    tasks += [{"ansible.builtin.find": {"paths": [str(work)]}}]
    assert len(tasks) == 25
    play = [{"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": tasks}]
    play[0]["vars"] = {"ansible_python_interpreter": sys.executable}
    path = place / "usual.yml"
    path.write_text(json.dumps(play))
    return path


__all__ = ["compare"]
