# SPDX-License-Identifier: GPL-3.0-or-later
"""The outputs are what Borg 1.4.5 printed, shortened to one line."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from fleetkeep.borg.answers import ArchiveName, parse_archive, parse_listing

ARCHIVE = (
    b'{"end": "2026-11-21T22:00:29.000000", "id": "e591", "limits": {"max_archive_size": 2.7e-05}, "name": "a2", '
    b'"start": "2026-11-21T22:00:27.000000", "stats": {"compressed_size": 600175, "deduplicated_size": 581, '
    b'"nfiles": 4, "original_size": 600003}}'
)
REPOSITORY = b'{"id": "e9b1", "last_modified": "2026-11-21T22:00:29.000000", "location": "/srv/borg"}'


@pytest.mark.parametrize(
    "output",
    [
        b'{"archive": ' + ARCHIVE + b', "repository": ' + REPOSITORY + b"}",
        b'{"archives": [' + ARCHIVE + b'], "repository": ' + REPOSITORY + b"}",
    ],
    ids=["create", "info"],
)
def test_an_archive_as_create_and_info_describe_it(output: bytes) -> None:
    answer = parse_archive(output)
    assert answer is not None
    assert (answer.id, answer.name, answer.repository_id) == ("e591", "a2", "e9b1")
    assert answer.started_at == datetime(2026, 11, 21, 22, 0, 27, tzinfo=timezone.utc)
    assert answer.finished_at == datetime(2026, 11, 21, 22, 0, 29, tzinfo=timezone.utc)
    assert (answer.files, answer.original_bytes, answer.compressed_bytes, answer.deduplicated_bytes) == (
        4, 600003, 600175, 581,
    )  # fmt: skip


NO_ANSWER = [b"", b"{", b"[]", b"null", b'{"archives": []}', b'{"archives": [{}]}', b'{"archives": 7}', b"[" * 99_999]


@pytest.mark.parametrize("output", [*NO_ANSWER, b'{"archive": {"id": 1}}'])
def test_something_else_is_no_archive(output: bytes) -> None:
    assert parse_archive(output) is None


def test_a_listing_with_what_interrupted_backups_left() -> None:
    listed = parse_listing(
        b'{"archives": [{"archive": "a1", "id": "4788", "name": "a1"}, {"id": "5", "name": "a2.checkpoint.1"}]}'
    )
    assert listed == (ArchiveName("4788", "a1"), ArchiveName("5", "a2.checkpoint.1"))
    assert [entry.is_checkpoint for entry in listed] == [False, True]
    assert parse_listing(b'{"archives": []}') == ()


@pytest.mark.parametrize("output", [b"", b"{", b"[]", b'{"archives": [{}]}', b'{"archives": 7}', b"[" * 99_999])
def test_something_else_is_no_listing(output: bytes) -> None:
    assert parse_listing(output) is None
