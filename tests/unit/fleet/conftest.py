# SPDX-License-Identifier: GPL-3.0-or-later
"""Fleet files from text, resolved for one client."""

from __future__ import annotations

from collections.abc import Callable
from textwrap import dedent

import pytest

from fleetkeep.fleet import (
    Declarations,
    Resolved,
    TemplateFailure,
    load_fleet_text,
    merge_declarations,
    resolve_client,
)

Variables = dict[str, object]

MEMBERS = {"all": ["web1", "db1"], "web": ["web1"], "db": ["db1"]}

#: A fleet that is right; a test adds what it is about.
GOOD = """\
repositories: {local: {path: /srv/backups, passphrase: {generate: true}}}
schedules: {nightly: {cron: 0 2 * * *, jitter: 45m}, hourly: {cron: 0 * * * *}}
retention: {standard: {daily: 7, weekly: 4}, long: {yearly: 10}}
"""


@pytest.fixture
def declare() -> Callable[[str], Declarations]:
    def declare(text: str) -> Declarations:
        declarations, problems = merge_declarations([load_fleet_text(dedent(text), "fleet.yml")])
        assert not problems
        return declarations

    return declare


@pytest.fixture
def resolve(declare: Callable[[str], Declarations]) -> Callable[..., Resolved]:
    """Resolves for one client; text that begins with ``{{`` is the variable of that name."""

    def resolve(text: str, variables: Variables | None = None, client: str = "web1") -> Resolved:
        def template(value: object) -> object:
            if not isinstance(value, str) or not value.startswith("{{"):
                return value
            name = value.strip("{ }")
            if name not in (variables or {}):
                raise TemplateFailure(f"'{name}' is undefined.")
            return (variables or {})[name]

        groups = frozenset(group for group, hosts in MEMBERS.items() if client in hosts)
        return resolve_client(declare(text), client, groups, MEMBERS, template)

    return resolve


@pytest.fixture
def resolve_job(resolve: Callable[..., Resolved]) -> Callable[..., Resolved]:
    """Resolves a fleet with one job ``system``: good values from the template ``base``, and its own as given."""

    def resolve_job(own: str, variables: Variables | None = None, template: str = "base") -> Resolved:
        base = "templates: {base: {repositories: [local], sources: {paths: [/etc]}, retention: standard}}\n"
        job = f"jobs:\n  system:\n    clients: all\n    template: {template}\n    {own}\n"
        return resolve(GOOD + base + job, variables)

    return resolve_job
