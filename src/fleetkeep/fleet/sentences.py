# SPDX-License-Identifier: GPL-3.0-or-later
"""What a model refuses, as problems: what was found and where, what is expected, what to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from fleetkeep.errors import FleetFileProblem

from .problems import problem, render_names, suggest
from .setting import UNKNOWN, Path, Setting, locate, shown

#: What to write for a value that is missing, or that has the wrong form; by the name of the field.
_EXAMPLES = {
    "sources": "say what is backed up, such as sources: {paths: [/etc]}",
    "paths": "list at least one absolute path, such as paths: [/etc]",
    "repositories": "name at least one declared repository, such as repositories: [offsite]",
    "retention": "name a declared retention, such as retention: standard",
    "cron": "write five fields, such as cron: 0 2 * * *",
    "command": "list program and arguments, such as command: [systemctl, stop, app]",
    "path": "write an absolute path",
    "before": "list program and arguments, such as [systemctl, stop, app]",
    "after": "list program and arguments, such as [systemctl, start, app]",
    "on_error": "list program and arguments, such as [logger, failed]",
    "is": "write the SHA-256 of the content, as sha256sum prints it",
}
_FORMS = {
    "compression": "a compression such as lz4, zstd,3 or auto,zstd,9",
    "path": "an absolute path",
    "schedule": "the name of a declared schedule or a map of its values",
    "retention": "the name of a declared retention or a map of its values",
    "sources": "a map with paths",
    "is": "64 hexadecimal digits",
}
#: What an item of a list should be, by the name of the list.
_ITEMS = {
    "paths": "an absolute path or a map with path and allow",
    "before": "a list of program and arguments",
    "after": "a list of program and arguments",
    "on_error": "a list of program and arguments",
    "assertions": "a map with file_exists, sha256, size_ratio or command",
}
_KINDS = (
    ("int", "a whole number"),
    ("float", "a number"),
    ("bool", "true or false"),
    ("string_type", "text"),
    ("tuple", "a list"),
    ("list", "a list"),
    ("model", "a map"),
    ("dict", "a map"),
    ("mapping", "a map"),
    ("greater_than", "a greater number"),
    ("less_than", "a smaller number"),
)
_NAME_FORM = "a name of letters, digits, _, . and -"


def model_problems(
    error: ValidationError, setting: Setting, model: type[BaseModel], partial: bool = False
) -> list[FleetFileProblem]:
    """One problem for each thing that ``model`` refused in the plain form of ``setting``.

    ``partial``: more values come from elsewhere, so that nothing is said about what is missing, nor about maps as a
    whole. Unknown expressions are passed over. A secret is never shown.
    """
    found = (_problem_of(detail, setting, model, partial) for detail in error.errors(include_url=False))
    return [one for one in found if one is not None]


def wrong_value(setting: Setting, expected: str) -> FleetFileProblem:
    """A value that has the wrong form: ``jobs.a.rpo is 'soon', but a duration is expected``."""
    value = shown(setting)
    found = f"is {value}" if value is not None else "has a wrong value (not shown)"
    return problem(setting.origin or setting.key, f"{setting.address} {found}, but {expected} is expected")


def _problem_of(
    detail: Mapping[str, Any], setting: Setting, model: type[BaseModel], partial: bool
) -> FleetFileProblem | None:
    loc: Path = tuple(detail["loc"])
    at, rest = locate(setting, loc)
    kind: str = detail["type"]
    is_about_the_whole = kind == "missing" or (kind == "value_error" and at.entries() is not None)
    if at.value is UNKNOWN or (partial and is_about_the_whole):
        return None
    if kind == "missing":
        return _missing(at, rest)
    if kind == "extra_forbidden":
        return _unknown_key(setting, loc, model)
    if kind == "too_short":
        return None if at.items() else problem(at.place, f"{at.address} is empty; {_example(at)}")
    if kind == "value_error":
        return _refused(at, str(detail["ctx"]["error"]))
    return wrong_value(at, _expectation(kind, detail.get("ctx", {}), at))


def _missing(at: Setting, rest: Path) -> FleetFileProblem:
    if not rest:
        return problem(at.place, f"{at.address} is empty; {_example(at)}")
    name = str(rest[-1])
    return problem(at.place, f"{at.address} has no {name}; {_EXAMPLES.get(name, f'add {name}')}")


def _unknown_key(setting: Setting, loc: Path, model: type[BaseModel]) -> FleetFileProblem:
    at, _ = locate(setting, loc)
    parent, _ = locate(setting, loc[:-1])
    owner = Setting(None, None, None, at.source, at.path[:-1]) if at.path else parent
    fields = (_model_at(model, loc[:-1]) or model).model_fields
    return problem(at.place, f"{owner.address} has the unknown key {str(loc[-1])!r}; {suggest(str(loc[-1]), fields)}")


def _refused(at: Setting, reason: str) -> FleetFileProblem:
    is_container = at.entries() is not None or at.items() is not None
    value = None if is_container else shown(at)
    found = at.address if value is None else f"{at.address} is {value}"
    return problem(at.place if is_container else at.origin, f"{found}: {reason[:1].lower()}{reason[1:].rstrip('.')}")


def _example(at: Setting) -> str:
    names = [part for part in at.path if isinstance(part, str)]
    return _EXAMPLES.get(names[-1] if names else "", "give at least one")


def _expectation(kind: str, context: Mapping[str, Any], at: Setting) -> str:
    names = [part for part in at.path if isinstance(part, str)]
    field = names[-1] if names else ""
    if kind in ("enum", "literal_error"):
        return _choice(str(context.get("expected", "")), at)
    if kind == "string_pattern_mismatch":
        return _FORMS.get(field, _NAME_FORM)
    bounds = _bounds(context)
    if bounds and ("than" in kind):
        return f"a whole number {bounds}"
    if kind.startswith(("model", "dict", "mapping")):
        forms = _FORMS if names and at.path[-1] == field else _ITEMS
        return forms.get(field, "a map")
    return next((text for start, text in _KINDS if kind.startswith(start)), "another value")


def _choice(expected: str, at: Setting) -> str:
    choices = [part.strip("' ") for part in expected.replace(" or ", ", ").split(",")]
    return "one of " + render_names(choices, "or") if len(choices) > 1 else choices[0]


def _bounds(context: Mapping[str, Any]) -> str:
    words = {"ge": "of at least", "gt": "above", "le": "of at most", "lt": "below"}
    return " and ".join(f"{words[name]} {context[name]}" for name in words if name in context)


def _model_at(model: type[BaseModel], loc: Sequence[str | int]) -> type[BaseModel] | None:
    """The model that holds the value at ``loc`` below ``model``."""
    found: type[BaseModel] | None = model
    for part in loc:
        if isinstance(part, str) and found is not None:
            field = found.model_fields.get(part)
            found = None if field is None else _model_in(field.annotation)
    return found


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for found in map(_model_in, get_args(annotation)) if found is not None), None)


__all__ = ["model_problems", "wrong_value"]
