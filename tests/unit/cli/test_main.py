# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person meets who mistypes, or only looks around."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from fleetkeep.cli.main import VERBS, main, program


def say(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int | str | None, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    out, err = capsys.readouterr()
    return ended.value.code, out, err


def test_a_mistyped_verb(capsys: pytest.CaptureFixture[str]) -> None:
    assert say(capsys, "stauts") == (
        1,
        "",
        "error: there is no verb 'stauts'; did you mean 'status'?\n"
        "Usage: fleetkeep [OPTIONS] VERB [ARGUMENTS]...\n"
        "`fleetkeep --help` says more.\n",
    )


def test_a_word_like_no_verb(capsys: pytest.CaptureFixture[str]) -> None:
    assert "`fleetkeep --help` lists them.\n" in say(capsys, "xyzzy")[2]


def test_a_missing_argument(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = say(capsys, "run")
    assert (status, out) == (1, "")
    assert err.startswith("error: Missing argument 'JOB'.\nUsage: fleetkeep run [OPTIONS] JOB\n")


def test_json_of_an_agent_that_stays(capsys: pytest.CaptureFixture[str]) -> None:
    assert say(capsys, "agent", "--json")[2].startswith("error: --json needs --show.\n")


def test_the_help_of_all_verbs_fits_a_terminal_of_eighty_columns() -> None:
    shown = CliRunner().invoke(program, ["--help"], terminal_width=80).output.splitlines()
    for verb in VERBS:
        line = next(line for line in shown if line.split()[:1] == [verb])
        assert line.endswith("."), line


def test_every_verb_has_its_own_help() -> None:
    with click.Context(program) as context:
        for verb in VERBS:
            command = program.get_command(context, verb)
            assert command is not None
            assert command.help and command.short_help
