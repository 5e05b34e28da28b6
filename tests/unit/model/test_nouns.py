# SPDX-License-Identifier: GPL-3.0-or-later
"""The nouns: what they accept, what they refuse and in which words."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from fleetkeep.model import DesiredState, Hook, Job, Repository, Retention, Schedule, SourcePath, Sources
from fleetkeep.model.base import parse_duration, parse_size, render_duration


@given(st.integers(min_value=0, max_value=10**9))
def test_a_duration_is_read_as_it_is_written(seconds: int) -> None:
    duration = timedelta(seconds=seconds)
    assert parse_duration(render_duration(duration)) == duration


@pytest.mark.parametrize("value", ["", "5", "1x", "-1h", "1.5h", True, -1, None, [], "1h 30m"])
def test_what_is_no_duration_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="write a duration"):
        parse_duration(value)


@pytest.mark.parametrize(("text", "size"), [("2T", 2 * 10**12), ("500G", 5 * 10**11), ("1.5M", 1_500_000), (7, 7)])
def test_sizes(text: Any, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("value", ["", "2X", "-1", True, -1, None])
def test_what_is_no_size_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="write a size"):
        parse_size(value)


@pytest.mark.parametrize(
    ("model", "values", "words"),
    [
        (Schedule, {"cron": "0 25 * * *"}, "write five fields"),
        (Schedule, {"cron": "0 2 * *"}, "write five fields"),
        (Schedule, {"cron": "0 2 30 2 *"}, "comes due|write five fields"),
        (Schedule, {"cron": "0 2 */2 * 5L"}, "a last weekday"),
        (Schedule, {"cron": "0 2 * * *", "timezone": "Mars/Base"}, "unknown time zone"),
        (Schedule, {"cron": "0 2 * * *", "timezone": "../../etc/passwd"}, "unknown time zone"),
        (Retention, {}, "keeps nothing"),
        (Retention, {"daily": 0, "minimum": 3}, "keeps nothing"),
        (Retention, {"daily": True}, "whole number"),
        (Retention, {"daily": -1}, "greater than or equal"),
        (Retention, {"daily": 7, "minimum": 0}, "greater than or equal"),
        (SourcePath, {"path": "etc"}, "absolute"),
        (SourcePath, {"path": "/etc/../root"}, "no \\.\\."),
        (SourcePath, {"path": "/etc\0"}, "no NUL"),
        (Sources, {"paths": []}, "at least 1"),
        (Hook, {"command": []}, "at least 1"),
        (Repository, {"name": "r", "location": "/x/{now}"}, "braces"),
        (Repository, {"name": "r", "location": "/x", "encryption": "none"}, "without a passphrase"),
        (Repository, {"name": "r", "location": "/x", "passphrase": "none"}, "without a passphrase"),
        (Repository, {"name": "r", "location": "/x", "passphrase": "command"}, "needs its command"),
        (Repository, {"name": "../r", "location": "/x"}, "pattern"),
        (Repository, {"name": "r", "location": "/x", "colour": "red"}, "Extra inputs"),
    ],
)
def test_what_is_refused(model: type[BaseModel], values: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        model.model_validate(values)


def test_short_forms() -> None:
    assert SourcePath.model_validate("/etc//x/").path == "/etc/x"
    assert Hook.model_validate(["true", "-v"]).command == ("true", "-v")
    assert Schedule(cron="0 2 * * 5L").catch_up is True


def job(**values: Any) -> dict[str, Any]:
    return {"name": "j", "sources": {"paths": ["/etc"]}, "repositories": ["r"], "retention": {"daily": 7}, **values}


@pytest.mark.parametrize("compression", ["none", "lz4", "zstd,3", "auto,zstd,9", "lzma"])
def test_compressions(compression: str) -> None:
    assert Job.model_validate(job(compression=compression)).compression == compression


@pytest.mark.parametrize("compression", ["gzip", "zstd,", "zstd,3;rm", "auto"])
def test_other_compressions_are_refused(compression: str) -> None:
    with pytest.raises(ValidationError, match="pattern"):
        Job.model_validate(job(compression=compression))


def test_a_state_names_only_repositories_that_it_has() -> None:
    with pytest.raises(ValidationError, match="job j names repository r"):
        DesiredState.model_validate({"client": "web1", "jobs": {"j": job()}})


def test_the_digest_tells_states_apart() -> None:
    def state(rpo: str) -> DesiredState:
        repository = {"name": "r", "location": "/srv/r"}
        return DesiredState.model_validate(
            {"client": "web1", "repositories": {"r": repository}, "jobs": {"j": job(rpo=rpo)}}
        )

    assert state("26h").digest == state("26h").digest != state("25h").digest
