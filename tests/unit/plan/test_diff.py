# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan: what is compared, in which order it is done, and what it refuses."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetkeep.errors import TooManyRemovals
from fleetkeep.model import Owned, OwnedFile, OwnedRepository, Repository
from fleetkeep.plan.change import Action, Change, Kind, Plan
from fleetkeep.plan.diff import SECRET, check_removals, diff, diff_fields
from fleetkeep.plan.resource import Actual, FileResource, FileState, RepositoryState, Resources, sha256_of

MOMENT = datetime(2026, 11, 21, tzinfo=timezone.utc)


def job_file(name: str, content: str = "{}") -> FileResource:
    return FileResource(kind=Kind.JOB, name=name, path=f"etc/fleetkeep/jobs/{name}.json", content=content)


def state_of(content: str, mode: int = 0o600) -> FileState:
    return FileState(sha256=sha256_of(content), mode=mode, content=content)


def owned_jobs(*names: str, content: str = "{}") -> Owned:
    return Owned(
        files={
            f"etc/fleetkeep/jobs/{name}.json": OwnedFile(kind="job", name=name, sha256=sha256_of(content))
            for name in names
        }
    )


def actual_jobs(*names: str, content: str = "{}", mode: int = 0o600) -> Actual:
    files = {f"etc/fleetkeep/jobs/{name}.json": state_of(content, mode) for name in names}
    return Actual(owned=owned_jobs(*names, content=content), files=files)


def test_agreement_is_an_empty_plan() -> None:
    plan = diff(Resources(client="web1", files=(job_file("a"),)), actual_jobs("a"))
    assert plan.changes == ()
    assert plan.jobs_before == 1


def test_what_is_lacking_is_created_and_what_is_declared_no_longer_goes_first() -> None:
    plan = diff(Resources(client="web1", files=(job_file("new"),)), actual_jobs("old"))
    assert [(c.action, c.name) for c in plan.changes] == [(Action.DELETE, "old"), (Action.CREATE, "new")]
    assert plan.changes[0].reason == "declared no longer"


def test_a_changed_value_is_named_by_its_path() -> None:
    wanted = job_file("a", '{"retention": {"daily": 14}}')
    plan = diff(Resources(client="w", files=(wanted,)), actual_jobs("a", content='{"retention": {"daily": 7}}'))
    (field,) = plan.changes[0].fields
    assert (field.path, field.before, field.after) == ("retention.daily", "7", "14")
    assert plan.changes[0].reason == ""


def test_a_hand_edit_is_drift_and_says_so() -> None:
    actual = actual_jobs("a")
    actual.files["etc/fleetkeep/jobs/a.json"] = state_of('{"x": 1}')
    (change,) = diff(Resources(client="w", files=(job_file("a"),)), actual).changes
    assert change.reason == "was edited on this host; is put back"


def test_a_file_that_was_there_before_is_taken_over_and_says_so() -> None:
    actual = Actual(owned=Owned(), files={"etc/fleetkeep/jobs/a.json": state_of("other")})
    (change,) = diff(Resources(client="w", files=(job_file("a"),)), actual).changes
    assert change.reason == "was here before Fleetkeep; is taken over"


def test_changed_permissions_are_drift() -> None:
    (change,) = diff(Resources(client="w", files=(job_file("a"),)), actual_jobs("a", mode=0o644)).changes
    assert [(f.path, f.before, f.after) for f in change.fields] == [("mode", "0644", "0600")]


def passphrase_file(content: str | None) -> FileResource:
    return FileResource(
        kind=Kind.PASSPHRASE, name="r", path="etc/fleetkeep/secrets/r.passphrase", content=content, secret=True
    )


def test_a_secret_shows_nowhere_in_a_plan() -> None:
    path = "etc/fleetkeep/secrets/r.passphrase"
    owned = Owned(files={path: OwnedFile(kind="passphrase", name="r", sha256="0")})
    changed = Actual(owned=owned, files={path: state_of("old-hush")})
    for resources in (
        Resources(client="w", files=(passphrase_file("new-hush"),)),
        Resources(client="w"),
    ):
        plan = diff(resources, changed)
        assert len(plan.changes) == 1
        assert "hush" not in plan.model_dump_json()
        assert SECRET in plan.model_dump_json()
    assert "hush" not in repr(passphrase_file("new-hush")) + repr(changed)


