# SPDX-License-Identifier: GPL-3.0-or-later
"""Host patterns select exactly what Ansible selects."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from ansible.errors import AnsibleError
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fleetkeep.fleet.pattern import Inventory, PatternUnreadable, matches, parse_pattern, split_pattern

HOSTS = {
    "web1": ["web", "prod"],
    "web2": ["web", "stage"],
    "web9": ["web", "prod"],
    "db-1.example.net": ["db", "prod"],
    "db-2.example.net": ["db"],
    "lonely": [],
    "web": ["db"],  # a host with the name of a group
    "2001:db8::1": ["ipv6"],
    "localhost": ["local"],
}
CHILDREN = {"servers": ["web", "db"], "empty": []}

TABLE = """
all|*|web|db|prod|servers|empty|ungrouped|lonely|local|localhost|127.0.0.1|127.0.0.1[0]|all:!127.0.0.1|nothing|web1|web1,web2|web1:web2|web:&prod
web:!web9|web:&prod:!web-9|!web|&prod|all:!prod|all,!prod,&web|!web,all|a,b,web|web[0]|web[-1]|web[0:1]|web[1:]|web[0-1]|&web[0]
servers[0]|servers[2:3]|all[0:3]|ungrouped[0]|*[0]|*[0:4]|web*[0]|web*|web?|web[12]|w[!e]*|db-*|db-1.example.net|*.example.net
~web\\d|~.*net$|~(web|db)|~(web1|lonely)$|!~web.*|&~web[19]|all:!~db.*|2001:db8::1|[2001:db8::1]:22|web1:22|web[1:2]|db-[1:2].example.net
web , db| web1 |,,|:|!|&|!!web|~[|~(|~|web[9]|web[-9]|empty[0]|nothing[0]|web[9:]
web[3:1]|web[0:0]|[0]|web1[0]|al*|al*,!web*|ungr*|prod:&servers:!db|*:!*|all:!all|all[0]:!web|web*,!web[0]|Web|WEB1|we b
web;db|web.|.|*.*|servers:&prod[0:1]|&prod,&web|!web1,!web2
""".replace("\n", "|")
PATTERNS = [pattern for pattern in TABLE.split("|") if pattern]


def build(hosts: dict[str, list[str]], children: dict[str, list[str]]) -> InventoryManager:
    manager = InventoryManager(loader=DataLoader(), sources=None)
    data = manager._inventory
    for parent, names in children.items():
        data.add_group(parent)
        for name in names:
            data.add_group(name)
            data.add_child(parent, name)
    for host, groups in hosts.items():
        data.add_host(host)
        for group in groups:
            data.add_group(group)
            data.add_host(host, group)
    data.reconcile_inventory()
    return manager


MANAGER = build(HOSTS, CHILDREN)
INVENTORY = Inventory(MANAGER.get_groups_dict(), list(MANAGER.hosts))
GROUPS = {name: frozenset(group.name for group in host.get_groups()) for name, host in MANAGER.hosts.items()}


def outcome(select: Callable[[], list[str]], refusals: tuple[type[Exception], ...]) -> list[str] | str:
    try:
        return sorted(select())
    except refusals:
        return "refused"


def by_ansible(pattern: str) -> list[str] | str:
    MANAGER.clear_caches()
    return outcome(
        lambda: [host.name for host in MANAGER.get_hosts(pattern) if not host.implicit], (AnsibleError, IndexError)
    )


def by_fleetkeep(pattern: str) -> list[str] | str:
    return outcome(
        lambda: [host for host in HOSTS if matches(pattern, host, GROUPS[host], INVENTORY)], (PatternUnreadable,)
    )


@pytest.mark.parametrize("pattern", PATTERNS)
def test_selects_what_ansible_selects(pattern: str) -> None:
    assert by_fleetkeep(pattern) == by_ansible(pattern)


PIECES = [*"*?[]!&~:,.-^$()| \n\\", "[0]", "[-1]", "[0:1]", "[1:]", "[12]", "~web", "::", "0", "1", "22"]
NAMES = [*HOSTS, *CHILDREN, "prod", "stage", "all", "ungrouped", "we", "nothing"]
terms = st.builds(
    "{}{}{}".format,
    st.sampled_from(["", "", "&", "!", "~", "!~"]),
    st.sampled_from(NAMES) | st.lists(st.sampled_from([*NAMES, *PIECES]), min_size=1, max_size=4).map("".join),
    st.sampled_from(["", "", "", "[0]", "[-1]", "[0:1]", "[1:]", "[7]", "*"]),
)
patterns = st.tuples(st.sampled_from([":", ",", ", "]), st.lists(terms, min_size=1, max_size=4)).map(
    lambda made: made[0].join(made[1])
)


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
@settings(max_examples=400, deadline=None)
@given(patterns)
@example("~web\n:db")
@example("web[0]:&*")
def test_generated_patterns_select_what_ansible_selects(pattern: str) -> None:
    assert by_fleetkeep(pattern) == by_ansible(pattern)


def test_the_implicit_localhost_is_selected_by_its_name_only() -> None:
    inventory = Inventory({"all": ["web1"], "ungrouped": ["web1"]})
    selected = {
        text: matches(text, "localhost", frozenset(), inventory) for text in ("localhost", "all", "loc*", "!localhost")
    }
    assert selected == {"localhost": True, "all": False, "loc*": False, "!localhost": False}


def test_terms_work_in_the_order_of_ansible() -> None:
    assert [term.text for term in parse_pattern("!c,&b,a")] == ["a", "&b", "!c"]
    assert [term.text for term in parse_pattern("!c")] == ["all", "!c"]


@pytest.mark.parametrize(
    ("pattern", "parts"),
    [("a:b", ["a", "b"]), ("a:22", ["a:22"]), ("a[1:2]", ["a[1:2]"]), ("fe80::1", ["fe80::1"]), (" ", [])],
)
def test_splits_at_commas_or_colons(pattern: str, parts: list[str]) -> None:
    assert split_pattern(pattern) == parts


def test_an_unreadable_pattern_says_why() -> None:
    with pytest.raises(PatternUnreadable, match=r"'web\[7\]' counts past the end: web has 3 hosts"):
        matches("web[7]", "web1", frozenset({"web"}), {"all": ["a", "b", "c"], "web": ["a", "b", "c"]})
    with pytest.raises(PatternUnreadable, match="nothing follows '!'"):
        parse_pattern("web,!")
