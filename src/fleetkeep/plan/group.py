# SPDX-License-Identifier: GPL-3.0-or-later
"""Equal plans of many hosts as one: a fleet's plan is as long as what differs in it, not as the fleet."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .change import Plan

#: What stands for the host's own name in a plan that several hosts share.
CLIENT = "<client>"


@dataclass(frozen=True)
class PlanGroup:
    """Hosts that would be changed in the same way."""

    clients: tuple[str, ...]
    """The hosts, in the order of their plans."""

    plan: Plan
    """What is changed on each of them; of several hosts, ``<client>`` stands for a host's own name."""


def group_plans(plans: Sequence[Plan]) -> list[PlanGroup]:
    """The plans that change something, or leave something over, with equal ones as one; the largest group first.

    Two plans are equal when they differ only in the name of their own host, such as in the path of its repository.

    >>> [group.clients for group in group_plans([Plan(client="web1"), Plan(client="web2")])]
    []
    """
    groups: dict[str, list[Plan]] = {}
    for plan in plans:
        if plan.changes or plan.orphans:
            groups.setdefault(_shared(plan).model_dump_json(exclude={"jobs_before"}), []).append(plan)
    made = [
        PlanGroup(tuple(plan.client for plan in equal), equal[0] if len(equal) == 1 else _shared(equal[0]))
        for equal in groups.values()
    ]
    return sorted(made, key=lambda group: -len(group.clients))


def _shared(plan: Plan) -> Plan:
    """A plan in which the host's own name is left open. File texts and ids do not count: what differs in them is told
    by the fields of a change."""
    own = re.compile(rf"(?<![\w.-]){re.escape(plan.client)}(?![\w-])")
    left_out = {"changes": {"__all__": {"before", "after"}}, "orphans": {"__all__": {"id"}}}
    values = _replaced(plan.model_dump(mode="json", exclude=left_out), own)
    for orphan in values["orphans"]:
        orphan["id"] = ""
    return Plan.model_validate({**values, "client": CLIENT})


def _replaced(value: Any, own: re.Pattern[str]) -> Any:
    if isinstance(value, str):
        return own.sub(CLIENT, value)
    if isinstance(value, dict):
        # What a change does and is about are words of ours, even where a host is called like one.
        kept = ("action", "kind")
        return {name: child if name in kept else _replaced(child, own) for name, child in value.items()}
    if isinstance(value, (list, tuple)):
        return [_replaced(child, own) for child in value]
    return value


def name_clients(clients: Sequence[str], most: int = 4) -> str:
    """Some hosts by their names, as far as there is room, and how many there are.

    >>> name_clients(["web1"]), name_clients(["web1", "web2"]), name_clients([f"web{n}" for n in range(412)])
    ('web1', '2 hosts: web1, web2', '412 hosts: web0, web1, web2, web3 and 408 more')
    """
    if len(clients) == 1:
        return clients[0]
    rest = f" and {len(clients) - most:,} more" if len(clients) > most else ""
    return f"{len(clients):,} hosts: {', '.join(clients[:most])}{rest}"


__all__ = ["CLIENT", "PlanGroup", "group_plans", "name_clients"]
