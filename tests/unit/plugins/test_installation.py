# SPDX-License-Identifier: GPL-3.0-or-later
"""What is decided about the runtime on a host, and what arrives there."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import pytest
from ansible.errors import AnsibleActionFail
from ansible_collections.fleetkeep.backup.plugins.module_utils import _installation as installation
from ansible_collections.fleetkeep.backup.plugins.plugin_utils import _wheelhouse as wheelhouse

WANTED = installation.Wanted(
    path="/opt/fleetkeep",
    python="/usr/bin/python3",
    requirement="fleetkeep[borg]==1.2.3",
    wheels={"fleetkeep-1.2.3-py3-none-any.whl": "aa"},
    link="/usr/local/bin/fleetkeep",
    packages=("python3-venv",),
)
STAMP = {"python": "/usr/bin/python3 3.11", "requirement": WANTED.requirement, "wheels": WANTED.wheels}
BARE = installation.Actual(
    stamp={}, ours=False, foreign=False, works=False, python=(3, 11, 2), link="absent", missing_packages=()
)
COMPLETE = replace(BARE, stamp=STAMP, ours=True, works=True, link="ours")


@pytest.mark.parametrize(
    ("actual", "steps"),
    [
        (COMPLETE, []),
        (BARE, ["environment", "content", "link"]),
        (replace(BARE, missing_packages=("python3-venv",)), ["packages", "environment", "content", "link"]),
        (replace(COMPLETE, missing_packages=("python3-venv",)), []),
        (replace(COMPLETE, python=(3, 11, 9)), []),
        (replace(COMPLETE, python=(3, 13, 5)), ["environment", "content"]),
        (replace(COMPLETE, works=False), ["environment", "content"]),
        (replace(COMPLETE, stamp=STAMP | {"requirement": "fleetkeep[borg]==1.2.2"}), ["content"]),
        (replace(COMPLETE, stamp=STAMP | {"wheels": {}}), ["content"]),
        (replace(COMPLETE, stamp={"python": STAMP["python"]}), ["content"]),
        (replace(COMPLETE, stamp={}), ["environment", "content"]),
        (replace(COMPLETE, link="absent"), ["link"]),
        (replace(COMPLETE, link="other"), ["link"]),
    ],
)
def test_only_what_differs_is_done(actual, steps):
    assert installation.plan_installation(WANTED, actual) == steps


def test_without_a_link_none_is_made():
    assert installation.plan_installation(replace(WANTED, link=""), replace(COMPLETE, link="foreign")) == []


@pytest.mark.parametrize(
    ("actual", "sentence"),
    [
        (replace(BARE, foreign=True), "/opt/fleetkeep is there already and was not made by this role"),
        (replace(BARE, link="foreign"), "/usr/local/bin/fleetkeep is there already and does not belong to Fleetkeep"),
        (replace(BARE, python=()), "/usr/bin/python3 does not start; install Python 3.10 or newer"),
        (replace(BARE, python=(3, 9, 2)), "/usr/bin/python3 is Python 3.9.2, but Fleetkeep needs 3.10 or newer"),
    ],
)
def test_what_would_harm_or_cannot_work_is_refused(actual, sentence):
    with pytest.raises(installation.InstallationError, match=sentence):
        installation.plan_installation(WANTED, actual)


@pytest.mark.parametrize(
    ("actual", "steps"),
    [
        (BARE, []),
        (COMPLETE, ["unlink", "remove"]),
        (replace(COMPLETE, stamp={}, works=False, link="other"), ["remove"]),
        (replace(BARE, link="foreign"), []),
    ],
)
def test_only_what_is_ours_is_removed(actual, steps):
    assert installation.plan_removal(WANTED, actual, users=[]) == steps


def test_a_runtime_that_a_unit_starts_stays():
    with pytest.raises(installation.InstallationError, match=r"still used by fleetkeep-a\.service; take this host out"):
        installation.plan_removal(WANTED, COMPLETE, users=["fleetkeep-a.service"])


def test_a_folder_of_others_is_not_removed():
    with pytest.raises(installation.InstallationError, match="was not made by this role"):
        installation.plan_removal(WANTED, replace(BARE, foreign=True), users=[])


def test_removal_takes_only_what_venv_and_pip_made(tmp_path):
    wanted = replace(WANTED, path=str(tmp_path / "runtime"), link="")
    kept = tmp_path / "runtime/repository/data"
    for part in ("lib/python3.11/site-packages", "bin", "repository"):
        (tmp_path / "runtime" / part).mkdir(parents=True)
    (tmp_path / "runtime" / installation.STAMP).write_text("{}")
    kept.write_text("an archive")
    installation.Installer(wanted, COMPLETE, run=None).carry_out(["remove"])
    assert kept.read_text() == "an archive"
    assert [path.name for path in (tmp_path / "runtime").iterdir()] == ["repository"]


def test_a_failure_leaves_a_stamp_that_is_not_complete(tmp_path):
    wanted = replace(WANTED, path=str(tmp_path))
    (tmp_path / installation.STAMP).write_text(json.dumps(STAMP | {"requirement": "fleetkeep[borg]==1.2.2"}))
    installer = installation.Installer(wanted, COMPLETE, run=lambda arguments: (1, "noise\nERROR: no such thing\n\n"))
    with pytest.raises(installation.InstallationError, match=r"pip could not install .*: ERROR: no such thing$"):
        installer.carry_out(["content"])
    assert json.loads((tmp_path / installation.STAMP).read_text()) == {"python": STAMP["python"]}


def test_packages_are_looked_up_again_before_giving_up():
    said = []
    answers = iter([(100, "not found"), (0, ""), (0, "")])

    def run(arguments):
        said.append(arguments[-1] if arguments[-1] == "update" else arguments[-2:])
        return next(answers)

    actual = replace(BARE, missing_packages=("python3-venv",))
    installation.Installer(WANTED, actual, run).carry_out(["packages"])
    assert said == [["install", "python3-venv"], "update", ["install", "python3-venv"]]


@pytest.mark.parametrize(
    ("make", "state"),
    [
        (lambda link, runtime: None, "absent"),
        (lambda link, runtime: link.symlink_to(runtime / "bin/fleetkeep"), "ours"),
        (lambda link, runtime: link.symlink_to(runtime.with_name("older") / "bin/fleetkeep"), "other"),
        (lambda link, runtime: link.symlink_to("/bin/true"), "foreign"),
        (lambda link, runtime: link.write_text("#!/bin/sh"), "foreign"),
    ],
)
def test_the_link_is_told_from_what_others_put_there(tmp_path, make, state):
    (tmp_path / "older").mkdir()
    (tmp_path / "older" / installation.STAMP).write_text("{}")
    make(tmp_path / "link", tmp_path / "runtime")
    assert installation._link_state(str(tmp_path / "link"), str(tmp_path / "runtime")) == state


def test_wheels_arrive_as_they_were_sent(tmp_path):
    (tmp_path / "house").mkdir()
    (tmp_path / "host").mkdir()
    (tmp_path / "house/fleetkeep-1.2.3-py3-none-any.whl").write_bytes(b"wheel")
    wheels = wheelhouse.read_wheelhouse(tmp_path / "house", "1.2.3")
    assert wheels == {"fleetkeep-1.2.3-py3-none-any.whl": hashlib.sha256(b"wheel").hexdigest()}
    wheelhouse.pack_wheels(tmp_path / "house", wheels, tmp_path / "wheels.zip")
    installation.unpack_wheels(tmp_path / "wheels.zip", wheels, tmp_path / "host")
    assert (tmp_path / "host/fleetkeep-1.2.3-py3-none-any.whl").read_bytes() == b"wheel"
    with pytest.raises(installation.InstallationError, match="did not arrive as it was sent"):
        installation.unpack_wheels(tmp_path / "wheels.zip", dict.fromkeys(wheels, "0" * 64), tmp_path / "host")


@pytest.mark.parametrize(
    ("files", "has"),
    [([], "no wheel of Fleetkeep"), (["fleetkeep-1.2.2-py3-none-any.whl", "rich-1.whl"], r"Fleetkeep 1\.2\.2")],
)
def test_a_wheelhouse_without_the_right_package_is_refused(tmp_path, files, has):
    for name in files:
        (tmp_path / name).touch()
    with pytest.raises(AnsibleActionFail, match=f"{has}, but this collection needs 1.2.3; fill it with: pip wheel"):
        wheelhouse.read_wheelhouse(tmp_path, "1.2.3")
