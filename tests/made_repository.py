# SPDX-License-Identifier: GPL-3.0-or-later
"""A new repository as a copy of one that the product made once in this process, because Borg takes its time for one.

What it leaves is what ``create_repository`` leaves: the folder in its place, and no memory of it on the host. The
copies of one name share an id and a key; repositories of several names have their own.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

from fleetkeep.agent.repositories import create_repository, local_repository_id
from fleetkeep.borg.access import BorgAccess
from fleetkeep.borg.passphrase import Passphrase
from fleetkeep.model import Encryption, PassphraseKind, Repository
from fleetkeep.settings import child_environment


@cache
def _made(program: str, name: str, encryption: Encryption, secret: str | None) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="fleetkeep-repository-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    place = folder / "repository"
    passphrase = Passphrase(secret) if secret else None
    access = BorgAccess(program, str(place), passphrase, child_environment({"BORG_BASE_DIR": str(folder)}))
    kind = PassphraseKind.GIVEN if secret else PassphraseKind.NONE
    create_repository(Repository(name=name, location=str(place), encryption=encryption, passphrase=kind), access)
    return place


def put_repository(repository: Repository, program: str, secret: str | None) -> str:
    """Have a new repository at its local place, with its key inside it or with none; gives its id."""
    assert repository.is_local
    place = Path(repository.location)
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(_made(program, repository.name, repository.encryption, secret), place)
    found = local_repository_id(place)
    assert found is not None
    return found
