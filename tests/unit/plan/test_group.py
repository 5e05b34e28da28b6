# SPDX-License-Identifier: GPL-3.0-or-later
"""Equal plans of many hosts are shown once, for terminals and for merge requests."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fleetkeep.plan.change import Action, Change, FieldChange, Kind, Plan
from fleetkeep.plan.group import CLIENT, group_plans
from fleetkeep.plan.render import render_markdown, render_plan

EXCLUDE = Change(
    action=Action.UPDATE,
    kind=Kind.JOB,
    name="system",
    fields=(FieldChange(path="sources.exclude", after='"/var/cache"'),),
)


def plan(client: str, *changes: Change) -> Plan:
    return Plan(client=client, changes=changes, jobs_before=len(client))


def repository(client: str) -> Change:
    location = f"ssh://borg@vault/srv/borg/offsite/{client}"
    return Change(action=Action.CREATE, kind=Kind.REPOSITORY, name="offsite", summary=location, after=location)


def test_412_hosts_with_one_change_are_one_entry() -> None:
    plans = [plan(f"web{number}", EXCLUDE) for number in range(412)]
    text = render_plan([*plans, plan("db1", repository("db1")), plan("idle")])
    assert text.splitlines() == [
        "412 hosts: web0, web1, web2, web3 and 408 more",
        "  ~ job system",
        '      + sources.exclude: "/var/cache"',
        "",
        "db1",
        "  + repository offsite   ssh://borg@vault/srv/borg/offsite/db1",
        "",
        "Plan: 1 to add, 412 to change, 0 to remove on 413 of 414 hosts.",
    ]


def test_a_hosts_own_name_is_no_difference() -> None:
    (group,) = group_plans([plan(name, repository(name)) for name in ("web1", "web2")])
    assert group.clients == ("web1", "web2")
    assert group.plan.changes[0].summary == f"ssh://borg@vault/srv/borg/offsite/{CLIENT}"


def test_another_hosts_name_is_one() -> None:
    groups = group_plans([plan("web1", repository("web1")), plan("web2", repository("web1"))])
    assert [group.clients for group in groups] == [("web1",), ("web2",)]
    assert groups[1].plan.changes[0].summary.endswith("/web1")


def test_part_of_a_longer_name_is_not_the_name() -> None:
    first, second = group_plans([plan("web", repository("web-1")), plan("db", repository("web"))])
    assert first.plan.changes[0].summary.endswith("/web-1")
    assert second.clients == ("db",)


CHANGES = st.builds(
    Change,
    action=st.sampled_from(Action),
    kind=st.sampled_from(Kind),
    name=st.sampled_from(["a", "b"]),
    summary=st.sampled_from(["", "x", "/srv/a", "/srv/b"]),
)


@given(st.dictionaries(st.sampled_from(["a", "b", "c", "job"]), st.lists(CHANGES, max_size=3)))
def test_every_change_of_every_host_is_in_exactly_one_group(changes: dict[str, list[Change]]) -> None:
    plans = [plan(client, *own) for client, own in changes.items()]
    groups = group_plans(plans)
    assert sorted(client for group in groups for client in group.clients) == sorted(
        p.client for p in plans if p.changes
    )
    by_client = {p.client: p for p in plans}
    for group in groups:
        for client in group.clients:
            shown = [c.summary.replace(CLIENT, client) for c in group.plan.changes]
            assert shown == [c.summary for c in by_client[client].changes]


def test_markdown_folds_and_fences_whatever_stands_in_a_plan() -> None:
    hostile = Change(
        action=Action.UPDATE,
        kind=Kind.JOB,
        name="```\n</details>",
        fields=(FieldChange(path="x", before="`", after="````"),),
    )
    text = render_markdown([plan("<b>", hostile)], ["web2: **unreachable** @team"])
    assert text.splitlines()[0] == "**Plan: 0 to add, 1 to change, 0 to remove on &lt;b&gt;.**"
    lines = text.splitlines()
    opened, closed = lines.index("`````diff"), lines.index("`````")
    assert lines[closed + 1 : closed + 3] == ["", "</details>"]
    assert [n for n, line in enumerate(lines) if "</details>" in line and line != "</details>"] == [opened + 1]
    assert "- web2: &#42;&#42;unreachable&#42;&#42; &#64;team" in text.splitlines()
