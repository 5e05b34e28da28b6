# SPDX-License-Identifier: GPL-3.0-or-later
"""YAML text becomes a tree with places; what YAML lets pass silently is a problem."""

from __future__ import annotations

from pathlib import Path

import pytest

from fleetkeep.errors import Problems
from fleetkeep.fleet import load as load_module
from fleetkeep.fleet import load_fleet_file, load_fleet_text
from fleetkeep.fleet.load import Unsafe, Vaulted
from fleetkeep.fleet.tree import Node


def plain(node: Node) -> object:
    if isinstance(node.value, dict):
        return {name: plain(child) for name, child in node.value.items()}
    return [plain(child) for child in node.value] if isinstance(node.value, list) else node.value


def problems_of(text: str) -> list[str]:
    with pytest.raises(Problems) as found:
        load_fleet_text(text, "f.yml")
    return [str(problem) for problem in found.value.problems]


def test_every_value_knows_its_place_and_that_of_its_key() -> None:
    tree = load_fleet_text("jobs:\n  system:\n    clients: all\n    repositories: [a, b]\n", "inventory/f.yml")
    system = tree.value["jobs"].value["system"]  # type: ignore[index]
    assert str(system.key) == "inventory/f.yml:2:3"
    assert str(system.origin) == "inventory/f.yml:3:5"
    assert str(system.value["clients"].origin) == "inventory/f.yml:3:14"
    assert str(system.value["repositories"].value[1].origin) == "inventory/f.yml:4:23"
    assert system.place == system.key


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: 1\nb: 1.5\nc: true\nd:\ne: text", {"a": 1, "b": 1.5, "c": True, "d": None, "e": "text"}),
        ("f: [1, {g: 2}]", {"f": [1, {"g": 2}]}),
        ("a: &x {b: 1, c: 2}\nd: {<<: *x, c: 3}", {"a": {"b": 1, "c": 2}, "d": {"b": 1, "c": 3}}),
        ("a:\n- &x {b: 1}\n- &y {b: 2, d: 3}\n- {<<: [*x, *y]}", {"a": [{"b": 1}, {"b": 2, "d": 3}, {"b": 1, "d": 3}]}),
        ("", {}),
        ("# only a comment", {}),
        ("a: !unsafe '{{ b }}'", {"a": Unsafe("{{ b }}")}),
    ],
)
def test_reads_what_ansible_reads(text: str, value: object) -> None:
    assert plain(load_fleet_text(text, "f.yml")) == value


def test_a_vaulted_value_does_not_show_itself() -> None:
    value = load_fleet_text("a: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  6162\n", "f.yml").value["a"].value  # type: ignore[index]
    assert isinstance(value, Vaulted)
    assert repr(value) == str(value) == "<vaulted value>"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: 1\nb: 2\na: 3", "f.yml:3:1: the key 'a' stands twice in this map (first at f.yml:1:1); keep one of them"),
        (
            "a: [{c: 1, c: 2}]",
            "f.yml:1:12: the key 'c' stands twice in this map (first at f.yml:1:6); keep one of them",
        ),
        ("1: a", "f.yml:1:1: the key '1' is not text; put it in quotes"),
        ("yes: a", "f.yml:1:1: the key 'yes' is not text; put it in quotes"),
        ("a: {{ b }}", 'f.yml:1:5: a key is expected here; if this is an expression, put it in quotes: "{{ ... }}"'),
        ("a: !x b", "f.yml:1:4: only the tags !vault and !unsafe are known; put a value that begins with ! in quotes"),
        ("a: 2026-13-45", "f.yml:1:4: the value is not readable as timestamp; put it in quotes"),
        ("a: {<<: 1}", "f.yml:1:9: a merge key (<<) takes a map or a list of maps"),
        ("a: &x [*x]", "f.yml:1:4: this anchor contains itself; write the value out"),
    ],
)
def test_says_what_is_wrong_and_where(text: str, problem: str) -> None:
    assert problems_of(text) == [problem]


@pytest.mark.parametrize(
    "text", ["a: [", "a: 'b", "\ta: 1", "a: b: c", "a: @b", "a\nb: 1", "--- a\n--- b", "a: *x", "a: \0"]
)
def test_bad_yaml_is_one_problem_with_a_place(text: str) -> None:
    (problem,) = problems_of(text)
    assert problem.startswith("f.yml:")


def test_a_file_has_all_its_problems_at_once() -> None:
    assert [text.split(": ")[0] for text in problems_of("a: 1\na: 2\n1: b\nc: !x d\n")] == [
        "f.yml:2:1",
        "f.yml:3:1",
        "f.yml:4:4",
    ]


@pytest.mark.parametrize(
    "value",
    ["*S3CRET", "!S3CRET", "@S3CRET", "%S3CRET", "'S3CRET", '"S3CRET', "{S3CRET", "[S3CRET", "`S3CRET", "&S3CRET &x y"],
)
def test_an_unquoted_passphrase_that_is_bad_yaml_is_not_shown(value: str) -> None:
    assert "S3CRET" not in "".join(problems_of(f"repositories:\n  a: {{path: /x}}\n  b:\n    passphrase: {value}\n"))


def test_nested_anchors_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load_module, "MAXIMUM_VALUES", 1000)
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join(f'*a{n - 1}' for _ in range(10))}]" for n in range(1, 9)]
    assert problems_of("\n".join(lines)) == ["f.yml:1:1: holds more than 1000 values; look for nested anchors"]


def test_a_file_is_named_as_it_was_given(tmp_path: Path) -> None:
    path = tmp_path / "fleet.yml"
    path.write_text("jobs: {}\n")
    assert load_fleet_file(path).origin.file == str(path)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("content", "reason"), [(None, "cannot be read: No such file"), (b"a: \xff", "is not UTF-8 text (byte 3)")]
)
def test_a_file_that_cannot_be_read_is_a_problem(tmp_path: Path, content: bytes | None, reason: str) -> None:
    path = tmp_path / "fleet.yml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(Problems) as found:
        load_fleet_file(path)
    assert str(found.value.problems[0]).startswith(f"{path}: {reason}")
