# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes files in /srv/documents/awkward whose names, contents and attributes a restore can easily get wrong."""

import os
from pathlib import Path

FOLDER = Path("/srv/documents/awkward")


def main() -> None:
    """Write them all; each is there for one kind of mistake."""
    FOLDER.mkdir(parents=True)
    (FOLDER / "empty").touch()
    (FOLDER / "name with\nnewline and 'quotes'").write_text("newline\n")
    (FOLDER / "grüße-日本.txt").write_text("not ASCII\n")
    Path(os.fsdecode(os.fsencode(FOLDER) + b"/not-utf8-\xff")).write_text("bytes\n")
    (FOLDER / "-rf").write_text("looks like an option\n")
    (FOLDER / "random").write_bytes(os.urandom(3_000_000))
    with (FOLDER / "sparse").open("wb") as sparse:
        sparse.truncate(5_000_000)
    (FOLDER / "private").write_text("only mine\n")
    (FOLDER / "private").chmod(0o600)
    os.chown(FOLDER / "private", 1234, 4321)
    (FOLDER / "old").write_text("from 1999\n")
    os.utime(FOLDER / "old", ns=(915148800_123456789, 915148800_123456789))
    (FOLDER / "link").symlink_to("random")
    (FOLDER / "dangling").symlink_to("/nowhere")
    os.link(FOLDER / "random", FOLDER / "same-as-random")
    os.mkfifo(FOLDER / "pipe")
    os.setxattr(FOLDER / "old", "user.note", b"kept")


main()
