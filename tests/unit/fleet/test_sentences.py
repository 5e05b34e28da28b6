# SPDX-License-Identifier: GPL-3.0-or-later
"""What the models refuse, in our words."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, ValidationError

from fleetkeep.fleet import Origin, literal, node_of
from fleetkeep.fleet.sentences import model_problems
from fleetkeep.fleet.setting import Renderer, plain, setting_of
from fleetkeep.model import Hooks, Job, Retention, Schedule, Sources
from fleetkeep.model.fleet import RepositoryDeclaration, StorageDeclaration


def refusals(model: type[BaseModel], value: object, partial: bool = False) -> list[str]:
    setting = Renderer(literal).deep(setting_of(node_of(value, Origin("f.yml", 1, 1)), "it"))
    with pytest.raises(ValidationError) as error:
        model.model_validate(plain(setting))
    return [str(found).removeprefix("f.yml:1:1: ") for found in model_problems(error.value, setting, model, partial)]


@pytest.mark.parametrize(
    ("model", "value", "sentence"),
    [
        (Schedule, {"cron": "61 * * * *"}, "it.cron is '61 * * * *': bad minute; write five fields: minute hour day"),
        (Schedule, {"cron": 5}, "it.cron is 5, but text is expected"),
        (Schedule, {"cron": "@daily"}, "it.cron is '@daily': "),
        (
            Schedule,
            {"cron": "0 2 * * *", "timezone": "Mars"},
            "it.timezone is 'Mars': unknown time zone; use an IANA name",
        ),
        (Schedule, {"cron": "0 2 * * *", "timezone": "../etc"}, "it.timezone is '../etc': unknown time zone"),
        (Schedule, {"cron": "0 2 * * *", "jitter": "soon"}, "it.jitter is 'soon': write a duration as a number with"),
        (Schedule, {"cron": "0 2 * * *", "catch_up": 7}, "it.catch_up is 7, but true or false is expected"),
        (Schedule, {}, "it has no cron; write five fields, such as cron: 0 2 * * *"),
        (Schedule, "nightly", "it is 'nightly', but a map is expected"),
        (Retention, {"daily": "seven"}, "it.daily is 'seven', but a whole number is expected"),
        (Retention, {"daily": 1.5}, "it.daily is 1.5, but a whole number is expected"),
        (Retention, {"daily": -1}, "it.daily is -1, but a whole number of at least 0 is expected"),
        (Retention, {"daily": 100_001}, "it.daily is 100001, but a whole number of at most 100000 is expected"),
        (Retention, {"daily": 1, "minimum": 0}, "it.minimum is 0, but a whole number of at least 1 is expected"),
        (Retention, {"daly": 1}, "it has the unknown key 'daly'; did you mean daily? Known are daily, forever,"),
        (Retention, {"minimum": 3}, "it: retention keeps nothing; give at least one rule such as daily: 7, or"),
        (Sources, {"paths": "/etc"}, "it.paths is '/etc', but a list is expected"),
        (Sources, {"paths": []}, "it.paths is empty; list at least one absolute path, such as paths: [/etc]"),
        (Sources, {"paths": ["etc"]}, "it.paths[0] is 'etc': a source path is absolute; begin it with /"),
        (
            Sources,
            {"paths": [{"path": "/a/../b"}]},
            "it.paths[0].path is '/a/../b': a source path has no .. and no NUL",
        ),
        (
            Sources,
            {"paths": [{"pth": "/a", "path": "/b"}]},
            "it.paths[0] has the unknown key 'pth'; did you mean path?",
        ),
        (Sources, {"paths": [7]}, "it.paths[0] is 7, but an absolute path or a map with path and allow is expected"),
        (
            Sources,
            {"paths": [{"path": "/a", "allow": ["x"]}]},
            "it.paths[0].allow[0] is 'x', but one of missing, empty or",
        ),
        (Hooks, {"before": ["ls"]}, "it.before[0] is 'ls', but a list of program and arguments is expected"),
        (Hooks, {"after": [{"command": []}]}, "it.after[0].command is empty; list program and arguments, such as"),
        (Hooks, {"after": [{"command": ["a"], "timeout": -1}]}, "it.after[0].timeout is -1: write a duration"),
        (Hooks, {"after": [{"command": ["a", 1]}]}, "it.after[0].command[1] is 1, but text is expected"),
        (StorageDeclaration, {"path": "srv"}, "it.path is 'srv', but an absolute path is expected"),
        (StorageDeclaration, {"path": "/srv", "port": 0}, "it.port is 0, but a whole number of at least 1 is expected"),
        (StorageDeclaration, {"path": "/srv", "quota": "much"}, "it.quota is 'much': write a size as a number with K,"),
        (RepositoryDeclaration, {"path": "/a", "per": "x"}, "it.per is 'x', but one of client or fleet is expected"),
        (
            RepositoryDeclaration,
            {"storage": "a b"},
            "it.storage is 'a b', but a name of letters, digits, _, . and - is",
        ),
    ],
)
def test_one_mistake_is_one_sentence(model: type[BaseModel], value: object, sentence: str) -> None:
    assert [text[: len(sentence)] for text in refusals(model, value)] == [sentence]


def test_no_sentence_has_words_of_the_library() -> None:
    wrong: list[object] = [None, "x", 7, -7, 1.5, True, [], ["x"], [[]], {}, {"x": 1}]
    fields = [name for name in Job.model_fields if name != "name"]
    texts = [text for field in fields for value in wrong for text in _refusals_if_any({field: value, "name": "j"})]
    assert len(texts) > 100
    for text in texts:
        for word in ("Input", "valid", "pydantic", "tuple", "dictionary", "instance", "None", "string", "Extra"):
            assert word not in text


def _refusals_if_any(value: object) -> list[str]:
    try:
        Job.model_validate(value)
    except ValidationError:
        return refusals(Job, value)
    return []


def test_of_a_part_nothing_is_missing() -> None:
    assert refusals(Job, {"name": "j", "retention": {"minimum": 3}, "rpo": "x"}, partial=True) == [
        "it.rpo is 'x': write a duration as a number with s, m, h, d or w, such as 45m, 26h or 7d"
    ]


@pytest.mark.parametrize("value", [{"cron": "{{ x }}"}, "{{ x }}"])
def test_nothing_is_said_about_what_is_not_known(value: object) -> None:
    assert refusals(Schedule, value) == []
