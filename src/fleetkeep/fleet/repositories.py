# SPDX-License-Identifier: GPL-3.0-or-later
"""A declared repository as one client sees it, with its passphrase apart."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from fleetkeep.model import Encryption, Repository, StorageHost
from fleetkeep.model.fleet import RepositoryDeclaration, StorageDeclaration

from .declarations import Declarations
from .locations import LocationRefused, client_location, parse_location, storage_location
from .passphrases import DeclaredPassphrase, read_passphrase
from .problems import problem, suggest
from .sentences import model_problems
from .setting import UNKNOWN, Refused, Renderer, Setting, plain

Noun = TypeVar("Noun", bound=BaseModel)


@dataclass(frozen=True)
class ResolvedRepository:
    """A repository, what is secret about it, and where its values come from."""

    model: Repository
    """The repository as the client's state has it."""

    secret: str | None = field(repr=False)
    """The passphrase, when it is declared as a value."""

    settings: dict[str, Setting]
    """The declared value behind each value of the model that is not a default."""


@dataclass(frozen=True)
class _Place:
    """Where a repository lies before the client's own folder is added."""

    location: str
    declared: Setting
    storage: StorageDeclaration | None = None
    storage_name: str = ""
    quota: Setting | None = None

    @property
    def kept(self) -> StorageHost | None:
        """The storage host, where Fleetkeep keeps the access to it."""
        if self.storage is None or self.storage.inventory_host is None:
            return None
        return StorageHost(
            name=self.storage_name, inventory_host=self.storage.inventory_host, host_keys=self.storage.host_keys
        )


def resolve_repository(
    declarations: Declarations, renderer: Renderer, name: str, client: str
) -> ResolvedRepository | None:
    """The repository ``name`` for ``client``; ``name`` must be declared.

    ``None`` when something is wrong, the renderer then has the problems, or when something is not known.
    """
    declared = declarations.setting("repositories", name)
    setting = renderer.deep(declared) if declared else None
    if setting is None or setting.value is UNKNOWN:
        return None
    is_map = setting.entries() is not None
    declaration = _validate(RepositoryDeclaration, setting.without("passphrase") if is_map else setting, renderer)
    if not is_map:
        return None
    passphrase = renderer.attempt(lambda: read_passphrase(setting, _encryption(setting)))
    place = renderer.attempt(lambda: _find_place(declarations, renderer, name, setting))
    if declaration is None or passphrase is None or place is None:
        return None
    location = renderer.attempt(lambda: _location(place, declaration, client))
    return None if location is None else _resolved(name, location, place, declaration, passphrase, setting)


def check_storage(declarations: Declarations, renderer: Renderer, name: str) -> StorageDeclaration | None:
    """The declared storage ``name``; ``None`` for what is wrong (the renderer then has the problems) or not known."""
    declared = declarations.setting("storages", name)
    setting = renderer.deep(declared) if declared else None
    return None if setting is None else _validate(StorageDeclaration, setting, renderer)


def _resolved(
    name: str,
    location: str,
    place: _Place,
    declaration: RepositoryDeclaration,
    passphrase: DeclaredPassphrase,
    setting: Setting,
) -> ResolvedRepository:
    model = Repository(
        name=name,
        location=location,
        encryption=declaration.encryption,
        passphrase=passphrase.kind,
        passphrase_command=passphrase.command,
        append_only=place.kept is not None if declaration.append_only is None else declaration.append_only,
        quota=declaration.quota or (place.storage.quota if place.storage else None),
        storage=place.kept,
    )
    given = {key: setting.get(key) for key in ("encryption", "append_only", "quota", "passphrase")}
    settings = {"name": setting, "location": place.declared} | {key: found for key, found in given.items() if found}
    if place.quota is not None:
        settings.setdefault("quota", place.quota)
    if passphrase.command and "passphrase" in settings:
        settings["passphrase_command"] = settings["passphrase"].get("command") or setting
    return ResolvedRepository(model, passphrase.secret, settings)


def _validate(model: type[Noun], setting: Setting, renderer: Renderer) -> Noun | None:
    if setting.value is UNKNOWN:
        return None
    try:
        return model.model_validate(plain(setting))
    except ValidationError as error:
        renderer.problems.extend(model_problems(error, setting, model, partial=model is RepositoryDeclaration))
        return None


def _encryption(setting: Setting) -> Encryption | None:
    """The encryption if it is known, even when other values of the repository are wrong."""
    given = setting.get("encryption")
    try:
        return Encryption(given.value) if given else RepositoryDeclaration.model_fields["encryption"].default
    except ValueError:
        return None


def _find_place(declarations: Declarations, renderer: Renderer, name: str, setting: Setting) -> _Place:
    path, storage = setting.get("path"), setting.get("storage")
    if (path is None) == (storage is None):
        raise Refused(problem(setting.place, f"{setting.address}: give either path or storage"))
    named = path or storage
    if named is None or not isinstance(named.value, str):
        raise Refused(None)
    if storage is not None:
        return _in_storage(declarations, renderer, name, storage)
    try:
        return _Place(parse_location(str(named.value)), named)
    except LocationRefused as refused:
        raise Refused(problem(named.origin, f"{named.address} is refused: {refused}")) from None


def _in_storage(declarations: Declarations, renderer: Renderer, repository: str, named: Setting) -> _Place:
    name = str(named.value)
    declared = declarations.setting("storages", name)
    if declared is None:
        known = suggest(name, declarations.names("storages"))
        raise Refused(
            problem(named.origin, f"{named.address} names the storage {name!r}, which is not declared; {known}")
        )
    storage = check_storage(declarations, renderer, name)
    if storage is None:
        raise Refused(None)
    path = declared.get("path") or declared
    try:
        return _Place(storage_location(storage, repository), path, storage, name, declared.get("quota"))
    except LocationRefused as refused:
        raise Refused(problem(path.origin, f"{path.address} is refused: {refused}")) from None


def _location(place: _Place, declaration: RepositoryDeclaration, client: str) -> str:
    if declaration.per == "fleet":
        return place.location
    try:
        return client_location(place.location, client)
    except LocationRefused as refused:
        raise Refused(problem(place.declared.origin, f"{place.declared.address} is refused: {refused}")) from None


__all__ = ["ResolvedRepository", "check_storage", "resolve_repository"]
