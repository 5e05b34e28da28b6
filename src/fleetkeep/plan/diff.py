# SPDX-License-Identifier: GPL-3.0-or-later
"""Desired against actual: the plan, decided without touching anything.

The order is fixed: first what goes (timers, units, jobs, repositories, passphrases), then what comes in the opposite
order, so that at no moment a timer starts a job that is not there. A repository never goes: it becomes an orphan.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from fleetkeep.errors import TooManyRemovals
from fleetkeep.model import Owned, Repository

from .change import Action, Change, FieldChange, Kind, Orphan, Plan
from .resource import Actual, FileResource, FileState, Resources, sha256_of

_KINDS = list(Kind)
_ABSENT = object()
_SECRETS = (Kind.PASSPHRASE, Kind.IDENTITY)
SECRET = "(secret)"  # noqa: S105 - what is shown in its place

#: Why something goes; of a repository only what this host knows of it does, and nobody shall fear more.
_GONE = {Kind.REPOSITORY.value: "declared no longer; this host forgets it, its archives stay"}


def diff(desired: Resources, actual: Actual) -> Plan:
    """The plan that brings a host from ``actual`` to ``desired``; empty when they agree."""
    changes = [
        *_account_changes(desired, actual),
        *_file_changes(desired, actual),
        *_server_changes(desired, actual),
        *_timer_changes(desired, actual),
    ]
    changes = list(_with_repositories(changes, desired, actual))
    return Plan(
        client=desired.client,
        changes=tuple(sorted(changes, key=_order)),
        orphans=tuple(_orphans(desired.repositories, actual)),
        jobs_before=sum(file.kind == Kind.JOB.value for file in actual.owned.files.values()),
    )


def check_removals(plan: Plan, *, allow_removals: bool) -> None:
    """Refuse a plan that removes more than a third of a host's jobs. Raises ``TooManyRemovals``.

    It is nearly always an inventory that lost a group, not a wish.
    """
    removed = plan.removed_jobs()
    if not allow_removals and len(removed) * 3 > plan.jobs_before:
        raise TooManyRemovals(
            client=plan.client, removed=len(removed), total=plan.jobs_before, names=", ".join(sorted(removed))
        )


def diff_fields(before: Any, after: Any, path: str = "") -> list[FieldChange]:
    """The values that differ between two JSON documents.

    >>> diff_fields({"daily": 7, "exclude": ["a"]}, {"daily": 14, "exclude": ["a", "b"]})
    [FieldChange(path='daily', before='7', after='14'), FieldChange(path='exclude', before=None, after='"b"')]
    """
    if before == after:
        return []
    if isinstance(before, dict) and isinstance(after, dict):
        names = [*before, *(name for name in after if name not in before)]
        return [
            change
            for name in names
            for change in diff_fields(before.get(name, _ABSENT), after.get(name, _ABSENT), f"{path}.{name}".lstrip("."))
        ]
    if isinstance(before, list) and isinstance(after, list) and (elements := _diff_elements(before, after, path)):
        return elements
    return [FieldChange(path=path, before=_shown(before), after=_shown(after))]


def _diff_elements(before: list[Any], after: list[Any], path: str) -> list[FieldChange]:
    """Elements that went and came; none when only their order differs."""
    gone = [FieldChange(path=path, before=_shown(element)) for element in before if element not in after]
    come = [FieldChange(path=path, after=_shown(element)) for element in after if element not in before]
    return gone + come


def _shown(value: Any) -> str | None:
    if value is _ABSENT:
        return None
    return "none" if value is None else json.dumps(value, ensure_ascii=False)


def _order(change: Change) -> tuple[int, int, str]:
    kind = _KINDS.index(change.kind)
    if change.action is Action.DELETE:
        return (0, -kind, change.name)
    return (1, kind, change.name)


def _file_changes(desired: Resources, actual: Actual) -> Iterable[Change]:
    wanted = {file.path: file for file in desired.files}
    for file in desired.files:
        change = _diff_file(file, actual.files.get(file.path), actual.owned)
        if change:
            yield change
    for path, owned in actual.owned.files.items():
        if path in wanted or path not in actual.files or _holds_the_only_passphrase(owned.kind, path, actual):
            continue
        secret = Kind(owned.kind) in _SECRETS
        yield Change(
            action=Action.DELETE,
            kind=Kind(owned.kind),
            name=owned.name,
            reason=_GONE.get(owned.kind, "declared no longer"),
            path=path,
            before=SECRET if secret else actual.files[path].content,
        )


def _diff_file(file: FileResource, state: FileState | None, owned: Owned) -> Change | None:
    after = SECRET if file.secret else file.content or ""
    if state is None:
        return Change(
            action=Action.CREATE, kind=file.kind, name=file.name, summary=file.summary, path=file.path, after=after
        )
    same_content = file.content is None or sha256_of(file.content) == state.sha256
    if same_content and state.mode == file.mode:
        return None
    known = owned.files.get(file.path)
    return Change(
        action=Action.UPDATE,
        kind=file.kind,
        name=file.name,
        summary=file.summary,
        reason=_reason(known.sha256 if known else None, state, same_content),
        fields=tuple(_fields(file, state, same_content)),
        path=file.path,
        before=SECRET if file.secret else state.content,
        after=after,
    )


def _reason(written: str | None, state: FileState, same_content: bool) -> str:
    if written is None:
        return "was here before Fleetkeep; is taken over"
    if same_content:
        return "its permissions were changed on this host"
    return "" if written == state.sha256 else "was edited on this host; is put back"


def _fields(file: FileResource, state: FileState, same_content: bool) -> list[FieldChange]:
    if same_content:
        return [FieldChange(path="mode", before=f"{state.mode:04o}", after=f"{file.mode:04o}")]
    if file.secret:
        return [FieldChange(path=file.kind.value, before=SECRET, after=SECRET)]
    if file.path.endswith(".json"):
        return diff_fields(_parsed(state.content), _parsed(file.content or ""))
    return _diff_elements(state.content.splitlines(), (file.content or "").splitlines(), "line")


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _account_changes(desired: Resources, actual: Actual) -> Iterable[Change]:
    """An account never goes: what it keeps stays, and without its keys nobody comes in."""
    for account in desired.accounts:
        state = actual.accounts[account.name]
        if not state.exists:
            yield Change(action=Action.CREATE, kind=Kind.ACCOUNT, name=account.name, summary=account.summary)
        elif state.missing_folders:
            fields = tuple(FieldChange(path="folder", after=folder) for folder in state.missing_folders)
            yield Change(action=Action.UPDATE, kind=Kind.ACCOUNT, name=account.name, fields=fields)


def _server_changes(desired: Resources, actual: Actual) -> Iterable[Change]:
    """An apply that was cut after it wrote the server's settings left the server without them."""
    for file in desired.files:
        state = actual.files.get(file.path)
        is_right = state is not None and state.sha256 == sha256_of(file.content or "") and state.mode == file.mode
        if file.kind is Kind.SSHD and is_right and actual.owned.sshd_is_stale:
            yield Change(
                action=Action.UPDATE, kind=Kind.SSHD, name=file.name, path=file.path, reason="has yet to be read"
            )


