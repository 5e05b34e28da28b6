# SPDX-License-Identifier: GPL-3.0-or-later
"""``schemas/*.json``: the JSON Schemas (draft 2020-12) by which an editor completes and checks what people write.

A schema is a little wider than its model, because Ansible templates a fleet file before the model sees it: where the
model wants a number, a choice or a list, the file may hold a Jinja expression.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from fleetkeep.model.base import Model, render_duration
from fleetkeep.model.fleet import FleetFile

from .docstrings import describe_keys

#: Each schema's file name and model.
SCHEMAS: dict[str, type[Model]] = {"fleet": FleetFile}

#: Models that may be written shorter, and the short form. (Pydantic cannot tell it from a validator.)
SHORT_FORMS = {"Hook": {"type": "array", "items": {"type": "string"}, "minItems": 1}}

#: Ansible reads it before it templates anything.
NEVER_TEMPLATED = frozenset({"plugin"})

JINJA = {
    "title": "Jinja expression",
    "description": "A value that Ansible computes, such as `{{ backup_hour }}`.",
    "type": "string",
    "pattern": r"\{\{",
}
_ACCEPT_JINJA = {"$ref": "#/$defs/Jinja"}

Schema = dict[str, Any]


class _Generator(GenerateJsonSchema):
    """Writes default durations as people write them."""

    def encode_default(self, dft: Any) -> Any:
        return render_duration(dft) if isinstance(dft, timedelta) else super().encode_default(dft)


def render() -> dict[str, str]:
    """The text of each schema, by path."""
    return {f"schemas/{name}.json": _to_text(build(model)) for name, model in SCHEMAS.items()}


def build(model: type[Model]) -> Schema:
    """The schema of ``model`` as a file may be written: with short forms and Jinja."""
    schema = describe(model)
    for name in SHORT_FORMS.keys() & schema["$defs"].keys():
        schema["$defs"][name] = {"anyOf": [schema["$defs"][name], SHORT_FORMS[name]]}
    schema = accept_jinja(schema)
    schema["$defs"]["Jinja"] = JINJA
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def describe(model: type[Model]) -> Schema:
    """The plain schema of ``model``: the titles that only repeat a key are left out, unknown keys are refused."""
    describe_keys()
    schema = model.model_json_schema(schema_generator=_Generator)
    for properties in [schema["properties"], *(part.get("properties", {}) for part in schema["$defs"].values())]:
        for field in properties.values():
            field.pop("title", None)
            _refuse_other_keys(field)
    return schema


def accept_jinja(schema: Schema) -> Schema:
    """The same schema, in which every value that is not free text may also be a Jinja expression.

    >>> accept_jinja({"type": "integer", "description": "How many."})
    {'anyOf': [{'type': 'integer'}, {'$ref': '#/$defs/Jinja'}], 'description': 'How many.'}
    """
    result = {key: _accept_jinja_below(key, value) for key, value in schema.items()}
    if "anyOf" in result:
        return result if _takes_free_text(schema) else result | {"anyOf": [*result["anyOf"], _ACCEPT_JINJA]}
    if not _is_restricted(schema):
        return result
    notes = {key: result.pop(key) for key in ("title", "description", "default", "examples") if key in result}
    return {"anyOf": [result, _ACCEPT_JINJA], **notes}


def _accept_jinja_below(key: str, value: Any) -> Any:
    if key in ("properties", "$defs", "patternProperties"):
        return {name: part if name in NEVER_TEMPLATED else accept_jinja(part) for name, part in value.items()}
    if key in ("items", "additionalProperties") and isinstance(value, dict):
        return accept_jinja(value)
    # The alternatives of one value share one Jinja alternative, hence only what is inside them is widened.
    if key == "anyOf":
        return [{name: _accept_jinja_below(name, below) for name, below in part.items()} for part in value]
    return value


def _is_restricted(schema: Schema) -> bool:
    if schema.get("type") == "string":
        return bool(schema.keys() & {"enum", "pattern", "const", "format"})
    return schema.get("type") in ("integer", "number", "boolean", "array")


def _takes_free_text(schema: Schema) -> bool:
    return any(part.get("type") == "string" and not _is_restricted(part) for part in schema["anyOf"])


def _refuse_other_keys(schema: Schema) -> None:
    if "patternProperties" in schema:
        schema.setdefault("additionalProperties", False)


def _to_text(schema: Schema) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


__all__ = ["SCHEMAS", "accept_jinja", "build", "describe", "render"]
