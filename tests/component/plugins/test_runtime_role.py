# SPDX-License-Identifier: GPL-3.0-or-later
"""The role client, with real Ansible, venv and pip, on wheels that hold next to nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fleetkeep import __version__

ROOT = Path(__file__).resolve().parents[3]
PLAYBOOK = [{"hosts": "localhost", "gather_facts": False, "roles": ["fleetkeep.backup.client"]}]

Apply = Callable[..., dict[str, Any]]


def write_wheel(folder: Path, name: str, version: str, says: str, extra: str = "") -> None:
    """A wheel of a package whose command, named in ``says``, prints a line."""
    module, command = f"{name}_stub", says.split()[0]
    info = f"{name}-{version}.dist-info"
    files = {
        f"{module}.py": f"def main():\n    print({says!r})\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{extra}",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": f"[console_scripts]\n{command} = {module}:main\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        for path, text in files.items():
            wheel.writestr(path, text)


@pytest.fixture
def wheelhouse(tmp_path: Path) -> Path:
    """A wheelhouse with a stand-in for each of the two packages."""
    folder = tmp_path / "wheelhouse"
    folder.mkdir()
    extra = "Provides-Extra: borg\nRequires-Dist: borgbackup; extra == 'borg'\n"
    write_wheel(folder, "fleetkeep", __version__, "fleetkeep first", extra)
    write_wheel(folder, "borgbackup", "1.4.5", "borg 1.4.5")
    return folder


@pytest.fixture
def apply(tmp_path: Path, wheelhouse: Path) -> Apply:
    """Applies the role to this machine, below ``tmp_path``; gives the task's result, or its failure."""
    settings = {
        "ansible_python_interpreter": sys.executable,
        "client_path": str(tmp_path / "runtime"),
        "client_link": str(tmp_path / "bin/fleetkeep"),
        "client_python": sys.executable,
        "client_wheelhouse": str(wheelhouse),
        "client_packages": [],
        "client_become": False,
    }
    playbook = tmp_path / "play.yml"
    playbook.write_text(json.dumps(PLAYBOOK))
    environment = os.environ | {
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"),
        "ANSIBLE_CALLBACKS_ENABLED": "ansible.builtin.tree",
        "ANSIBLE_CALLBACK_TREE_DIR": str(tmp_path / "results"),
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_HOME": str(tmp_path / "ansible"),
    }

    def run(*flags: str, **changes: Any) -> dict[str, Any]:
        variables = json.dumps(settings | changes)
        command = ["ansible-playbook", "--inventory", "localhost,", "--connection", "local", "--extra-vars", variables]
        command += [*flags, str(playbook)]
        done = subprocess.run(
            command, env=environment, cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
        told = tmp_path / "results/localhost"  # of the last task
        assert told.exists(), done.stdout + done.stderr
        result: dict[str, Any] = json.loads(told.read_text())
        return result

    return run


def test_the_runtime_comes_stays_follows_and_goes(apply: Apply, wheelhouse: Path, tmp_path: Path) -> None:
    command = tmp_path / "bin/fleetkeep"

    predicted = apply("--check", "--diff")
    assert (predicted["changed"], predicted["steps"]) == (True, ["environment", "content", "link"])
    assert not (tmp_path / "runtime").exists()

    assert apply()["steps"] == predicted["steps"]
    assert subprocess.check_output([command], text=True) == "fleetkeep first\n"
    assert apply()["steps"] == []

    with zipfile.ZipFile(wheelhouse / f"fleetkeep-{__version__}-py3-none-any.whl") as wheel:
        extra = wheel.read(f"fleetkeep-{__version__}.dist-info/METADATA").decode().split(f"Version: {__version__}\n")[1]
    write_wheel(wheelhouse, "fleetkeep", __version__, "fleetkeep second", extra)
    assert apply()["steps"] == ["content"]
    assert subprocess.check_output([command], text=True) == "fleetkeep second\n"

    assert apply(client_state="absent")["steps"] == ["unlink", "remove"]
    assert not command.is_symlink()
    assert not (tmp_path / "runtime").exists()


def test_what_pip_cannot_install_is_one_sentence_and_the_next_apply_continues(
    apply: Apply, wheelhouse: Path, tmp_path: Path
) -> None:
    borg = wheelhouse / "borgbackup-1.4.5-py3-none-any.whl"
    borg.rename(tmp_path / borg.name)
    failure = apply()
    assert failure["msg"].startswith(
        f"pip could not install fleetkeep[borg]=={__version__} into {tmp_path / 'runtime'}: "
    )
    assert failure["msg"].endswith('ERROR: No matching distribution found for borgbackup; extra == "borg"')
    (tmp_path / borg.name).rename(borg)
    assert apply()["steps"] == ["content", "link"]
    assert subprocess.check_output([tmp_path / "bin/fleetkeep"], text=True) == "fleetkeep first\n"
