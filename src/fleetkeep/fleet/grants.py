# SPDX-License-Identifier: GPL-3.0-or-later
"""What the fleet files mean for a storage host: who may write to which repository of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from pydantic import ValidationError

from fleetkeep.errors import FleetFileProblem
from fleetkeep.model import DesiredState, Grant, Repository, Storage
from fleetkeep.model.fleet import StorageDeclaration

from .declarations import Declarations
from .locations import location_folder
from .pattern import Inventory
from .problems import problem, sort_problems, suggest
from .repositories import check_storage
from .resolve import Resolved, resolve_client
from .sentences import model_problems
from .setting import Renderer, Template


@dataclass(frozen=True)
class StorageShare:
    """The storages that one inventory host is, and what is wrong with them."""

    storages: Mapping[str, Storage]
    problems: tuple[FleetFileProblem, ...] = ()


def resolve_storages(
    declarations: Declarations,
    host: str,
    hosts: Callable[[], Mapping[str, AbstractSet[str]]],
    members: Mapping[str, Sequence[str]] | Inventory,
    template_of: Callable[[str], Template],
) -> StorageShare:
    """The storages that ``host`` is, with one grant for each repository that a client of the inventory has there.

    ``hosts`` gives every host of the inventory to the groups that it is in, parents included (asked only where the host
    is a storage, because it costs something in a large inventory); ``members``: group name to host names;
    ``template_of``: a host's ``template`` function. Every client is resolved whole: what is wrong with one of them is a
    problem here, because a grant that is missing by mistake would shut a client out.
    """
    renderer = Renderer(template_of(host))
    kept = dict(_storages_of(declarations, renderer, host))
    if not kept or renderer.problems:
        return StorageShare({}, tuple(sort_problems(renderer.problems)))
    groups_of = hosts()
    inventory = members if isinstance(members, Inventory) else Inventory(members, list(groups_of))
    grants: dict[str, list[Grant]] = {name: [] for name in kept}
    problems: list[FleetFileProblem] = []
    for client, groups in groups_of.items():
        resolved = resolve_client(declarations, client, frozenset(groups), inventory, template_of(client))
        problems += resolved.problems
        for repository in resolved.state.repositories.values() if resolved.state else ():
            if repository.storage and repository.storage.name in kept:
                grants[repository.storage.name].append(_grant(client, repository))
    storages = {name: _storage(declarations, renderer, name, kept[name], grants[name]) for name in kept}
    problems = sort_problems([*renderer.problems, *problems])
    return StorageShare({name: found for name, found in storages.items() if found}, tuple(problems))


def with_storages(resolved: Resolved, share: StorageShare) -> Resolved:
    """A host's resolved state with the storages that it is."""
    problems = tuple(sort_problems([*resolved.problems, *share.problems]))
    if resolved.state is None or problems:
        return replace(resolved, state=None, problems=problems)
    if not share.storages:
        return resolved
    values = resolved.state.model_dump() | {"storages": {name: s.model_dump() for name, s in share.storages.items()}}
    return replace(resolved, state=DesiredState.model_validate(values))


def host_problems(declarations: Declarations, hosts: Sequence[str]) -> list[FleetFileProblem]:
    """Storages whose inventory host is no host of the inventory."""
    found = []
    for name in declarations.names("storages"):
        declared = declarations.setting("storages", name)
        named = declared.get("inventory_host") if declared else None
        if named is None or not isinstance(named.value, str) or "{" in named.value or named.value in hosts:
            continue
        what = f"{named.address} is {named.value!r}, which is no host of the inventory; {suggest(named.value, hosts)}"
        found.append(problem(named.origin, what))
    return found


def _storages_of(declarations: Declarations, renderer: Renderer, host: str) -> Iterator[tuple[str, StorageDeclaration]]:
    """The declared storages that a host is; others are not even templated."""
    for name in declarations.names("storages"):
        declared = declarations.setting("storages", name)
        if declared is None or declared.get("inventory_host") is None:
            continue
        storage = check_storage(declarations, renderer, name)
        if storage is not None and storage.inventory_host == host:
            yield name, storage


def _grant(client: str, repository: Repository) -> Grant:
    return Grant(
        client=client,
        repository=repository.name,
        folder=location_folder(repository.location),
        quota=repository.quota,
        append_only=repository.append_only,
    )


def _storage(
    declarations: Declarations, renderer: Renderer, name: str, declared: StorageDeclaration, grants: Sequence[Grant]
) -> Storage | None:
    ordered = tuple(sorted(grants, key=lambda grant: (grant.client, grant.repository)))
    try:
        return Storage(name=name, path=declared.path.rstrip("/") or "/", user=declared.user, grants=ordered)
    except ValidationError as error:
        setting = declarations.setting("storages", name)
        if setting is not None:
            renderer.problems.extend(model_problems(error, renderer.deep(setting), Storage, partial=True))
        return None


__all__ = ["StorageShare", "host_problems", "resolve_storages", "with_storages"]
