# SPDX-License-Identifier: GPL-3.0-or-later
import json
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetkeep.borg.items import lossy_name, parse_item, parse_mode

#: As Borg 1.4.5 prints it under TZ=UTC.
LINE = (
    '{"archiveid": "de56", "type": "-", "mode": "-rw-r--r--", "user": "root", "group": "root", "uid": 0, "gid": 0, '
    '"path": "srv/d/new\\nline", "healthy": true, "source": "", "linktarget": "", "flags": 0, '
    '"isoctime": "2026-11-21T22:04:28.418228", "isomtime": "2026-11-21T22:04:27.000001", "size": 1}'
)


def test_reads_a_line_of_borg():
    item = parse_item(LINE)
    assert (item.path, item.kind, item.mode, item.size_bytes) == ("srv/d/new\nline", "-", 0o644, 1)
    assert item.modified_us == 1795298667_000001
    assert item.changed_us == 1795298668_418228
    assert item.archive_id == "de56"
    assert item.is_file
    assert item.is_faithful
    assert item.healthy


def test_a_further_name_of_a_hard_link_is_no_file_of_its_own():
    item = parse_item(json.dumps({"type": "-", "mode": "hrw-r--r--", "path": "d/a", "source": "d/hard", "size": 0}))
    assert item.is_hard_link
    assert not item.is_file
    assert item.mode == 0o644


def test_a_symbolic_link_is_no_hard_link():
    item = parse_item(json.dumps({"type": "l", "mode": "lrwxrwxrwx", "path": "d/a", "source": "b"}))
    assert not item.is_hard_link
    assert not item.is_file
    assert item.link_target == "b"


def test_a_question_mark_may_stand_for_another_byte():
    assert not parse_item(json.dumps({"type": "-", "mode": "-rw-r--r--", "path": "d/caf?"})).is_faithful


@pytest.mark.parametrize("line", ["", "[]", "{}", "null", '{"type": "-"}', '{"type": "-", "mode": 7, "path": "a"}'])
def test_anything_else_is_refused(line):
    with pytest.raises(ValueError, match=r".+"):
        parse_item(line)


@given(st.integers(0, 0o7777))
def test_every_mode_survives_its_text(bits):
    assert parse_mode(stat.filemode(stat.S_IFREG | bits)) == bits


@given(st.binary().map(lambda name: name.decode("utf-8", "surrogateescape")))
def test_a_lossy_name_can_be_printed(name):
    assert lossy_name(lossy_name(name).encode().decode()) == lossy_name(name)
    assert len(lossy_name(name)) == len(name)
