# SPDX-License-Identifier: GPL-3.0-or-later
"""Declared places become Borg locations."""

from __future__ import annotations

import pytest

from fleetkeep.fleet.locations import LocationRefused, client_location, contains, parse_location, storage_location
from fleetkeep.model.fleet import StorageDeclaration


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/srv/backups", "/srv/backups"),
        ("//srv//backups/./x/", "/srv/backups/x"),
        ("/srv/with space", "/srv/with space"),
        ("/srv/a:b", "/srv/a:b"),
        ("ssh://borg@vault1:2222/srv/borg/", "ssh://borg@vault1:2222/srv/borg"),
        ("ssh://vault1/./relative", "ssh://vault1/./relative"),
        ("ssh://vault1/~/home", "ssh://vault1/~/home"),
        ("ssh://borg@[2001:db8::1]:22/x", "ssh://borg@[2001:db8::1]:22/x"),
    ],
)
def test_good_paths(path: str, location: str) -> None:
    assert parse_location(path) == location


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("", "is absolute or"),
        ("srv/backups", "is absolute or"),
        ("vault1:/srv/borg", "is absolute or"),
        ("borg@vault1:srv", "is absolute or"),
        ("ssh:/vault1/x", "is absolute or"),
        ("file:///srv", "is absolute or"),
        ("/", "the root folder"),
        ("/srv/../..", "has no .."),
        ("/srv/{hostname}", "no braces"),
        ("/srv/a\nb", "no control characters"),
        ("ssh://vault1", "is written ssh://"),
        ("ssh://vault1//", "is written ssh://"),
        ("ssh://@vault1/x", "is written ssh://"),
        ("ssh://vault1:port/x", "is written ssh://"),
        ("ssh://vault1:0/x", "between 1 and 65535"),
        ("ssh://me:S3CRET@vault1/x", "takes no password"),
        ("s3:S3CRET:S3CRET@https://host/bucket", "begins with s3: needs Borg 2"),
        ("rclone:S3CRET:path", "begins with rclone: needs Borg 2"),
        ("sftp://me:S3CRET@host/x", "begins with sftp: needs Borg 2"),
        ("https://me:S3CRET@host/x", "begins with https: needs Borg 2"),
    ],
)
def test_bad_paths_say_why_and_are_not_shown(path: str, reason: str) -> None:
    with pytest.raises(LocationRefused) as refused:
        parse_location(path)
    assert reason in str(refused.value)
    assert "S3CRET" not in str(refused.value)


@pytest.mark.parametrize(
    ("storage", "location"),
    [
        ({"path": "/srv/borg"}, "/srv/borg/offsite"),
        ({"path": "/"}, "/offsite"),
        ({"path": "/srv/borg/", "host": "vault1"}, "ssh://borg@vault1:22/srv/borg/offsite"),
        ({"path": "/srv", "host": "fe80::1", "user": "me", "port": 2222}, "ssh://me@[fe80::1]:2222/srv/offsite"),
    ],
)
def test_a_storage_holds_a_repository_by_its_name(storage: dict[str, object], location: str) -> None:
    assert storage_location(StorageDeclaration.model_validate(storage), "offsite") == location


@pytest.mark.parametrize(
    "storage", [{"path": "/a/../b"}, {"path": "/a", "host": "a/b"}, {"path": "/a", "host": "{now}"}]
)
def test_a_storage_that_gives_no_location_is_refused(storage: dict[str, object]) -> None:
    with pytest.raises(LocationRefused):
        storage_location(StorageDeclaration.model_validate(storage), "offsite")


def test_a_client_has_its_own_folder() -> None:
    assert client_location("ssh://vault1/./x", "db1.example.net") == "ssh://vault1/./x/db1.example.net"
    assert client_location("/srv", "2001:db8::1") == "/srv/2001:db8::1"


@pytest.mark.parametrize("client", ["", ".", "..", "a/b", "a\nb", "{now}"])
def test_a_client_name_that_is_no_folder_is_refused(client: str) -> None:
    with pytest.raises(LocationRefused, match="rename the host, or say per: fleet"):
        client_location("/srv", client)


@pytest.mark.parametrize(
    ("outer", "inner", "holds"),
    [("/", "/a", True), ("/a", "/a", True), ("/a", "/a/b", True), ("/a", "/ab", False), ("/a/b", "/a", False)],
)
def test_folders_in_folders(outer: str, inner: str, holds: bool) -> None:
    assert contains(outer, inner) is holds
