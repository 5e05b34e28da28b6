# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations


class ModuleDocFragment:
    """What all modules that work on a managed host have in common."""

    DOCUMENTATION = r"""
options:
  prefix:
    description:
      - The folder below which Fleetkeep keeps everything on the host.
    type: path
    default: /
  runtime:
    description:
      - The Python interpreter on the host that has the package C(fleetkeep) in the version of this collection.
      - It is used when the interpreter that Ansible chose does not have it.
    type: path
    default: /opt/fleetkeep/bin/python
requirements:
  - The Fleetkeep runtime on the host, as the role P(fleetkeep.backup.client#role) installs it.
author:
  - Fleetkeep authors (@fleetkeep)
"""
