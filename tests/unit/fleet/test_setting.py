# SPDX-License-Identifier: GPL-3.0-or-later
"""Values on their way: templated once, merged deeply, shown only when that is safe."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetkeep.fleet import Node, Origin, TemplateFailure, ValueUnknown, literal, node_of
from fleetkeep.fleet.load import Unsafe, Vaulted
from fleetkeep.fleet.setting import UNKNOWN, Refused, Renderer, Setting, locate, plain, setting_of, shown, walk

HERE = Origin("f.yml", 1, 1)


def setting(value: object, source: str = "jobs.system") -> Setting:
    return setting_of(node_of(value, HERE), source)


def renderer(**variables: object) -> Renderer:
    def template(value: object) -> object:
        if not isinstance(value, str) or not value.startswith("{{"):
            return value
        if value not in variables:
            raise TemplateFailure(f"{value} said S3CRET. And: 'name' is undefined.")
        return variables[value]

    return Renderer(template)


maps = st.recursive(
    st.integers() | st.none() | st.lists(st.integers(), max_size=2),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)


def merged(base: object, over: object) -> object:
    if isinstance(base, dict) and isinstance(over, dict):
        return base | {name: merged(base[name], value) if name in base else value for name, value in over.items()}
    return over


@given(maps, maps)
def test_maps_merge_deeply_and_lists_replace(base: object, over: object) -> None:
    result = renderer().merge(setting(base, "templates.a"), setting(over))
    assert plain(result) == plain(setting(merged(base, over)))


@given(maps, maps)
def test_every_merged_value_is_what_its_source_declares(base: object, over: object) -> None:
    sources = {"templates.a": setting(base, "templates.a"), "jobs.system": setting(over)}
    for path, found in walk(renderer().merge(*sources.values())):
        declared, rest = locate(sources[found.source], found.path)
        assert (rest, found.path) == ((), path)
        assert isinstance(found.value, dict) or plain(declared) == plain(found)


def test_an_expression_may_give_a_map_that_is_merged() -> None:
    work = renderer(**{"{{ a }}": {"paths": ["/a"], "exclude": ["x"]}})
    result = work.merge(setting("{{ a }}", "templates.a"), setting({"exclude": ["y"]}))
    assert plain(work.deep(result)) == {"paths": ["/a"], "exclude": ["y"]}
    paths, _ = locate(result, ("paths", 0))
    assert (paths.source, paths.address, paths.origin) == ("templates.a", "templates.a.paths[0]", HERE)


def test_what_a_template_gave_is_not_templated_again() -> None:
    work = renderer(**{"{{ a }}": ["{{ b }}", {"c": "{{ b }}"}], "{{ b }}": "never"})
    once = work.deep(setting({"x": "{{ a }}"}))
    assert plain(work.deep(once)) == {"x": ["{{ b }}", {"c": "{{ b }}"}]}


def test_an_overridden_expression_is_never_evaluated() -> None:
    work = renderer()
    assert plain(work.deep(work.merge(setting({"x": "{{ undefined }}"}), setting({"x": 1})))) == {"x": 1}
    assert not work.problems


def test_a_failure_is_a_problem_with_its_place() -> None:
    work = renderer()
    assert work.deep(setting({"x": "{{ a }}"})).entries()["x"].value is UNKNOWN  # type: ignore[index]
    (found,) = work.problems
    assert str(found).startswith("f.yml:1:1: the value of jobs.system.x cannot be evaluated: {{ a }} said")


@pytest.mark.parametrize("value", ["{{ a }}", Vaulted("x")])
def test_the_failure_of_a_secret_tells_no_more_than_a_name(value: object) -> None:
    def fail(value: object) -> object:
        raise TemplateFailure("the filter said S3CRET; 'vault_x' is undefined")

    work = Renderer(fail)
    work.deep(setting({"passphrase": value}, "repositories.a"))
    assert str(work.problems[0]).endswith("passphrase cannot be evaluated: 'vault_x' is undefined")


def test_the_failure_of_a_secret_without_a_name_tells_nothing() -> None:
    def fail(value: object) -> object:
        raise TemplateFailure("S3CRET")

    work = Renderer(fail)
    work.deep(setting({"passphrase": "{{ a }}"}, "repositories.a"))
    assert "S3CRET" not in str(work.problems[0])


def test_unknown_values_are_no_problem() -> None:
    work = Renderer(literal)
    assert plain(work.deep(setting({"a": "{{ x }}", "b": Vaulted("x"), "c": "{% if x %}", "d": 1}))) == {
        **dict.fromkeys("abc", UNKNOWN),
        "d": 1,
    }
    assert not work.problems
    assert repr(UNKNOWN) == "UNKNOWN"


def test_a_map_on_top_of_an_unknown_value_is_unknown() -> None:
    work = Renderer(literal)
    assert plain(work.merge(setting({"a": "{{ x }}"}), setting({"a": {"b": 1}}))) == {"a": UNKNOWN}
    assert plain(work.merge(setting({"a": "{{ x }}"}), setting({"a": [1]}))) == {"a": [1]}
    assert plain(work.merge(setting({"a": {"b": 1}}), setting({"a": "{{ x }}"}))) == {"a": UNKNOWN}


def test_literal_knows_plain_values_only() -> None:
    assert literal(Unsafe("{{ x }}")) == "{{ x }}"
    assert type(literal(Unsafe("x"))) is str
    with pytest.raises(ValueUnknown):
        literal("{{ x }}")


def test_an_empty_value_is_as_if_not_given() -> None:
    assert plain(setting({"a": None, "b": [None], "c": {"d": None}})) == {"b": [None], "c": {}}
    assert setting({"a": None}).get("a") is None


def test_attempt_keeps_the_problem_of_a_refusal() -> None:
    def refuse() -> int:
        raise Refused(None)

    work = renderer()
    assert work.attempt(lambda: 1) == 1
    assert work.attempt(refuse) is None
    assert not work.problems


@pytest.mark.parametrize(
    ("source", "path", "is_secret"),
    [
        ("repositories.a", "passphrase", True),
        ("repositories.passphrase", "path", False),
        ("storages.a", "passphrase", False),
        ("repositories.a", "quota", False),
    ],
)
def test_a_passphrase_is_secret(source: str, path: str, is_secret: bool) -> None:
    child = setting({path: {"command": ["x"]}}, source).get(path)
    assert child is not None
    assert child.is_secret is is_secret
    assert locate(child, ("command", 0))[0].is_secret is is_secret


@pytest.mark.parametrize(
    ("value", "made", "text"),
    [
        ("{{ cron }}", "bad", "'bad' (from '{{ cron }}')"),
        ("{{ vault_cron }}", "bad", None),
        ("{{ lookup('env', 'API_TOKEN') }}", "bad", None),
        (Vaulted("x"), "bad", None),
        ("bad", "bad", "'bad'"),
        (7, 7, "7"),
    ],
)
def test_a_value_that_may_be_secret_is_not_shown(value: object, made: object, text: str | None) -> None:
    work = Renderer(lambda _: made)
    assert shown(work.shallow(setting_of(Node(value, HERE), "schedules.a"))) == text


def test_locate_gives_the_deepest_known_value() -> None:
    tree = setting({"a": [{"b": 1}]})
    assert locate(tree, ("a", 0, "b"))[0].value == 1
    assert locate(tree, ("a", 0, "c")) == (locate(tree, ("a", 0))[0], ("c",))
    assert locate(tree, ("a", 1))[1] == (1,)
    assert locate(tree, ("a", "x"))[1] == ("x",)
