# SPDX-License-Identifier: GPL-3.0-or-later
"""The arguments of each borg command, without the program; pure."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

#: Long enough for a stale lock of a killed process to be found and for a short command of another client to end.
LOCK_WAIT_SECONDS = 120

#: A backup over a bad line keeps what it has sent at least this often.
CHECKPOINT_SECONDS = 300


def escape_placeholders(text: str) -> str:
    """Text in which Borg finds no placeholder such as ``{now}``.

    It is of no use for a location: Borg 1.4 expands those more than once, so a path with braces is none for Borg.

    >>> escape_placeholders("before {upgrade}")
    'before {{upgrade}}'
    """
    return text.replace("{", "{{").replace("}", "}}")


def archive_location(location: str, archive: str) -> str:
    """How Borg names an archive of a repository.

    >>> archive_location("/srv/borg", "web1-system")
    '/srv/borg::web1-system'
    """
    return f"{location}::{archive}"


def create_arguments(
    location: str,
    archive: str,
    paths: Sequence[str],
    *,
    compression: str,
    comment: str = "",
    exclude: Sequence[str] = (),
    exclude_caches: bool = False,
    exclude_if_present: Sequence[str] = (),
    one_file_system: bool = False,
    lock_wait_seconds: int = LOCK_WAIT_SECONDS,
) -> list[str]:
    """Make an archive of absolute ``paths``: live progress, the files that changed or failed, statistics as JSON."""
    arguments = ["create", f"--lock-wait={lock_wait_seconds}", "--json", "--progress", "--list", "--filter=CE"]
    arguments += [f"--compression={compression}", f"--checkpoint-interval={CHECKPOINT_SECONDS}"]
    if comment:
        arguments.append(f"--comment={escape_placeholders(comment)}")
    if exclude_caches:
        arguments.append("--exclude-caches")
    if one_file_system:
        arguments.append("--one-file-system")
    arguments += [f"--exclude-if-present={name}" for name in exclude_if_present]
    arguments += [f"--exclude={pattern}" for pattern in exclude]
    return [*arguments, archive_location(location, archive), *paths]


def dry_create_arguments(
    location: str,
    archive: str,
    paths: Sequence[str],
    *,
    exclude: Sequence[str] = (),
    exclude_caches: bool = False,
    exclude_if_present: Sequence[str] = (),
    one_file_system: bool = False,
    lock_wait_seconds: int = LOCK_WAIT_SECONDS,
) -> list[str]:
    """List what an archive of absolute ``paths`` would take, with the status ``-``; nothing is made."""
    arguments = ["create", f"--lock-wait={lock_wait_seconds}", "--dry-run", "--list", "--filter=-"]
    if exclude_caches:
        arguments.append("--exclude-caches")
    if one_file_system:
        arguments.append("--one-file-system")
    arguments += [f"--exclude-if-present={name}" for name in exclude_if_present]
    arguments += [f"--exclude={pattern}" for pattern in exclude]
    return [*arguments, archive_location(location, archive), *paths]


def list_arguments(
    location: str, *, checkpoints: bool = False, lock_wait_seconds: int = LOCK_WAIT_SECONDS
) -> list[str]:
    """List all archives of a repository as JSON; with ``checkpoints`` also those of interrupted backups."""
    arguments = ["list", f"--lock-wait={lock_wait_seconds}", "--json"]
    if checkpoints:
        arguments.append("--consider-checkpoints")
    return [*arguments, location]


def list_items_arguments(
    location: str,
    archive: str,
    *,
    keys: Sequence[str] = ("type", "path", "size", "mtime", "linktarget", "source"),
    paths: Sequence[str] = (),
    excludes: Sequence[str] = (),
    lock_wait_seconds: int = LOCK_WAIT_SECONDS,
) -> list[str]:
    """List the items of an archive as JSON lines with ``keys``; ``paths`` are Borg patterns, none means all, and
    ``excludes`` win over them."""
    form = "".join(f"{{{key}}}" for key in keys)
    arguments = ["list", f"--lock-wait={lock_wait_seconds}", "--json-lines", f"--format={form}"]
    arguments += _choice("", excludes)
    return [*arguments, archive_location(location, archive), *paths]


def info_arguments(
    location: str, archive: str | None = None, *, lock_wait_seconds: int = LOCK_WAIT_SECONDS
) -> list[str]:
    """Describe a repository, or one archive, as JSON."""
    place = archive_location(location, archive) if archive else location
    return ["info", f"--lock-wait={lock_wait_seconds}", "--json", place]


def delete_arguments(
    location: str, archives: Sequence[str], *, lock_wait_seconds: int = LOCK_WAIT_SECONDS
) -> list[str]:
    """Delete archives by exact name.

    Raises ``ValueError`` without an archive, because Borg then deletes the repository.
    """
    if not archives or not all(archives):
        raise ValueError("name the archives to delete")
    first, *others = archives
    return ["delete", f"--lock-wait={lock_wait_seconds}", archive_location(location, first), *others]


def compact_arguments(location: str, *, lock_wait_seconds: int = LOCK_WAIT_SECONDS) -> list[str]:
    """Free the space of deleted archives."""
    return ["compact", f"--lock-wait={lock_wait_seconds}", "--progress", location]


def init_arguments(
    location: str, *, encryption: str, append_only: bool = False, quota_bytes: int | None = None
) -> list[str]:
    """Create a repository and the folders above it."""
    arguments = ["init", f"--encryption={encryption}", "--make-parent-dirs"]
    if append_only:
        arguments.append("--append-only")
    if quota_bytes is not None:
        arguments.append(f"--storage-quota={quota_bytes}")
    return [*arguments, location]


def extract_arguments(
    location: str,
    archive: str,
    paths: Sequence[str] = (),
    *,
    excludes: Sequence[str] = (),
    patterns_file: str = "",
    to_standard_output: bool = False,
    dry_run: bool = False,
    list_files: bool = False,
    strip_components: int = 0,
    sparse: bool = False,
    numeric_ids: bool = False,
    flags: bool = True,
    acls: bool = True,
    xattrs: bool = True,
    content_only: bool = False,
    lock_wait_seconds: int = LOCK_WAIT_SECONDS,
) -> list[str]:
    """Extract ``paths`` (Borg patterns, none means all) into the working directory.

    ``excludes`` win over the paths, and the lines of ``patterns_file`` over both. ``sparse`` leaves holes where a file
    has only zeros. Without ``xattrs``, capabilities do not come back; without ``flags``, the immutable one does not;
    ``content_only`` leaves out flags, ACLs and extended attributes.
    """
    chosen = {
        "--stdout": to_standard_output,
        "--dry-run": dry_run,
        "--list": list_files,
        f"--strip-components={strip_components}": strip_components > 0,
        "--sparse": sparse,
        "--numeric-ids": numeric_ids,
        "--noflags": content_only or not flags,
        "--noacls": content_only or not acls,
        "--noxattrs": content_only or not xattrs,
    }
    return [
        "extract",
        f"--lock-wait={lock_wait_seconds}",
        "--progress",
        *(option for option, is_chosen in chosen.items() if is_chosen),
        *_choice(patterns_file, excludes),
        archive_location(location, archive),
        *paths,
    ]


def export_tar_arguments(
    location: str,
    archive: str,
    paths: Sequence[str] = (),
    *,
    excludes: Sequence[str] = (),
    strip_components: int = 0,
    lock_wait_seconds: int = LOCK_WAIT_SECONDS,
) -> list[str]:
    """Write ``paths`` (Borg patterns, none means all) as an uncompressed tar stream to the standard output."""
    arguments = ["export-tar", f"--lock-wait={lock_wait_seconds}", "--progress"]
    if strip_components:
        arguments.append(f"--strip-components={strip_components}")
    return [*arguments, *_choice("", excludes), archive_location(location, archive), "-", *paths]


def _choice(patterns_file: str, excludes: Sequence[str]) -> list[str]:
    """Options that choose among the items; what stands first decides first."""
    from_file = [f"--patterns-from={patterns_file}"] if patterns_file else []
    return from_file + [f"--exclude={pattern}" for pattern in excludes]


def key_export_arguments(location: str) -> list[str]:
    """Print a repository's key, which is still encrypted with the passphrase."""
    return ["key", "export", location]


