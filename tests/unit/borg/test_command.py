# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from fleetkeep.borg import command


def test_create_asks_for_everything_at_once() -> None:
    arguments = command.create_arguments(
        "/srv/borg",
        "web1-system-1",
        ["/etc", "/home"],
        compression="zstd,3",
        comment="run 1",
        exclude=["-strange", "*/cache"],
        exclude_caches=True,
        exclude_if_present=[".nobackup"],
        one_file_system=True,
    )
    assert arguments[0] == "create"
    assert {"--json", "--progress", "--list", "--filter=CE", "--exclude-caches", "--one-file-system"} <= set(arguments)
    assert {"--comment=run 1", "--exclude=-strange", "--exclude=*/cache", "--compression=zstd,3"} <= set(arguments)
    assert "--exclude-if-present=.nobackup" in arguments
    assert arguments[-3:] == ["/srv/borg::web1-system-1", "/etc", "/home"]


def test_options_that_were_not_asked_for_are_absent() -> None:
    arguments = command.create_arguments("/srv/borg", "a", ["/etc"], compression="lz4")
    assert not [word for word in arguments if word.startswith(("--exclude", "--one", "--comment"))]


def test_braces_in_a_comment_are_no_placeholders() -> None:
    arguments = command.create_arguments("/srv/borg", "a", ["/{x}"], compression="lz4", comment="{hostname}")
    assert "--comment={{hostname}}" in arguments
    assert arguments[-2:] == ["/srv/borg::a", "/{x}"]


def test_delete_names_archives_and_never_a_whole_repository() -> None:
    arguments = command.delete_arguments("/srv/borg", ["a", "b"])
    assert arguments[-2:] == ["/srv/borg::a", "b"]
    for nothing in ([], [""], ["a", ""]):
        with pytest.raises(ValueError, match="name the archives"):
            command.delete_arguments("/srv/borg", nothing)


def test_list_shows_interrupted_backups_only_on_request() -> None:
    assert "--consider-checkpoints" not in command.list_arguments("/srv/borg")
    assert "--consider-checkpoints" in command.list_arguments("/srv/borg", checkpoints=True)


def test_info_of_a_repository_or_of_an_archive() -> None:
    assert command.info_arguments("/srv/borg")[-1] == "/srv/borg"
    assert command.info_arguments("/srv/borg", "a")[-1] == "/srv/borg::a"


def test_init_sets_what_cannot_be_set_later() -> None:
    plain = command.init_arguments("/srv/borg", encryption="repokey-blake2")
    assert plain == ["init", "--encryption=repokey-blake2", "--make-parent-dirs", "/srv/borg"]
    full = command.init_arguments("/srv/borg", encryption="none", append_only=True, quota_bytes=500)
    assert {"--append-only", "--storage-quota=500"} <= set(full)


def test_extract_options() -> None:
    assert command.extract_arguments("/srv/borg", "a")[-1] == "/srv/borg::a"
    full = command.extract_arguments(
        "/srv/borg", "a", ["etc/hosts"], to_standard_output=True, dry_run=True, list_files=True, strip_components=2
    )
    assert {"--stdout", "--dry-run", "--list", "--strip-components=2"} <= set(full)
    assert full[-2:] == ["/srv/borg::a", "etc/hosts"]
    assert "--sparse" in command.extract_arguments("/srv/borg", "a", sparse=True)
    assert {"--noflags", "--noacls", "--noxattrs"} <= set(
        command.extract_arguments("/srv/borg", "a", content_only=True)
    )


def test_items_are_listed_with_the_keys_asked_for() -> None:
    arguments = command.list_items_arguments("/srv/borg", "a", keys=("path", "size"), paths=["etc"])
    assert "--format={path}{size}" in arguments
    assert arguments[-2:] == ["/srv/borg::a", "etc"]


def test_compact_and_break_lock_name_the_repository() -> None:
    assert command.compact_arguments("/srv/borg")[-1] == "/srv/borg"
    assert command.break_lock_arguments("/srv/borg") == ["break-lock", "/srv/borg"]
