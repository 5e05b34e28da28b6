# SPDX-License-Identifier: GPL-3.0-or-later
"""A declared repository as one client sees it, with its passphrase apart."""

from __future__ import annotations

from dataclasses import dataclass, field

from pydantic import ValidationError

from fleetkeep.errors import FleetFileProblem
from fleetkeep.model import Encryption, PassphraseKind, Repository
from fleetkeep.model.fleet import RepositoryDeclaration, StorageDeclaration

from .declarations import Declarations
from .locations import LocationRefused, client_location, parse_location, storage_location
from .problems import problem, suggest
from .sentences import model_problems, wrong_value
from .setting import UNKNOWN, Renderer, Setting, plain

_WAYS = "give passphrase: {generate: true}, a value from Vault, or {command: [...]}"


@dataclass(frozen=True)
class ResolvedRepository:
    """A repository, what is secret about it, and where its values come from."""

    model: Repository
    secret: str | None = field(repr=False)
    """The passphrase, when it is declared as a value."""

    settings: dict[str, Setting]
    """The declared value behind each value of the model that is not a default."""


@dataclass(frozen=True)
class _Passphrase:
    kind: PassphraseKind
    secret: str | None = field(default=None, repr=False)
    command: tuple[str, ...] = ()


class _Refused(Exception):
    """Something is wrong with one value; holds the problem."""

    def __init__(self, found: FleetFileProblem | None) -> None:
        self.found = found


def resolve_repository(
    declarations: Declarations, renderer: Renderer, name: str, client: str
) -> ResolvedRepository | None:
    """The repository ``name`` for ``client``; ``None`` when something is wrong (the renderer then has the problems) or
    not known. ``name`` must be declared."""
    declared = declarations.setting("repositories", name)
    setting = renderer.deep(declared) if declared else None
    if setting is None or setting.value is UNKNOWN:
        return None
    declaration = _validate(setting.without("passphrase") if setting.entries() else setting, renderer)
    try:
        passphrase = _passphrase(setting, declaration.encryption if declaration else None)
    except _Refused as refused:
        renderer.problems.extend([refused.found] if refused.found else [])
        passphrase = None
    if declaration is None:
        return None
    place = _Place(declarations, renderer, name, setting, declaration).find(client)
    if place is None or passphrase is None:
        return None
    location, quota, settings = place
    model = Repository(
        name=name,
        location=location,
        encryption=declaration.encryption,
        passphrase=passphrase.kind,
        passphrase_command=passphrase.command,
        append_only=declaration.append_only,
        quota=quota,
    )
    return ResolvedRepository(model, passphrase.secret, _sources(setting, settings, passphrase))


def check_storage(
    declarations: Declarations, renderer: Renderer, name: str
) -> tuple[StorageDeclaration | None, Setting | None]:
    """The declared storage ``name`` and its values; ``None`` for what is wrong or not known."""
    declared = declarations.setting("storages", name)
    setting = renderer.deep(declared) if declared else None
    if setting is None or setting.value is UNKNOWN:
        return None, None
    try:
        return StorageDeclaration.model_validate(plain(setting)), setting
    except ValidationError as error:
        renderer.problems.extend(model_problems(error, setting, StorageDeclaration))
        return None, setting


def _validate(setting: Setting, renderer: Renderer) -> RepositoryDeclaration | None:
    try:
        return RepositoryDeclaration.model_validate(plain(setting))
    except ValidationError as error:
        renderer.problems.extend(model_problems(error, setting, RepositoryDeclaration))
        return None


