# SPDX-License-Identifier: GPL-3.0-or-later
"""The schema of the fleet file takes what Ansible takes and refuses what the model refuses."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from fleetkeep.model.fleet import FleetFile

from .project import ROOT, relative

SCHEMA: dict[str, Any] = json.loads((ROOT / "schemas/fleet.json").read_text())

FLEET: dict[str, Any] = {
    "plugin": "fleetkeep.backup.fleet",
    "hosts": {"web1": {"ansible_host": "192.0.2.11", "groups": ["web"]}, "web2": None},
    "storages": {"vault1": {"host": "vault1.example.net", "path": "/srv/borg", "quota": "2T"}},
    "repositories": {"offsite": {"storage": "vault1", "passphrase": {"generate": True}}},
    "schedules": {"nightly": {"cron": "0 2 * * *", "timezone": "UTC", "jitter": "45m", "catch_up": True}},
    "retention": {"standard": {"daily": 7, "within": "2d"}},
    "templates": {"linux": {"sources": {"paths": ["/etc", {"path": "/srv", "allow": ["empty"]}]}, "rpo": "26h"}},
    "jobs": {
        "system": {
            "clients": "all",
            "template": ["linux"],
            "repositories": ["offsite"],
            "schedule": "nightly",
            "retention": {"use": "standard", "daily": 14},
            "hooks": {"before": [["systemctl", "stop", "app"], {"command": ["true"], "timeout": "5m"}]},
        }
    },
}

JINJA = "{{ something }}"


def _with(value: Any, *place: str) -> dict[str, Any]:
    fleet = copy.deepcopy(FLEET)
    part = fleet
    for key in place[:-1]:
        part = part.setdefault(key, {})
    part[place[-1]] = value
    return fleet


def _problems(fleet: dict[str, Any]) -> list[str]:
    return [error.message for error in Draft202012Validator(SCHEMA).iter_errors(fleet)]


def test_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert "$id" not in SCHEMA
    assert SCHEMA["properties"]["plugin"]["const"] == "fleetkeep.backup.fleet"
    assert "plugin" in SCHEMA["required"]


def test_schema_and_model_take_the_example() -> None:
    assert _problems(FLEET) == []
    FleetFile.model_validate(FLEET)


@pytest.mark.parametrize(
    "place",
    [
        ("storages", "vault1", "port"),
        ("storages", "vault1", "path"),
        ("storages", "vault1", "quota"),
        ("repositories", "offsite", "encryption"),
        ("repositories", "offsite", "append_only"),
        ("repositories", "offsite", "passphrase"),
        ("schedules", "nightly", "catch_up"),
        ("schedules", "nightly", "jitter"),
        ("retention", "standard", "daily"),
        ("templates", "linux", "rpo"),
        ("templates", "linux", "sources", "paths"),
        ("jobs", "system", "repositories"),
        ("jobs", "system", "retention", "daily"),
    ],
    ids=".".join,
)
def test_a_value_may_be_jinja(place: tuple[str, ...]) -> None:
    assert _problems(_with(JINJA, *place)) == []


@pytest.mark.parametrize(
    ("value", "place"),
    [
        (JINJA, ("plugin",)),
        ("another.plugin.name", ("plugin",)),
        ({}, ("job",)),
        ("seven", ("retention", "standard", "daily")),
        (-1, ("retention", "standard", "daily")),
        ("often", ("retention", "standard", "within")),
        ("maybe", ("schedules", "nightly", "catch_up")),
        ("0 2 * * *", ("schedules", "nightly", "crontab")),
        ("rot13", ("repositories", "offsite", "encryption")),
        ({"clients": "all"}, ("jobs", "with/slash")),
        ({}, ("jobs", "without-clients")),
    ],
    ids=str,
)
def test_what_the_model_refuses_the_schema_refuses(value: Any, place: tuple[str, ...]) -> None:
    fleet = _with(value, *place)
    assert _problems(fleet) != []
    with pytest.raises(ValueError, match="FleetFile"):
        FleetFile.model_validate(fleet)


@pytest.mark.parametrize("path", sorted((ROOT / "inventory").glob("*.yml")), ids=relative)
def test_an_example_fits_the_schema_and_names_it(path: Path) -> None:
    text = path.read_text()
    assert text.startswith("# yaml-language-server: $schema=../schemas/fleet.json\n")
    assert _problems(yaml.safe_load(text)) == []


def test_every_key_is_described() -> None:
    parts = [SCHEMA, *SCHEMA["$defs"].values()]
    silent = [
        f"{part['title']}.{key}"
        for part in parts
        for key, field in part.get("properties", {}).items()
        if "description" not in field
    ]
    assert silent == []
