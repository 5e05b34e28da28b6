# SPDX-License-Identifier: GPL-3.0-or-later
"""Places and nodes."""

from __future__ import annotations

from fleetkeep.fleet import Node, Origin, node_of

HERE = Origin("f.yml", 3, 7)


def test_places_sort_by_file_line_and_column() -> None:
    places = [Origin("b", 1), Origin("a", 10), Origin("a", 9, 2), Origin("a", 9, 1)]
    assert [str(place) for place in sorted(places)] == ["a:9:1", "a:9:2", "a:10:1", "b:1:1"]
    assert HERE.line_place == "f.yml:3"


def test_plain_values_become_nodes_that_share_a_place() -> None:
    tree = node_of({"paths": ("/a", "/b"), 7: None}, HERE)
    assert tree.entries()["paths"].items()[1] == Node("/b", HERE)  # type: ignore[index]
    assert tree.entries()["7"].value is None  # type: ignore[index]
    assert node_of(tree) is tree
    assert node_of("/a").entries() is node_of("/a").items() is None


def test_an_entry_is_found_at_its_key() -> None:
    assert Node(1, HERE, Origin("f.yml", 3, 1)).place == Origin("f.yml", 3, 1)
    assert Node(1, HERE).place == HERE