class _Place:
    """Finds a repository's location and quota."""

    def __init__(
        self,
        declarations: Declarations,
        renderer: Renderer,
        name: str,
        setting: Setting,
        declaration: RepositoryDeclaration,
    ) -> None:
        self._declarations = declarations
        self._renderer = renderer
        self._name = name
        self._setting = setting
        self._declaration = declaration

    def find(self, client: str) -> tuple[str, int | None, dict[str, Setting]] | None:
        """Location, quota in bytes, and the settings behind them."""
        named = self._setting.get("path") or self._setting.get("storage")
        if named is None:
            return None
        try:
            location, quota, settings = self._in_storage(named) if self._declaration.storage else self._at_path(named)
            if self._declaration.per == "client":
                location = client_location(location, client)
        except LocationRefused as refused:
            self._renderer.problems.append(problem(named.origin, f"{named.address} is refused: {refused}"))
            return None
        except _Refused as refused:
            self._renderer.problems.extend([refused.found] if refused.found else [])
            return None
        return location, quota, settings

    def _at_path(self, path: Setting) -> tuple[str, int | None, dict[str, Setting]]:
        return parse_location(str(self._declaration.path)), self._declaration.quota, {"location": path}

    def _in_storage(self, named: Setting) -> tuple[str, int | None, dict[str, Setting]]:
        name = str(self._declaration.storage)
        if self._declarations.setting("storages", name) is None:
            known = suggest(name, self._declarations.names("storages"))
            what = f"{named.address} names the storage {name!r}, which is not declared; {known}"
            raise _Refused(problem(named.origin, what))
        storage, setting = check_storage(self._declarations, self._renderer, name)
        if storage is None or setting is None:
            raise _Refused(None)
        settings = {"location": setting.get("path") or setting}
        quota = setting.get("quota")
        if self._declaration.quota is None and quota is not None:
            settings["quota"] = quota
        return storage_location(storage, self._name), self._declaration.quota or storage.quota, settings


def _sources(setting: Setting, settings: dict[str, Setting], passphrase: _Passphrase) -> dict[str, Setting]:
    result = {"name": setting, **settings}
    for name in ("encryption", "append_only", "quota", "passphrase"):
        given = setting.get(name)
        if given is not None:
            result[name] = given
    given = setting.get("passphrase")
    if passphrase.command and given is not None:
        result["passphrase_command"] = given.get("command") or given
    return result


def _passphrase(setting: Setting, encryption: Encryption | None) -> _Passphrase:
    given = setting.get("passphrase")
    if given is None:
        if encryption in (None, Encryption.NONE):
            return _Passphrase(PassphraseKind.NONE)
        assert encryption is not None  # noqa: S101 - for the type checker; the line above returned
        what = f"{setting.address} has no passphrase, but its encryption {encryption.value} needs one; {_WAYS}"
        raise _Refused(problem(setting.place, what))
    if given.value is UNKNOWN:
        raise _Refused(None)
    if encryption is Encryption.NONE:
        raise _Refused(
            problem(given.place, f"{given.address} is given, but encryption none takes no passphrase; take one out")
        )
    if given.entries() is not None:
        return _passphrase_by_map(given)
    if not isinstance(given.value, str):
        raise _Refused(wrong_value(given, "text in quotes, {generate: true} or {command: [...]}"))
    return _passphrase_by_value(given, str(given.value).rstrip("\r\n"))


def _passphrase_by_value(given: Setting, secret: str) -> _Passphrase:
    if not secret.strip():
        raise _Refused(problem(given.origin, f"{given.address} is empty; {_WAYS}"))
    if any(character in secret for character in "\r\n\0"):
        raise _Refused(
            problem(given.origin, f"{given.address} has several lines or a NUL; a passphrase is one line of text")
        )
    return _Passphrase(PassphraseKind.GIVEN, secret=secret)


def _passphrase_by_map(given: Setting) -> _Passphrase:
    entries = given.entries() or {}
    unknown = [name for name in entries if name not in ("generate", "command")]
    if unknown:
        what = f"{given.address} has the unknown key {unknown[0]!r}; {suggest(unknown[0], ('generate', 'command'))}"
        raise _Refused(problem(entries[unknown[0]].place, what))
    if len(entries) != 1:
        raise _Refused(problem(given.place, f"{given.address} takes one of generate and command; {_WAYS}"))
    (name, child), *_ = entries.items()
    if child.value is UNKNOWN:
        raise _Refused(None)
    if name == "generate":
        if child.value is not True:
            raise _Refused(problem(child.origin, f"{child.address} is only ever true; {_WAYS}"))
        return _Passphrase(PassphraseKind.GENERATED)
    return _Passphrase(PassphraseKind.COMMAND, command=_command(child))


def _command(given: Setting) -> tuple[str, ...]:
    items = given.items()
    if any(item.value is UNKNOWN for item in items or ()):
        raise _Refused(None)
    if not items or not all(isinstance(item.value, str) for item in items):
        example = "a list of program and arguments, such as [pass, show, backup/offsite],"
        raise _Refused(wrong_value(given, example))
    return tuple(str(item.value) for item in items)


__all__ = ["ResolvedRepository", "check_storage", "resolve_repository"]
