# SPDX-License-Identifier: GPL-3.0-or-later
"""Inventory in; desired states, explanations and problems out.

``pytest tests/golden --rewrite-golden`` writes the expected files anew; look at the difference before you commit it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import jinja2
import pytest
from jinja2.nativetypes import NativeEnvironment

from fleetkeep.errors import FleetFileProblem, Problems
from fleetkeep.fleet import (
    Declarations,
    Node,
    Template,
    TemplateFailure,
    explain,
    load_fleet_text,
    merge_declarations,
    render_explained,
    resolve_client,
    resolve_storages,
    validate_fleet,
    with_storages,
)

ROOT = Path(__file__).parents[2]
FLEETS = Path(__file__).parent / "fleets"
NAMES = sorted(folder.name for folder in FLEETS.iterdir())


@pytest.mark.parametrize("name", NAMES)
def test_fleet_gives_what_is_expected(name: str, request: pytest.FixtureRequest) -> None:
    expected = FLEETS / name / "expected"
    inventory = FLEETS / name / "inventory"
    got = outcome(inventory if inventory.exists() else ROOT / "inventory")
    if request.config.getoption("--rewrite-golden"):
        rewrite(expected, got)
    known = {path.name: path.read_text(encoding="utf-8") for path in expected.iterdir()}
    assert got == known


def test_no_secret_is_in_any_golden_file() -> None:
    texts = [path.read_text(encoding="utf-8") for path in FLEETS.glob("*/expected/*")]
    assert texts
    for secret in ("SECRET", "correct horse", "battery staple", "4711"):
        assert not [text for text in texts if secret in text]


def outcome(folder: Path) -> dict[str, str]:
    """Name and content of each file that an inventory gives."""
    declarations, problems = read(folder)
    variables = {host: plain_variables(node) for host, node in declarations.sections["hosts"].items()}
    groups = {host: frozenset(["all", *own.get("groups", ["ungrouped"])]) for host, own in variables.items()}
    members: dict[str, list[str]] = {"all": list(groups)}
    for host, names in groups.items():
        for group in sorted(names - {"all"}):
            members.setdefault(group, []).append(host)

    def template_of(host: str) -> Template:
        return templating(variables[host] | {"inventory_hostname": host})

    problems += validate_fleet(declarations, groups, members, template_of)
    if problems:
        return {"problems.txt": "".join(f"{problem}\n" for problem in problems)}
    files = {}
    for host in groups:
        resolved = resolve_client(declarations, host, groups[host], members, template_of(host))
        share = resolve_storages(declarations, host, lambda: groups, members, template_of)
        resolved = with_storages(resolved, share)
        assert resolved.state is not None
        files[f"{host}.state.json"] = resolved.state.model_dump_json(indent=2) + "\n"
        files[f"{host}.explain.txt"] = render_explained(explain(resolved)) + "\n"
    return files


def read(folder: Path) -> tuple[Declarations, list[FleetFileProblem]]:
    trees: list[Node] = []
    problems: list[FleetFileProblem] = []
    for path in sorted(folder.glob("*.yml")):
        try:
            trees.append(load_fleet_text(path.read_text(encoding="utf-8"), f"inventory/{path.name}"))
        except Problems as found:
            problems += [problem for problem in found.problems if isinstance(problem, FleetFileProblem)]
    declarations, more = merge_declarations(trees)
    return declarations, problems + more


def plain_variables(node: Node) -> dict[str, object]:
    def plain(node: Node) -> object:
        if isinstance(node.value, dict):
            return {name: plain(child) for name, child in node.value.items()}
        return [plain(child) for child in node.value] if isinstance(node.value, list) else node.value

    value = plain(node)
    return value if isinstance(value, dict) else {}


def templating(variables: dict[str, object]) -> Callable[[object], object]:
    environment = NativeEnvironment(undefined=jinja2.StrictUndefined)

    def template(value: object) -> object:
        if not isinstance(value, str) or "{{" not in value:
            return value
        try:
            made = environment.from_string(value).render(variables)
            return str(made) if isinstance(made, jinja2.Undefined) else made
        except jinja2.UndefinedError as error:
            raise TemplateFailure(str(error)) from None

    return template


def rewrite(folder: Path, files: dict[str, str]) -> None:
    folder.mkdir(exist_ok=True)
    for path in folder.iterdir():
        path.unlink()
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
