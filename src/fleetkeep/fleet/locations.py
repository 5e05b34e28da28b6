# SPDX-License-Identifier: GPL-3.0-or-later
"""Where repositories lie: a declared path or storage becomes a Borg location for one client."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from fleetkeep.model.fleet import StorageDeclaration

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):(//)?", re.IGNORECASE)
_SSH = re.compile(
    r"ssh://(?:(?P<user>[^/@:]+)(?P<password>:[^@]*)?@)?(?P<host>\[[0-9a-f:.]+\]|[^/@:\[\]]+)(?::(?P<port>\d+))?(?P<path>/+[^/].*)",
    re.IGNORECASE,
)
_LATER = ("rclone", "s3", "b2", "sftp", "http", "https", "rest")
_FOLDER = re.compile(r"[^/{}\x00-\x1f\x7f]+")
_NAME = re.compile(r"[^\s/@:{}\[\]]+")
_UNFIT = re.compile(r"[{}\x00-\x1f\x7f]")


class LocationRefused(ValueError):
    """A path that cannot be a repository's place; the text says why, without the path."""


def parse_location(path: str) -> str:
    """The Borg 1.4 location that a declared ``path`` stands for.

    >>> parse_location("/srv/backups/"), parse_location("ssh://borg@vault1/srv/borg")
    ('/srv/backups', 'ssh://borg@vault1/srv/borg')

    Raises ``LocationRefused``.
    """
    if _UNFIT.search(path):
        raise LocationRefused("a repository path has no braces and no control characters; variables are {{ in pairs }}")
    if path.startswith("/"):
        return _local(path)
    scheme = _SCHEME.match(path)
    if scheme and scheme[1].lower() == "ssh" and scheme[2]:
        return _remote(path)
    if scheme and scheme[1].lower() in _LATER:
        raise LocationRefused(
            f"a location that begins with {scheme[1].lower()}: needs Borg 2, which is not supported yet; give an"
            " absolute path or ssh://user@host/path"
        )
    raise LocationRefused("a repository path is absolute or ssh://user@host:port/path")


def storage_location(storage: StorageDeclaration, repository: str) -> str:
    """The place of a repository in a storage: the storage's folder, then the repository's name.

    >>> storage_location(StorageDeclaration(host="vault1", path="/srv/borg"), "offsite")
    'ssh://borg@vault1:22/srv/borg/offsite'
    """
    folder = f"{storage.path.rstrip('/')}/{repository}"
    if storage.host is None:
        return parse_location(folder)
    for name in (storage.user, storage.host.replace(":", "")):
        if not _NAME.fullmatch(name):
            raise LocationRefused("the host and user of a storage are plain names or addresses, without / or @")
    host = f"[{storage.host}]" if ":" in storage.host else storage.host
    return parse_location(f"ssh://{storage.user}@{host}:{storage.port}{folder}")


def client_location(location: str, client: str) -> str:
    """A client's own folder below a location.

    >>> client_location("/srv/backups", "web1")
    '/srv/backups/web1'
    """
    if not _FOLDER.fullmatch(client) or client in (".", ".."):
        raise LocationRefused(
            f"the client name {client!r} cannot be the name of a folder; rename the host, or say per: fleet"
        )
    return f"{location.rstrip('/')}/{client}"


def location_folder(location: str) -> str:
    """The folder of a location, as the host that holds it knows it.

    >>> location_folder("ssh://borg@vault1:22/srv/borg/offsite/web1"), location_folder("/srv/backups")
    ('/srv/borg/offsite/web1', '/srv/backups')
    """
    match = _SSH.fullmatch(location)
    return match["path"] if match else location


def contains(outer: str, inner: str) -> bool:
    """Whether an absolute path is another or lies below it.

    >>> contains("/srv", "/srv/backups"), contains("/srv", "/srv2")
    (True, False)
    """
    return PurePosixPath(inner).is_relative_to(PurePosixPath(outer))


def _local(path: str) -> str:
    parts = PurePosixPath(path).parts
    if ".." in parts:
        raise LocationRefused("a repository path has no ..")
    normal = str(PurePosixPath("/" + path.lstrip("/")))
    if normal == "/":
        raise LocationRefused("the root folder cannot be a repository")
    return normal


def _remote(path: str) -> str:
    match = _SSH.fullmatch(path)
    if match is None:
        raise LocationRefused("an SSH location is written ssh://user@host:port/path")
    if match["password"] is not None:
        raise LocationRefused("an SSH location takes no password; use a key, and take the password out")
    if match["port"] and not 1 <= int(match["port"]) <= 65535:
        raise LocationRefused("an SSH port lies between 1 and 65535")
    return path.rstrip("/")


__all__ = ["LocationRefused", "client_location", "contains", "location_folder", "parse_location", "storage_location"]
