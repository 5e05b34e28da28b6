# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection and the package are one release."""

from __future__ import annotations

import tomllib
import yaml

import fleetkeep

from .project import ROOT

GALAXY = yaml.safe_load((ROOT / "galaxy.yml").read_text())
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_collection_has_the_version_of_the_package() -> None:
    assert GALAXY["version"] == fleetkeep.__version__


def test_collection_and_package_have_one_licence() -> None:
    assert GALAXY["license"] == [PROJECT["license"]]


def test_oldest_supported_ansible_is_said_once() -> None:
    runtime = yaml.safe_load((ROOT / "meta/runtime.yml").read_text())
    oldest = runtime["requires_ansible"].removeprefix(">=").removesuffix(".0")
    assert any(
        requirement.startswith(f"ansible-core>={oldest}")
        for requirement in PROJECT["optional-dependencies"]["controller"]
    )


def test_action_group_names_every_module() -> None:
    runtime = yaml.safe_load((ROOT / "meta/runtime.yml").read_text())
    modules = {path.stem for path in (ROOT / "plugins/modules").glob("*.py")}
    assert modules <= set(runtime["action_groups"]["backup"])
