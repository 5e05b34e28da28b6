# SPDX-License-Identifier: GPL-3.0-or-later
"""Desired states in; the first plan as people read it, and every file that an apply writes on a systemd host, out.

``pytest tests/golden --rewrite-golden`` writes the expected files anew; look at the difference before you commit it.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from fleetkeep.agent.paths import Paths
from fleetkeep.agent.resources import Given, render_resources
from fleetkeep.model import DesiredState, Owned, PassphraseKind
from fleetkeep.plan.diff import diff
from fleetkeep.plan.render import render_plan
from fleetkeep.plan.resource import AccountState, Actual, RepositoryState

PLANS = Path(__file__).parent / "plans"
STATES = sorted((Path(__file__).parent / "fleets").glob("*/expected/*.state.json"))


def test_there_are_states() -> None:
    assert STATES


@pytest.mark.parametrize("path", STATES, ids=lambda path: f"{path.parts[-3]}-{path.name.removesuffix('.state.json')}")
def test_state_gives_the_plan_and_the_files(path: Path, request: pytest.FixtureRequest) -> None:
    expected = PLANS / f"{path.parts[-3]}-{path.name.removesuffix('.state.json')}.txt"
    got = plan_and_files(DesiredState.model_validate_json(path.read_text(encoding="utf-8")))
    if request.config.getoption("--rewrite-golden"):
        expected.write_text(got, encoding="utf-8")
    assert got == expected.read_text(encoding="utf-8")


def plan_and_files(state: DesiredState) -> str:
    """The plan of a clean host, then each file with its mode; what is secret stands as its place only."""
    given = {r.name: "hush" for r in state.repositories.values() if r.passphrase is PassphraseKind.GIVEN}
    command, borg = ["/opt/fleetkeep/bin/fleetkeep"], "/opt/fleetkeep/bin/borg"
    resources = render_resources(state, Given(secrets=given), Paths(), systemd=True, command=command, borg=borg)
    nothing = {repository.name: RepositoryState(id=None) for repository in resources.repositories}
    accounts = {account.name: AccountState(exists=False) for account in resources.accounts}
    actual = Actual(owned=Owned(), repositories=nothing, accounts=accounts)
    parts = [render_plan([diff(resources, actual)])]
    for file in resources.files:
        content = "(secret)" if file.secret else (file.content or "").rstrip("\n")
        parts.append(f"=== /{file.path} {file.mode:04o}\n{content}")
    return "\n\n".join(parts) + "\n"
