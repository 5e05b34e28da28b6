# SPDX-License-Identifier: GPL-3.0-or-later
"""Tagged data keeps its places on the way into the package."""

from __future__ import annotations

import pytest
from ansible_collections.fleetkeep.backup.plugins.plugin_utils import _tree
from ansible_collections.fleetkeep.backup.plugins.plugin_utils._tree import Template, to_node, to_plain

from fleetkeep.fleet import TemplateFailure

TEXT = """\
jobs:
  system:
    clients: all
    rpo: 26
    catch_up: true
    nothing:
    paths: [/etc, "{{ home }}"]
"""


def test_each_value_has_its_place(load):
    job = to_node(load(TEXT)).entries()["jobs"].entries()["system"]
    places = {name: (str(node.origin), str(node.key)) for name, node in job.entries().items()}
    assert places == {
        "clients": ("fleet.yml:3:14", "fleet.yml:3:5"),
        "rpo": ("fleet.yml:4:10", "fleet.yml:4:5"),
        "catch_up": ("fleet.yml:5:5", "fleet.yml:5:5"),
        "nothing": ("fleet.yml:6:5", "fleet.yml:6:5"),
        "paths": ("fleet.yml:7:12", "fleet.yml:7:5"),
    }
    assert [str(item.origin) for item in job.entries()["paths"].items()] == ["fleet.yml:7:13", "fleet.yml:7:19"]


def test_keys_are_plain_and_values_keep_their_trust(load, templar):
    job = to_node(load(TEXT)).entries()["jobs"].entries()["system"]
    assert {type(name) for name in job.entries()} == {str}
    home = job.entries()["paths"].items()[1].value
    assert Template(templar({"home": "/home"}))(home) == "/home"


def test_without_ansibles_private_tags_there_are_no_places(load, monkeypatch):
    content = load(TEXT)
    monkeypatch.setattr(_tree, "_Origin", None)
    node = to_node(content).entries()["jobs"]
    assert node.origin is None
    assert node.entries()["system"].entries()["rpo"].value == 26


def test_a_file_outside_the_working_directory_keeps_its_whole_path(load, tmp_path, monkeypatch):
    content = load(TEXT)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert str(to_node(content).entries()["jobs"].key) == f"{tmp_path}/fleet.yml:1:1"


@pytest.mark.parametrize(
    ("text", "variables", "value"),
    [
        ("x: '{{ days + 1 }}'", {"days": 6}, 7),
        ("x: '{{ paths }}'", {"paths": ("/etc", "/home")}, ["/etc", "/home"]),
        ("x: '{{ rules }}'", {"rules": {"daily": 7}}, {"daily": 7}),
        ("x: 2026-01-01 is text", {}, "2026-01-01 is text"),
        ("x: 1.5", {}, 1.5),
        ("x: true", {}, True),
        ("x:", {}, None),
        ("x: !unsafe '{{ not_read }}'", {}, "{{ not_read }}"),
    ],
)
def test_templating_gives_plain_python(load, templar, text, variables, value):
    result = Template(templar(variables))(load(text)["x"])
    assert result == value
    assert type(result) is type(value)


@pytest.mark.parametrize("text", ["x: '{{ missing }}'", "x: '{{ 1 + }}'", "x: '{{ days.more }}'"])
def test_what_cannot_be_templated_fails_with_one_line(load, templar, text):
    with pytest.raises(TemplateFailure) as failure:
        Template(templar({"days": 6}))(load(text)["x"])
    assert str(failure.value)
    assert "\n" not in str(failure.value)


def test_variables_are_gathered_when_the_first_value_needs_them(load, templar):
    asked = []
    template = Template(templar({}), lambda: asked.append(1) or {"days": 6})
    assert template(load("x: text")["x"]) == "text"
    assert asked == []
    assert [template(load("x: '{{ days }}'")["x"]) for _ in range(2)] == [6, 6]
    assert asked == [1]


def test_plain_values_hold_nothing_of_ansible(load):
    result = to_plain(load(TEXT))
    assert type(result["jobs"]["system"]["rpo"]) is int
    assert type(result["jobs"]["system"]["clients"]) is str
    assert type(result["jobs"]) is dict