def test_a_generated_passphrase_that_is_there_is_right() -> None:
    path = "etc/fleetkeep/secrets/r.passphrase"
    owned = Owned(files={path: OwnedFile(kind="passphrase", name="r", sha256="0")})
    actual = Actual(owned=owned, files={path: state_of("anything")})
    assert diff(Resources(client="w", files=(passphrase_file(None),)), actual).changes == ()


def test_a_passphrase_made_on_this_host_never_goes() -> None:
    path = "etc/fleetkeep/secrets/r.passphrase"
    owned = Owned(files={path: OwnedFile(kind="passphrase", name="r", sha256="0")}, generated_passphrases=("r",))
    assert diff(Resources(client="w"), Actual(owned=owned, files={path: state_of("only copy")})).changes == ()


def repository(location: str = "/srv/r") -> Repository:
    return Repository(name="r", location=location)


def repository_file() -> FileResource:
    return FileResource(kind=Kind.REPOSITORY, name="r", path="etc/fleetkeep/repositories/r.json", content="{}")


@pytest.mark.parametrize(("found", "words"), [(None, "will be created"), ("ab" * 32, "will be adopted")])
def test_a_new_repository_is_made_or_adopted(found: str | None, words: str) -> None:
    resources = Resources(client="w", files=(repository_file(),), repositories=(repository(),))
    plan = diff(resources, Actual(owned=Owned(), repositories={"r": RepositoryState(id=found)}))
    (change,) = plan.changes
    assert (change.action, change.kind) == (Action.CREATE, Kind.REPOSITORY)
    assert words in change.summary


def known(location: str) -> Owned:
    record = OwnedRepository(name="r", id="ab" * 32, location=location, known_since=MOMENT)
    path = "etc/fleetkeep/repositories/r.json"
    return Owned(repositories={"r": record}, files={path: OwnedFile(kind="repository", name="r", sha256="0")})


def test_a_repository_that_is_declared_no_longer_is_reported_never_deleted() -> None:
    actual = Actual(owned=known("/srv/r"), files={"etc/fleetkeep/repositories/r.json": state_of("{}")})
    plan = diff(Resources(client="w"), actual)
    assert [(c.action, c.kind) for c in plan.changes] == [(Action.DELETE, Kind.REPOSITORY)]
    assert [(o.name, o.location) for o in plan.orphans] == [("r", "/srv/r")]


def test_a_repository_at_another_place_orphans_the_first() -> None:
    resources = Resources(client="w", files=(repository_file(),), repositories=(repository("/srv/new"),))
    actual = Actual(
        owned=known("/srv/old"),
        files={"etc/fleetkeep/repositories/r.json": state_of("{}")},
        repositories={"r": RepositoryState(id=None)},
    )
    plan = diff(resources, actual)
    assert [c.action for c in plan.changes] == [Action.UPDATE]
    assert [o.location for o in plan.orphans] == ["/srv/old"]


def test_timers_go_first_and_come_last() -> None:
    resources = Resources(client="w", files=(job_file("new"),), timers=("fleetkeep-new.timer",))
    actual = actual_jobs("old")
    actual = Actual(owned=actual.owned.model_copy(update={"timers": ("fleetkeep-old.timer",)}), files=actual.files)
    kinds = [(c.action, c.kind) for c in diff(resources, actual).changes]
    assert kinds == [
        (Action.DELETE, Kind.TIMER),
        (Action.DELETE, Kind.JOB),
        (Action.CREATE, Kind.JOB),
        (Action.CREATE, Kind.TIMER),
    ]


@pytest.mark.parametrize(("before", "removed", "refused"), [(3, 1, False), (3, 2, True), (1, 1, True), (0, 0, False)])
def test_more_than_a_third_of_the_jobs_is_refused(before: int, removed: int, refused: bool) -> None:
    changes = tuple(Change(action=Action.DELETE, kind=Kind.JOB, name=f"j{i}") for i in range(removed))
    plan = Plan(client="web1", changes=changes, jobs_before=before)
    check_removals(plan, allow_removals=True)
    if refused:
        with pytest.raises(TooManyRemovals, match="allow_removals"):
            check_removals(plan, allow_removals=False)
    else:
        check_removals(plan, allow_removals=False)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(min_size=1, max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(JSON, JSON)
def test_fields_differ_exactly_when_documents_do(before: object, after: object) -> None:
    assert bool(diff_fields(before, after)) == (before != after)
