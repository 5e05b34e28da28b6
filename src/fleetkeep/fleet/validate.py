# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that is wrong with the fleet files of an inventory, without contacting a host."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet

from pydantic import BaseModel, ValidationError

from fleetkeep.errors import FleetFileProblem
from fleetkeep.model import Retention, Schedule

from .declarations import Declarations
from .grants import host_problems
from .pattern import Inventory, PatternUnreadable, matches, parse_pattern
from .problems import fold_problems, problem, render_value, suggest
from .repositories import check_storage, resolve_repository
from .resolve import ClientWork, clients_of, resolve_client, unreadable_pattern
from .sentences import model_problems
from .setting import Renderer, Setting, Template, literal, plain

#: Stands for any client where a name is needed; never appears in a problem.
_SOME_CLIENT = "client"
_MODELS: tuple[tuple[str, type[BaseModel]], ...] = (("schedules", Schedule), ("retention", Retention))


def validate_fleet(
    declarations: Declarations,
    hosts: Mapping[str, AbstractSet[str]],
    members: Mapping[str, Sequence[str]] | None = None,
    template_of: Callable[[str], Template] | None = None,
) -> list[FleetFileProblem]:
    """All problems of an inventory at once, sorted by file, line and column, each once.

    Every declaration is checked, even one that no host uses; expressions are left alone. With ``template_of`` (host to
    its ``template`` function), each host is resolved as well, and what is wrong on some hosts only names them.

    ``hosts``: host name to the groups that it is in, parents included, in the inventory's order; ``members``: group
    name to hosts, as Ansible's variable ``groups`` (made from ``hosts`` when not given).
    """
    inventory = Inventory(_members(hosts) if members is None else members, list(hosts))
    everywhere = [
        *_declaration_problems(declarations),
        *host_problems(declarations, list(hosts)),
        *_pattern_problems(declarations, hosts, inventory),
    ]
    by_host = {
        host: resolve_client(declarations, host, frozenset(groups), inventory, template_of(host)).problems
        for host, groups in hosts.items()
        if template_of is not None
    }
    return fold_problems(everywhere, by_host)


def _members(hosts: Mapping[str, AbstractSet[str]]) -> dict[str, list[str]]:
    members: dict[str, list[str]] = {"all": list(hosts)}
    for host, groups in hosts.items():
        for group in sorted(groups - {"all"}):
            members.setdefault(group, []).append(host)
    return members


def _declaration_problems(declarations: Declarations) -> list[FleetFileProblem]:
    renderer = Renderer(literal)
    for name in declarations.names("storages"):
        check_storage(declarations, renderer, name)
    for name in declarations.names("repositories"):
        resolve_repository(declarations, renderer, name, _SOME_CLIENT)
    for section, model in _MODELS:
        for name in declarations.names(section):
            _check_model(declarations.setting(section, name), model, renderer)
    found = list(renderer.problems)
    for section in ("templates", "jobs"):
        for name in declarations.names(section):
            work = ClientWork(declarations, _SOME_CLIENT, literal)
            work.add(section, name)
            work.check_overlaps()
            found += work.renderer.problems
    return found


def _check_model(declared: Setting | None, model: type[BaseModel], renderer: Renderer) -> None:
    if declared is None:
        return
    setting = renderer.deep(declared)
    try:
        model.model_validate(plain(setting))
    except ValidationError as error:
        renderer.problems.extend(model_problems(error, setting, model))


def _pattern_problems(
    declarations: Declarations, hosts: Mapping[str, AbstractSet[str]], inventory: Inventory
) -> list[FleetFileProblem]:
    renderer = Renderer(literal)
    for name in declarations.names("jobs"):
        declared = declarations.setting("jobs", name)
        pattern = clients_of(renderer.shallow(declared), renderer) if declared else None
        if pattern is None:
            continue
        text = str(pattern.value)
        try:
            if not any(matches(text, host, frozenset(groups), inventory) for host, groups in hosts.items()):
                renderer.problems.append(problem(pattern.origin, _matches_nothing(pattern, text, inventory)))
        except PatternUnreadable as error:
            renderer.problems.append(unreadable_pattern(pattern, error))
    return renderer.problems


def _matches_nothing(pattern: Setting, text: str, inventory: Inventory) -> str:
    what = f"{pattern.address} is {render_value(text)}, which matches no host"
    if not inventory.names:
        return f"{what}; the inventory has none"
    plain_names = [term.expression for term in parse_pattern(text) if term.regex is None and term.kind != "!"]
    unknown = [name for name in plain_names if name not in inventory.members and name not in inventory.names]
    if not unknown:
        return f"{what}; choose other groups or hosts, or take the job out"
    hint = suggest(unknown[0], inventory.members, inventory.names)
    return f"{what}: {unknown[0]!r} is neither a group nor a host; {hint}"


__all__ = ["validate_fleet"]