def key_change_passphrase_arguments(location: str, *, lock_wait_seconds: int = LOCK_WAIT_SECONDS) -> list[str]:
    """Encrypt a repository's key anew with another passphrase."""
    return ["key", "change-passphrase", f"--lock-wait={lock_wait_seconds}", location]


def check_repository_arguments(
    location: str, *, max_duration_seconds: int = 0, lock_wait_seconds: int = LOCK_WAIT_SECONDS
) -> list[str]:
    """Check the segments of a repository. Nothing here ever repairs.

    With a duration Borg remembers in the repository how far it came and goes on there, and compares the checksums of
    the entries alone; without one it begins anew and compares its index as well.
    """
    arguments = ["check", f"--lock-wait={lock_wait_seconds}", "--info", "--progress", "--repository-only"]
    if max_duration_seconds:
        arguments.append(f"--max-duration={max_duration_seconds}")
    return [*arguments, location]


def check_archive_arguments(location: str, archive: str, *, lock_wait_seconds: int = LOCK_WAIT_SECONDS) -> list[str]:
    """Check the metadata of one archive, and that each chunk of it is there."""
    arguments = ["check", f"--lock-wait={lock_wait_seconds}", "--info", "--archives-only"]
    return [*arguments, archive_location(location, archive)]


def read_arguments(
    location: str, archive: str, *, skip: Path | None = None, lock_wait_seconds: int = LOCK_WAIT_SECONDS
) -> list[str]:
    """Read, decrypt and verify every chunk of an archive, and name each item before it is read.

    ``skip`` is a file of patterns, one a line, of what is left out. (``check --verify-data`` reads the repository as a
    whole, whatever archive it is given.)
    """
    arguments = ["extract", f"--lock-wait={lock_wait_seconds}", "--dry-run", "--list"]
    if skip is not None:
        arguments.append(f"--exclude-from={skip}")
    return [*arguments, archive_location(location, archive)]


def mount_arguments(
    location: str, archive: str | None, mountpoint: str, *, lock_wait_seconds: int = LOCK_WAIT_SECONDS
) -> list[str]:
    """Show an archive, or every archive of a repository, as a file system for as long as the process lives.

    Borg shares the repository's lock with other readers meanwhile, and no backup can begin.
    """
    place = archive_location(location, archive) if archive else location
    return ["mount", f"--lock-wait={lock_wait_seconds}", "--foreground", place, mountpoint]


def break_lock_arguments(location: str) -> list[str]:
    """Remove the locks of a repository and of its cache; only after proof that their holder is dead."""
    return ["break-lock", location]


__all__ = [
    "CHECKPOINT_SECONDS",
    "LOCK_WAIT_SECONDS",
    "archive_location",
    "break_lock_arguments",
    "check_archive_arguments",
    "check_repository_arguments",
    "compact_arguments",
    "create_arguments",
    "delete_arguments",
    "dry_create_arguments",
    "escape_placeholders",
    "export_tar_arguments",
    "extract_arguments",
    "info_arguments",
    "init_arguments",
    "key_change_passphrase_arguments",
    "key_export_arguments",
    "list_arguments",
    "list_items_arguments",
    "mount_arguments",
    "read_arguments",
]
