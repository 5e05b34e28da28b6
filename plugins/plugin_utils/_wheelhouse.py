# Copyright: the Fleetkeep authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A folder of wheels on the controller: what it holds, and one file to push it as."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

from ansible.errors import AnsibleActionFail


def read_wheelhouse(folder, version):
    """The SHA-256 of each wheel in a folder, by name.

    Raises ``AnsibleActionFail`` with one sentence when it does not hold the package ``fleetkeep`` in this version.
    """
    wheels = {
        wheel.name: hashlib.sha256(wheel.read_bytes()).hexdigest() for wheel in sorted(Path(folder).glob("*.whl"))
    }
    if not any(name.startswith(f"fleetkeep-{version}-") for name in wheels):
        raise AnsibleActionFail(
            f"The wheelhouse {folder} on the controller has {_describe(wheels)}, but this collection needs {version}; "
            f'fill it with: pip wheel --wheel-dir {folder} "fleetkeep[borg]=={version}"'
        )
    return wheels


def pack_wheels(folder, names, archive):
    """Write one file that holds the named wheels of a folder."""
    with zipfile.ZipFile(archive, "w") as packed:
        for name in names:
            packed.write(Path(folder) / name, name)


def _describe(names):
    found = [name.split("-")[1] for name in names if name.startswith("fleetkeep-")]
    return f"Fleetkeep {', '.join(found)}" if found else "no wheel of Fleetkeep"


__all__ = ["pack_wheels", "read_wheelhouse"]
