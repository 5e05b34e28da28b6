# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The one door from controller plugins to the package `fleetkeep`.

Only this file imports it. The import is at module load, in the process from which Ansible forks its workers: a lazy
one would cost each worker 0.2 s.
"""

from __future__ import annotations

from types import SimpleNamespace

from ansible.errors import AnsibleError

from ansible_collections.fleetkeep.backup.plugins.module_utils._version import VERSION

try:
    import fleetkeep
    from fleetkeep import errors, fleet, model
    from fleetkeep.model.fleet import SECTIONS

    _PACKAGE = SimpleNamespace(
        version=fleetkeep.__version__, errors=errors, fleet=fleet, model=model, sections=SECTIONS
    )
except ImportError as error:
    _PACKAGE = SimpleNamespace(version=None, missing=error.name or str(error))


def runtime():
    """The package's public parts: ``errors``, ``fleet``, ``model``, and the names of the ``sections``.

    Raises ``AnsibleError`` with one sentence when the package is missing or has another version than the collection.
    """
    problem = describe_package(_PACKAGE)
    if problem:
        raise AnsibleError(problem)
    return _PACKAGE


def describe_package(found):
    """What is wrong with the package that was found, as one sentence; ``None`` when nothing is.

    >>> describe_package(SimpleNamespace(version="0.0.9")).split(";")[0]
    'The controller has fleetkeep 0.0.9, but this collection is 0.1.0'
    """
    remedy = f'pip install "fleetkeep=={VERSION}" into the environment of ansible-playbook.'
    if found.version is None:
        return f"The controller cannot import {found.missing}, which this collection needs; {remedy}"
    if found.version != VERSION:
        return f"The controller has fleetkeep {found.version}, but this collection is {VERSION}; {remedy}"
    return None


__all__ = ["describe_package", "runtime"]
