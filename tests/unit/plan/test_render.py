# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan as people read it."""

from __future__ import annotations

from fleetkeep.plan.change import Action, Change, FieldChange, Kind, Orphan, Plan
from fleetkeep.plan.render import render_plan

HOSTILE = "\x1b[2J\u202ename\n"


def test_nothing_that_was_declared_can_drive_a_terminal() -> None:
    change = Change(
        action=Action.UPDATE,
        kind=Kind.JOB,
        name=HOSTILE,
        summary=HOSTILE,
        reason=HOSTILE,
        fields=(FieldChange(path=HOSTILE, before=HOSTILE, after=HOSTILE),),
    )
    orphan = Orphan(name="x", location=HOSTILE, id="0")
    text = render_plan([Plan(client=HOSTILE, changes=(change,), orphans=(orphan,))])
    assert all(line.isprintable() for line in text.splitlines())
    assert len(text.splitlines()) == len(
        render_plan([Plan(client="x", changes=(change,), orphans=(orphan,))]).splitlines()
    )
    assert render_plan([Plan(client=HOSTILE)]).isprintable()
