# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import tempfile
from pathlib import Path

from ansible.plugins.action import ActionBase

from ansible_collections.fleetkeep.backup.plugins.module_utils._version import VERSION
from ansible_collections.fleetkeep.backup.plugins.plugin_utils._wheelhouse import pack_wheels, read_wheelhouse


class ActionModule(ActionBase):
    """Asks the host with the digests of the controller's wheels; pushes the wheels only when it lacks them."""

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        options = dict(self._task.args)
        folder = options.get("wheelhouse")
        if folder and options.get("state") != "absent":
            options["wheels"] = read_wheelhouse(folder, VERSION)
        answer = self._execute_module(module_args=options, task_vars=task_vars)
        if answer.pop("lacks_wheels", False):
            options["pushed"] = self._push(folder, options["wheels"])
            answer = self._execute_module(module_args=options, task_vars=task_vars)
        result.update(answer)
        return result

    def _push(self, folder, wheels):
        """Bring the wheels to the host as one file; gives its place there."""
        shell = self._connection._shell
        if shell.tmpdir is None:
            self._make_tmp_path()
        target = shell.join_path(shell.tmpdir, "wheels.zip")
        with tempfile.TemporaryDirectory(prefix="fleetkeep-") as local:
            archive = Path(local) / "wheels.zip"
            pack_wheels(folder, wheels, archive)
            self._transfer_file(str(archive), target)
        self._fixup_perms2((shell.tmpdir, target))
        return target
