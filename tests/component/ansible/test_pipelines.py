# SPDX-License-Identifier: GPL-3.0-or-later
"""The example pipelines: their own words are run, with a host of this machine, and end as they say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml
from sites import ROOT, Done, Site

EXAMPLES = ROOT / "docs/examples"


def load(name: str) -> Any:
    return yaml.safe_load((EXAMPLES / name).read_text())


def gitlab(job: str) -> str:
    """The words of a job that need no server."""
    return "\n".join(line for line in load("gitlab-ci.yml")[job]["script"] if not line.startswith("curl"))


def github(step: str) -> str:
    steps = load("github-actions.yml")["jobs"]["backups"]["steps"]
    return next(entry["run"] for entry in steps if entry.get("name") == step)


def run(site: Site, script: str) -> Done:
    """As a runner does: each line counts."""
    return site.run(["bash", "-euo", "pipefail", "-c", script], GITHUB_STEP_SUMMARY=str(site.folder / "summary.md"))


def test_both_pipelines_say_the_same() -> None:
    pairs = [("validate", "Validate"), ("plan", "Plan"), ("apply", "Apply"), ("drift", "Fail on drift")]
    for job, step in pairs:
        lines = [line for line in github(step).splitlines() if "GITHUB" not in line]
        assert lines == gitlab(job).splitlines()


def test_a_change_is_planned_applied_and_watched(site: Site) -> None:
    def words(job: str) -> str:
        return gitlab(job).replace("fleetkeep ", f"fleetkeep --prefix {site.prefix} ")

    assert run(site, words("validate")).exit_code == 0
    planned = run(site, words("plan"))
    assert planned.exit_code == 0, planned.said
    assert "+ job docs" in " ".join((site.folder / "plan.md").read_text().split())
    assert run(site, words("apply")).exit_code == 0
    assert run(site, words("drift")).exit_code == 0
    (site.prefix / "etc/fleetkeep/jobs/docs.json").write_text("{}")
    assert run(site, words("drift")).exit_code != 0

    site.edit("daily: 7", "dayly: 7")
    for job in ("validate", "plan", "apply"):
        assert run(site, words(job)).exit_code != 0


def test_the_versions_of_the_examples_are_this_one() -> None:
    version = yaml.safe_load((ROOT / "galaxy.yml").read_text())["version"]
    assert load("gitlab-ci.yml")["variables"]["FLEETKEEP"] == version
    assert load("github-actions.yml")["env"]["FLEETKEEP"] == version
    assert load("awx/collections/requirements.yml")["collections"] == [{"name": "fleetkeep.backup", "version": version}]
    assert f"fleetkeep[controller]=={version}" in load("awx/execution-environment.yml")["dependencies"]["python"]


def test_the_survey_asks_for_variables_of_the_playbook() -> None:
    asked = {question["variable"] for question in json.loads((EXAMPLES / "awx/survey.json").read_text())["spec"]}
    playbook = Path(ROOT / "playbooks/apply.yml").read_text()
    assert asked and all(name in playbook for name in asked)


def test_the_hook_for_commits_is_a_verb() -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert hook["entry"] == "fleetkeep validate"
