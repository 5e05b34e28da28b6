# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The one door from a module to the package `fleetkeep` on the host.

Only this file imports it at module load. A module asks `run_in_runtime` to do its work; whatever interpreter Ansible
started it with, the work is done by one that has the package in the version of this collection, or not at all.
"""

from __future__ import annotations

import os
import sys

from ansible.module_utils.common.respawn import has_respawned, respawn_module

from ._version import VERSION

try:
    import pydantic

    from fleetkeep import __version__ as FOUND
except ImportError:
    FOUND = None

DEFAULT_RUNTIME = "/opt/fleetkeep/bin/python"

#: Arguments that all modules have.
ARGUMENTS = {
    "prefix": {"type": "path", "default": "/"},
    "runtime": {"type": "path", "default": DEFAULT_RUNTIME},
}


def run_in_runtime(module, work):
    """Do ``work(module)`` where the package is, and end the module with its result or with one sentence.

    ``work`` imports what it needs of ``fleetkeep`` inside itself and returns the module's result as a dictionary.
    """
    enter_runtime(module)
    from fleetkeep.errors import FleetkeepError, Problems

    try:
        result = work(module)
    except Problems as problems:
        module.fail_json(msg=str(problems), problems=[str(problem) for problem in problems.problems])
    except FleetkeepError as error:
        module.fail_json(msg=str(error), code=error.code)
    except PermissionError as error:
        module.fail_json(msg=f"{error.filename} may not be touched by this user; use become.")
    except OSError as error:
        module.fail_json(msg=f"{error.filename or 'This host'}: {error.strerror or error}.")
    except pydantic.ValidationError as error:
        module.fail_json(msg="; ".join(map(_describe_invalid, error.errors())) + ".")
    else:
        (module.fail_json if result.get("failed") else module.exit_json)(**result)


def _describe_invalid(problem):
    """One problem of a value, with the place of the value."""
    where = ".".join(map(str, problem["loc"]))
    return f"{where}: {problem['msg']}" if where else problem["msg"]


def enter_runtime(module):
    """Return where the right package can be imported; else start anew in the runtime, or fail."""
    if FOUND == VERSION:
        return
    runtime = module.params["runtime"]
    if runtime != sys.executable and not has_respawned() and os.path.exists(runtime):
        respawn_module(runtime)
    module.fail_json(msg=describe_missing_runtime(runtime if has_respawned() else sys.executable, FOUND))


def describe_missing_runtime(interpreter, found):
    """One sentence on what the host lacks; ``found`` is the package's version there, or ``None``.

    >>> describe_missing_runtime("/usr/bin/python3", "0.0.9").split(";")[0]
    '/usr/bin/python3 has Fleetkeep 0.0.9 but this collection is 0.1.0'
    """
    has = f"has Fleetkeep {found} but this collection is {VERSION}" if found else "has no Fleetkeep runtime"
    return (
        f"{interpreter} {has}; apply the role fleetkeep.backup.client to this host, or name an interpreter that has "
        f"Fleetkeep {VERSION} with the option runtime."
    )


__all__ = ["ARGUMENTS", "DEFAULT_RUNTIME", "describe_missing_runtime", "enter_runtime", "run_in_runtime"]
