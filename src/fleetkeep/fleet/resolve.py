# SPDX-License-Identifier: GPL-3.0-or-later
"""What the fleet files mean for one client."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import ValidationError

from fleetkeep.errors import FleetFileProblem
from fleetkeep.model import DesiredState, Job, SchedulerChoice

from .declarations import Declarations
from .overlaps import overlap_problems
from .pattern import Inventory, PatternUnreadable, matches
from .problems import problem, render_value, sort_problems, suggest
from .references import Collector
from .repositories import ResolvedRepository, resolve_repository
from .sentences import model_problems
from .setting import UNKNOWN, Path, Renderer, Setting, Template, plain, walk
from .tree import Origin

_CLIENTS = "write clients: all, or another Ansible host pattern"


@dataclass(frozen=True)
class Provided:
    """Where one resolved value comes from."""

    source: str
    """The declared thing, such as ``retention.standard``."""

    origin: Origin | None
    """The place in a file."""

    expression: str | None = None
    """The Jinja expression that the value was made by."""


@dataclass(frozen=True)
class Provenance:
    """Where each value of a ``DesiredState`` comes from; what is not in it is a default.

    Keys are paths as in the dumped state: ``("jobs", "system", "retention", "daily")``.
    """

    entries: Mapping[Path, Provided] = field(default_factory=dict)

    def of(self, path: Path) -> Provided | None:
        """The provider of the value at ``path``; ``None`` for a default."""
        return self.entries.get(path)


@dataclass(frozen=True)
class Resolved:
    """One client's share of the fleet files."""

    state: DesiredState | None
    """What the client should have; ``None`` when anything is wrong with it."""

    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Repository name to passphrase, for those that are declared as a value."""

    provenance: Provenance = Provenance()
    """Where each value of the state comes from."""

    problems: tuple[FleetFileProblem, ...] = ()
    """Everything that is wrong, sorted by place."""


def resolve_client(
    declarations: Declarations,
    client: str,
    groups: frozenset[str],
    members: Mapping[str, Sequence[str]] | Inventory,
    template: Template,
    scheduler: SchedulerChoice = SchedulerChoice.AUTO,
) -> Resolved:
    """The desired state of one client, its secrets, where each value comes from, and all problems at once.

    ``groups``: the groups that the client is in, parents included; ``members``: group name to host names, as Ansible's
    variable ``groups``; ``template``: makes plain Python of one opaque scalar for this client, and raises
    ``TemplateFailure`` when it cannot. Only what the client uses is templated. The same input gives the same result.
    """
    inventory = members if isinstance(members, Inventory) else Inventory(members)
    work = ClientWork(declarations, client, template)
    for name in work.chosen_jobs(groups, inventory):
        work.add("jobs", name)
    work.check_overlaps()
    problems = tuple(sort_problems(work.renderer.problems))
    if problems or not work.is_complete:
        return Resolved(None, problems=problems)
    state = DesiredState(
        client=client,
        repositories={name: found.model for name, found in sorted(work.repositories.items()) if found},
        jobs=dict(sorted(work.jobs.items())),
        scheduler=scheduler,
    )
    return Resolved(state, work.secrets(), Provenance(work.provided()))


class ClientWork:
    """The jobs and repositories of one client, as far as they are resolved."""

    def __init__(self, declarations: Declarations, client: str, template: Template) -> None:
        self._declarations = declarations
        self._client = client
        self.renderer = Renderer(template)
        self._collector = Collector(declarations, self.renderer)
        self.jobs: dict[str, Job] = {}
        self.repositories: dict[str, ResolvedRepository | None] = {}
        self._settings: dict[str, Setting] = {}
        self.is_complete = True

    def chosen_jobs(self, groups: frozenset[str], inventory: Inventory) -> list[str]:
        """The names of the jobs whose host pattern selects the client."""
        return [name for name in self._declarations.names("jobs") if self._is_chosen(name, groups, inventory)]

    def add(self, section: str, name: str) -> None:
        """Resolves a job and the repositories that it names; or checks a template in the same way."""
        collected = self._collector.collect(section, name)
        if collected is None:
            self.is_complete = False
            return
        setting = collected.setting
        self._settings[name] = setting
        self._add_repositories(setting)
        is_whole = collected.complete and section == "jobs"
        job = _validate_job(name, setting, self.renderer, partial=not is_whole)
        if job is None or not is_whole:
            self.is_complete = False
        else:
            self.jobs[name] = job

    def check_overlaps(self) -> None:
        """Adds the problems that several good values have with each other."""
        good = {name: found for name, found in self.repositories.items() if found}
        self.renderer.problems.extend(overlap_problems(self._settings, good))

    def secrets(self) -> dict[str, str]:
        """Repository name to passphrase."""
        found = {name: repository.secret for name, repository in self.repositories.items() if repository}
        return {name: secret for name, secret in sorted(found.items()) if secret is not None}

    def provided(self) -> dict[Path, Provided]:
        """Where each value of the state comes from."""
        placed: list[tuple[Path, Setting]] = []
        for name, repository in self.repositories.items():
            for key, setting in (repository.settings if repository else {}).items():
                parts = walk(setting) if key == "passphrase_command" else [((), setting)]
                placed += [(("repositories", name, key, *path), child) for path, child in parts]
        for name, job in self._settings.items():
            placed += [(("jobs", name, *path), child) for path, child in walk(job)]
        return {path: _provided(setting) for path, setting in placed}

    def _is_chosen(self, name: str, groups: frozenset[str], inventory: Inventory) -> bool:
        setting = self._declarations.setting("jobs", name)
        if setting is None:
            return False
        pattern = clients_of(self.renderer.shallow(setting), self.renderer)
        if pattern is None:
            self.is_complete = False
            return False
        try:
            return matches(str(pattern.value), self._client, groups, inventory)
        except PatternUnreadable as error:
            self.renderer.problems.append(unreadable_pattern(pattern, error))
            return False

    def _add_repositories(self, job: Setting) -> None:
        named = job.get("repositories")
        seen: set[str] = set()
        for item in (named.items() if named else None) or ():
            if not isinstance(item.value, str):
                continue
            name = str(item.value)
            if name in seen:
                what = f"{item.address} names the repository {name!r} a second time; take it out"
                self.renderer.problems.append(problem(item.origin, what))
            seen.add(name)
            self._add_repository(name, item)

    def _add_repository(self, name: str, mention: Setting) -> None:
        if self._declarations.setting("repositories", name) is None:
            known = suggest(name, self._declarations.names("repositories"))
            what = f"{mention.address} names the repository {name!r}, which is not declared; {known}"
            self.renderer.problems.append(problem(mention.origin, what))
        elif name not in self.repositories:
            self.repositories[name] = resolve_repository(self._declarations, self.renderer, name, self._client)
            self.is_complete &= self.repositories[name] is not None


def clients_of(job: Setting, renderer: Renderer) -> Setting | None:
    """The host pattern of a job; ``None`` when it is missing, wrong (the renderer has the problem) or unknown."""
    if job.value is UNKNOWN:
        return None
    if job.entries() is None:
        renderer.problems.append(
            problem(job.origin, f"{job.address} is {render_value(job.value)}, but a map of values is expected")
        )
        return None
    given = (job.entries() or {}).get("clients")
    pattern = renderer.shallow(given) if given else None
    if pattern is None:
        renderer.problems.append(problem(job.place, f"{job.address} has no clients; {_CLIENTS}"))
        return None
    if pattern.value is UNKNOWN:
        return None
    if not isinstance(pattern.value, str) or not pattern.value.strip():
        what = f"{pattern.address} is {render_value(pattern.value)}, but a host pattern is expected; {_CLIENTS}"
        renderer.problems.append(problem(pattern.origin, what))
        return None
    return pattern


def unreadable_pattern(pattern: Setting, error: PatternUnreadable) -> FleetFileProblem:
    """A host pattern that Ansible refuses as well."""
    return problem(pattern.origin, f"{pattern.address} is {render_value(pattern.value)}: {error}")


def _provided(setting: Setting) -> Provided:
    written = setting.written if isinstance(setting.written, str) and not setting.is_secret else None
    return Provided(setting.source, setting.origin or setting.key, None if written is None else str(written))


def _validate_job(name: str, setting: Setting, renderer: Renderer, partial: bool) -> Job | None:
    values = plain(setting)
    try:
        return Job.model_validate({**(values if isinstance(values, dict) else {}), "name": name})
    except ValidationError as error:
        renderer.problems.extend(model_problems(error, setting, Job, partial))
        return None


__all__ = ["ClientWork", "Provenance", "Provided", "Resolved", "clients_of", "resolve_client", "unreadable_pattern"]
