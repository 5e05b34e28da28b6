# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
name: report
type: notification
short_description: Write what the director found and did, one JSON line for each host
version_added: 0.1.0
author:
  - Fleetkeep authors (@fleetkeep)
description:
  - Writes one JSON line to a file for each result of M(fleetkeep.backup.director), and one when a play begins.
  - The commands C(fleetkeep plan), C(fleetkeep apply), C(fleetkeep validate) and C(fleetkeep explain) read that file.
  - A line holds the host, what became of it, the plan, the problems and the messages; never a secret, and nothing of
    other modules.
requirements:
  - Enable it with E(ANSIBLE_CALLBACKS_ENABLED), as the commands do.
options:
  report_file:
    description:
      - The file that lines are appended to. Without it nothing is written.
    type: path
    env:
      - name: FLEETKEEP_REPORT_FILE
"""

EXAMPLES = r"""
# ANSIBLE_CALLBACKS_ENABLED=fleetkeep.backup.report FLEETKEEP_REPORT_FILE=report.jsonl \
#   ansible-playbook fleetkeep.backup.plan -i inventory/
"""

import json
import os

from ansible.plugins.callback import CallbackBase

try:
    from ansible.module_utils.secrets import mask_secrets
except ImportError:  # ansible-core before 2.22 has no register of secrets

    def mask_secrets(value):
        return value


DIRECTOR = "fleetkeep.backup.director"

#: What of a result is written down; everything else stays out.
KEPT = ("state", "changed", "msg", "code", "problems", "messages", "plan", "waiting", "explanation", "hosts", "jobs")


class CallbackModule(CallbackBase):
    """Writes the director's results as JSON lines."""

    ANSIBLE_SUPPORTS_MASKING = True
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "fleetkeep.backup.report"
    CALLBACK_NEEDS_ENABLED = True

    def v2_playbook_on_play_start(self, play):
        hosts = play.get_variable_manager().get_vars(play=play)["ansible_play_hosts_all"]
        self._write({"event": "play", "hosts": len(hosts)})

    def v2_runner_on_ok(self, result):
        self._write_result(result, "ok")

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self._write_result(result, "failed")

    def v2_runner_on_unreachable(self, result):
        self._write_result(result, "unreachable")

    def _write_result(self, result, outcome):
        # What a storage host is asked on behalf of a client is told by the client's own result.
        if result.task.action == DIRECTOR and result.task.args.get("state") != "granted":
            self._write(
                dict(describe_result(result.result), event="host", host=result.host.get_name(), outcome=outcome)
            )

    def _write(self, line):
        path = self.get_option("report_file")
        if not path:
            return
        text = mask_secrets(json.dumps(line, sort_keys=True))
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "a", encoding="utf-8") as file:
            file.write(text + "\n")


def describe_result(result):
    """What of a director's result is written down.

    >>> describe_result({"changed": True, "invocation": {"module_args": {"secrets": "x"}}})
    {'changed': True}
    """
    return {name: result[name] for name in KEPT if name in result}
