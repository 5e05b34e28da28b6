# SPDX-License-Identifier: GPL-3.0-or-later
"""usage: manifest.py FOLDER

Prints, as JSON, all that a restore has to bring back: for each path below the folder its mode, owner, time of change,
size, attributes and content.
"""

import hashlib
import json
import os
import sys
from pathlib import Path


def main(folder: str) -> None:
    """Walk the folder, following no link."""
    root = os.fsencode(folder)
    found = {}
    for parent, folders, files in os.walk(root):
        for name in [*folders, *files]:
            path = os.path.join(parent, name)
            found[ascii(os.path.relpath(path, root))] = describe(Path(os.fsdecode(path)))
    json.dump(found, sys.stdout)


def describe(path: Path) -> list[object]:
    """One path; of a folder no size, and of a link no attributes, because these mean nothing."""
    status = path.lstat()
    facts: list[object] = [oct(status.st_mode), status.st_uid, status.st_gid, status.st_mtime_ns, status.st_nlink]
    if path.is_symlink():
        return [*facts, str(path.readlink())]
    attributes = {name: ascii(os.getxattr(path, name)) for name in os.listxattr(path)}
    if path.is_file():
        return [*facts, attributes, status.st_size, hashlib.sha256(path.read_bytes()).hexdigest()]
    return [*facts, attributes]


main(sys.argv[1])