def _timer_changes(desired: Resources, actual: Actual) -> Iterable[Change]:
    for timer in desired.timers:
        if timer not in actual.timers:
            yield Change(action=Action.CREATE, kind=Kind.TIMER, name=timer, summary="enabled and started")
    for timer in actual.owned.timers:
        if timer not in desired.timers:
            yield Change(action=Action.DELETE, kind=Kind.TIMER, name=timer, reason="declared no longer")


def _with_repositories(changes: list[Change], desired: Resources, actual: Actual) -> Iterable[Change]:
    """Say in a repository's change whether it will be made or adopted; add one where only the repository is lacking."""
    lacking = {r.name: r for r in desired.repositories if not _is_settled(r, actual)}
    for change in changes:
        repository = lacking.pop(change.name, None) if change.kind is Kind.REPOSITORY else None
        yield _announce(change, repository, actual) if repository else change
    for repository in lacking.values():
        bare = Change(action=Action.UPDATE, kind=Kind.REPOSITORY, name=repository.name)
        yield _announce(bare, repository, actual)


def _is_settled(repository: Repository, actual: Actual) -> bool:
    known = actual.owned.repositories.get(repository.name)
    return known is not None and known.location == repository.location


def _announce(change: Change, repository: Repository, actual: Actual) -> Change:
    found = actual.repositories[repository.name].id
    what = "is there already; will be adopted" if found else f"will be created, {repository.encryption.value}"
    return change.model_copy(update={"summary": f"{repository.location} ({what})"})


def _orphans(wanted: Iterable[Repository], actual: Actual) -> Iterable[Orphan]:
    """What this host knows and nothing declares; a repository that only moved is found by its id."""
    seen = {repository.location for repository in wanted}
    used = {state.id for state in actual.repositories.values()}
    for known in (*actual.owned.orphans, *actual.owned.repositories.values()):
        if known.location not in seen and known.id not in used:
            seen.add(known.location)
            yield Orphan(name=known.name, location=known.location, id=known.id)


def _holds_the_only_passphrase(kind: str, path: str, actual: Actual) -> bool:
    """Whether a file is a passphrase that was made on this host: without it, its repository's archives are lost."""
    return kind == Kind.PASSPHRASE.value and actual.owned.files[path].name in actual.owned.generated_passphrases


__all__ = ["SECRET", "check_removals", "diff", "diff_fields"]
