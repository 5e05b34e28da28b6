# SPDX-License-Identifier: GPL-3.0-or-later
"""The two doors to the package: each lets the right version pass and says in one sentence what is wrong."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest
from ansible.errors import AnsibleError
from ansible_collections.fleetkeep.backup.plugins.module_utils import _runtime as host_door
from ansible_collections.fleetkeep.backup.plugins.module_utils._version import VERSION
from ansible_collections.fleetkeep.backup.plugins.plugin_utils import _runtime as controller_door

import fleetkeep
from fleetkeep.errors import FleetFileProblem, NothingApplied, Problems


class Ended(Exception):
    """The module ended."""


class Module:
    """A module that remembers how it ended."""

    def __init__(self, runtime="/nowhere/python"):
        self.params = {"runtime": runtime}
        self.result = None

    def fail_json(self, **result):
        self.result = {"failed": True, **result}
        raise Ended

    def exit_json(self, **result):
        self.result = result


def test_collection_and_package_have_one_version():
    assert fleetkeep.__version__ == VERSION


def test_the_controller_door_gives_the_public_package():
    assert controller_door.runtime().fleet is fleetkeep.fleet


@pytest.mark.parametrize(
    ("package", "words"),
    [
        (SimpleNamespace(version=None, missing="pydantic"), "cannot import pydantic"),
        (SimpleNamespace(version="0.0.9"), "has fleetkeep 0.0.9, but this collection is"),
    ],
)
def test_the_controller_door_says_what_is_wrong(monkeypatch, package, words):
    monkeypatch.setattr(controller_door, "_PACKAGE", package)
    with pytest.raises(AnsibleError, match=words) as error:
        controller_door.runtime()
    assert f'pip install "fleetkeep=={VERSION}"' in str(error.value)


def test_the_host_door_gives_the_work_s_result():
    module = Module()
    host_door.run_in_runtime(module, lambda module: {"changed": True})
    assert module.result == {"changed": True}


@pytest.mark.parametrize("found", [None, "0.0.9"])
def test_the_host_door_fails_without_a_runtime(monkeypatch, found):
    monkeypatch.setattr(host_door, "FOUND", found)
    module = Module()
    with pytest.raises(Ended):
        host_door.run_in_runtime(module, lambda module: {})
    assert "apply the role fleetkeep.backup.client to this host" in module.result["msg"]
    assert sys.executable in module.result["msg"]


def test_the_host_door_starts_anew_in_the_runtime(monkeypatch, tmp_path):
    started = []
    interpreter = tmp_path / "python"
    interpreter.touch()
    monkeypatch.setattr(host_door, "FOUND", None)
    monkeypatch.setattr(host_door, "respawn_module", started.append)
    with pytest.raises(Ended):  # the real one never returns
        host_door.enter_runtime(Module(str(interpreter)))
    assert started == [str(interpreter)]


def test_the_host_door_starts_anew_only_once(monkeypatch, tmp_path):
    interpreter = tmp_path / "python"
    interpreter.touch()
    monkeypatch.setattr(host_door, "FOUND", "0.0.9")
    monkeypatch.setattr(host_door, "has_respawned", lambda: True)
    module = Module(str(interpreter))
    with pytest.raises(Ended):
        host_door.enter_runtime(module)
    assert module.result["msg"].startswith(f"{interpreter} has Fleetkeep 0.0.9 but this collection is {VERSION}")


@pytest.mark.parametrize(
    ("error", "result"),
    [
        (NothingApplied(prefix="/p"), {"code": "FK202"}),
        (Problems([FleetFileProblem(where="a.yml:1:1", what="is wrong")]), {"problems": ["a.yml:1:1: is wrong"]}),
        (
            PermissionError(13, "Permission denied", "/etc/x"),
            {"msg": "/etc/x may not be touched by this user; use become."},
        ),
        (OSError(28, "No space left on device", "/p"), {"msg": "/p: No space left on device."}),
    ],
)
def test_the_host_door_turns_errors_into_sentences(error, result):
    def work(module):
        raise error

    module = Module()
    with pytest.raises(Ended):
        host_door.run_in_runtime(module, work)
    assert module.result["failed"]
    assert result.items() <= module.result.items()
