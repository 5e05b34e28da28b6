# SPDX-License-Identifier: GPL-3.0-or-later
import json

import pytest

from fleetkeep.borg.interpreter import INSIDE, inside_borg, interpreter_of


@pytest.mark.parametrize(
    ("head", "interpreter"),
    [
        (b"#!/usr/bin/python3\n# -*- coding: utf-8 -*-\n", ("/usr/bin/python3",)),
        (b"#! /opt/venv/bin/python3.11 -I -s\nimport sys\n", ("/opt/venv/bin/python3.11", "-I", "-s")),
        (b"#!/bin/sh\n'''exec' \"/opt/a b/bin/python3\" \"$0\" \"$@\"\n' '''\n", ("/opt/a b/bin/python3",)),
        (b"#!/bin/sh\n'''exec' /very/long/bin/python3.12 \"$0\" \"$@\"\n' '''\n", ("/very/long/bin/python3.12",)),
        (b'#!/bin/sh\nexec borg "$@"\n', None),
        (b"#!/usr/bin/env python3\n", None),
        (b"\x7fELF\x02\x01", None),
        (b"", None),
    ],
)
def test_the_interpreter_of_a_script(tmp_path, head, interpreter):
    program = tmp_path / "borg"
    program.write_bytes(head)
    assert interpreter_of(str(program)) == interpreter


def test_without_an_interpreter_nothing_is_asked_inside(tmp_path):
    assert inside_borg(str(tmp_path / "none"), {"ask": "items"}) == []


def test_the_question_is_one_word_before_the_arguments_of_borg(tmp_path):
    program = tmp_path / "borg"
    program.write_bytes(b"#!/usr/bin/python3\n")
    words = inside_borg(str(program), {"ask": "items"})
    assert words[:2] == ["/usr/bin/python3", str(INSIDE)]
    assert json.loads(words[2]) == {"ask": "items"}
