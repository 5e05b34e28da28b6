#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: the Fleetkeep authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: runtime
short_description: Install the Fleetkeep runtime on a host, or remove it
version_added: 0.1.0
description:
  - Keeps the Python package C(fleetkeep), in the version of this collection, with BorgBackup 1.4.5 or newer, in a
    virtual environment of its own.
  - A stamp in the environment says what was installed. While that is what is wanted, a task costs one round trip.
  - The role P(fleetkeep.backup.client#role) is the usual way to it.
options:
  state:
    description: Whether the runtime is on the host.
    type: str
    choices: [present, absent]
    default: present
  path:
    description:
      - The folder of the virtual environment. The other modules expect it in its default place.
      - A folder that this module did not make is neither used nor removed.
    type: path
    default: /opt/fleetkeep
  python:
    description: The interpreter that the environment is made with, Python 3.10 or newer.
    type: path
    default: /usr/bin/python3
  wheelhouse:
    description:
      - A folder on the controller with wheels of C(fleetkeep), of BorgBackup and of all that they need, fit for the
        host's Python.
      - It is pushed when the host lacks it, and then the host needs neither a package index nor a compiler.
      - Without it, pip installs from PyPI or from the index that the host's own configuration of pip names.
    type: path
  link:
    description: Where the command C(fleetkeep) is to be found. An empty value makes no link.
    type: str
    default: /usr/local/bin/fleetkeep
  packages:
    description: Debian packages that must be there before anything is installed. Not looked at where there is no dpkg.
    type: list
    elements: str
    default: []
  build_packages:
    description:
      - Debian packages that are needed as well without O(wheelhouse), because PyPI has BorgBackup only as source.
    type: list
    elements: str
    default: []
  wheels:
    description: Set by the action plugin. The SHA-256 of each wheel in O(wheelhouse), by name.
    type: dict
    default: {}
  pushed:
    description: Set by the action plugin. The place on the host of the wheels that were pushed.
    type: path
extends_documentation_fragment:
  - fleetkeep.backup.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
  platform:
    platforms: posix
seealso:
  - module: fleetkeep.backup.director
author:
  - Fleetkeep authors (@fleetkeep)
"""

EXAMPLES = r"""
- name: Install the runtime from wheels of the controller
  fleetkeep.backup.runtime:
    wheelhouse: "{{ playbook_dir }}/wheelhouse"

- name: Remove it; repositories, archives and records stay
  fleetkeep.backup.runtime:
    state: absent
"""

RETURN = r"""
changed:
  description: Whether anything was changed, or would be in check mode.
  returned: always
  type: bool
steps:
  description: What was done, or would be in check mode, in this order.
  returned: success
  type: list
  elements: str
  sample: [environment, content, link]
interpreter:
  description: The interpreter that has the package C(fleetkeep).
  returned: with O(state=present)
  type: str
  sample: /opt/fleetkeep/bin/python
"""

import os

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.fleetkeep.backup.plugins.module_utils import _installation as installation
from ansible_collections.fleetkeep.backup.plugins.module_utils._version import VERSION


def main():
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "path": {"type": "path", "default": "/opt/fleetkeep"},
            "python": {"type": "path", "default": "/usr/bin/python3"},
            "wheelhouse": {"type": "path"},
            "link": {"type": "str", "default": "/usr/local/bin/fleetkeep"},
            "packages": {"type": "list", "elements": "str", "default": []},
            "build_packages": {"type": "list", "elements": "str", "default": []},
            "wheels": {"type": "dict", "default": {}},
            "pushed": {"type": "path"},
        },
        supports_check_mode=True,
    )
    try:
        result = reconcile(module)
    except installation.InstallationError as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(msg=f"{error.filename or 'This host'}: {error.strerror or error}.")
    else:
        module.exit_json(**result)


def reconcile(module):
    """Observe, decide and act; gives the module's result."""
    wanted = wanted_of(module.params)
    actual = installation.observe(wanted)
    if module.params["state"] == "absent":
        steps, after = installation.plan_removal(wanted, actual, installation.units_that_use(wanted.path)), {}
    else:
        steps, after = installation.plan_installation(wanted, actual), installation.stamp_of(wanted, actual.python)
    if "content" in steps and wanted.wheels and not module.check_mode and not module.params["pushed"]:
        return {"changed": False, "lacks_wheels": True}
    if steps and not module.check_mode:
        carry_out(module, wanted, actual, steps)
    result = {"changed": bool(steps), "steps": steps, "diff": {"before": shown(actual.stamp), "after": shown(after)}}
    if module.params["state"] == "present":
        result["interpreter"] = os.path.join(wanted.path, "bin/python")
    return result


def shown(stamp):
    """A stamp as people read it: of each digest the beginning."""
    wheels = stamp.get("wheels", {})
    return {**stamp, "wheels": {name: digest[:12] for name, digest in wheels.items()}} if wheels else stamp


def wanted_of(options):
    """The options as the runtime that is wanted."""
    build_packages = [] if options["wheels"] else options["build_packages"]
    return installation.Wanted(
        path=options["path"],
        python=options["python"],
        requirement=f"fleetkeep[borg]=={VERSION}",
        wheels=options["wheels"],
        link=options["link"],
        packages=(*options["packages"], *build_packages),
    )


def carry_out(module, wanted, actual, steps):
    """Act; pushed wheels are unpacked into the module's own temporary folder, which Ansible removes."""
    wheels = module.tmpdir if module.params["pushed"] else None
    if wheels:
        installation.unpack_wheels(module.params["pushed"], wanted.wheels, wheels)
    installation.Installer(wanted, actual, lambda arguments: run(module, arguments), wheels).carry_out(steps)


def run(module, arguments):
    """Run a program; gives its exit status and what it said."""
    status, output, errors = module.run_command(arguments, environ_update={"DEBIAN_FRONTEND": "noninteractive"})
    return status, output + errors


if __name__ == "__main__":
    main()
