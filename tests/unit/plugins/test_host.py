# SPDX-License-Identifier: GPL-3.0-or-later
"""What modules say of a plan."""

from __future__ import annotations

import pytest
from ansible_collections.fleetkeep.backup.plugins.module_utils._host import (
    describe_change,
    describe_orphans,
)

from fleetkeep.plan.change import Action, Change, Kind, Orphan, Plan


@pytest.mark.parametrize(
    ("change", "header", "before", "after"),
    [
        (
            Change(action=Action.UPDATE, kind=Kind.JOB, name="docs", path="etc/docs.json", before="{}\n", after="[]"),
            "/p/etc/docs.json",
            "{}\n",
            "[]\n",
        ),
        (
            Change(action=Action.CREATE, kind=Kind.PASSPHRASE, name="main", path="etc/main", after="(secret)"),
            "/p/etc/main",
            "",
            "(secret)\n",
        ),
        (
            Change(action=Action.CREATE, kind=Kind.TIMER, name="docs.timer", summary="enabled and started"),
            "timer docs.timer",
            "",
            "enabled and started\n",
        ),
        (
            Change(action=Action.DELETE, kind=Kind.TIMER, name="docs.timer"),
            "timer docs.timer",
            "timer docs.timer\n",
            "",
        ),
    ],
)
def test_a_change_is_shown_as_a_diff(change, header, before, after):
    shown = describe_change(change, "/p")
    assert shown == {"before_header": header, "after_header": header, "before": before, "after": after}


def test_an_orphan_is_named_with_its_place():
    plan = Plan(client="here", orphans=(Orphan(name="main", location="/srv/main", id="ab"),))
    [sentence] = describe_orphans(plan)
    assert "main at /srv/main" in sentence
    assert describe_orphans(Plan(client="here")) == []
