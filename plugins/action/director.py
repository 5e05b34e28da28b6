# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import sys
from dataclasses import asdict

from ansible.plugins.action import ActionBase

from ansible_collections.fleetkeep.backup.plugins.module_utils._runtime import (
    DEFAULT_RUNTIME,
    describe_missing_runtime,
)
from ansible_collections.fleetkeep.backup.plugins.plugin_utils._access import (
    collect_granted,
    offered_keys,
    visits_of,
)
from ansible_collections.fleetkeep.backup.plugins.plugin_utils._fleet import Fleet
from ansible_collections.fleetkeep.backup.plugins.plugin_utils._runtime import runtime

try:
    from ansible.module_utils.secrets import register_secrets
except ImportError:  # ansible-core before 2.22 has no register of secrets; there, no_log hides them

    def register_secrets(values):
        """Nothing to tell."""


ARGUMENTS = {
    "state": {"type": "str", "choices": ["applied", "granted", "validated", "explained"], "default": "applied"},
    "applied": {"type": "dict"},
    "granted": {"type": "list", "elements": "dict"},
    "allow_removals": {"type": "bool", "default": False},
    "job": {"type": "str"},
    "prefix": {"type": "path", "default": "/"},
    "runtime": {"type": "path"},
    "scheduler": {"type": "str", "choices": ["auto", "systemd", "agent"], "default": "auto"},
}

#: Exit status of a shell that cannot start the interpreter.
_NO_INTERPRETER = (126, 127)


class ActionModule(ActionBase):
    """Resolves a host's desired state on the controller and has the host reconcile itself, in one round trip."""

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        package = runtime()
        _validation, options = self.validate_argument_spec(ARGUMENTS)
        work = {
            "applied": self._apply,
            "granted": self._grant,
            "validated": self._validate,
            "explained": self._explain,
        }[options["state"]]
        try:
            found = work(Fleet(task_vars, self._templar, self._loader), options, task_vars)
        except package.errors.FleetkeepError as error:
            found = {"failed": True, "changed": False, "msg": str(error), "code": error.code}
        result.update(found, state=options["state"])
        return result

    def _apply(self, fleet, options, variables):
        resolved, problems = _resolve(fleet, options)
        if problems:
            return _failure(problems)
        client = resolved.state.client
        granted = collect_granted(options["granted"] or [], resolved.state)
        result = self._reconcile(resolved, options, variables, host_keys=granted.host_keys)
        if result.get("failed") or not result.get("waiting"):
            return result
        if options["granted"] is not None:
            error = runtime().errors.AccessNotGiven(
                client=client, repositories=", ".join(result["waiting"]), reason=granted.reason
            )
            return {**result, "failed": True, "msg": str(error), "code": error.code}
        return {**result, "visits": visits_of(resolved.state, result["waiting"])}

    def _grant(self, fleet, options, variables):
        """Lets keys in on the storage host that the task is delegated to."""
        host = self._task.delegate_to or variables["inventory_hostname"]
        scheduler = fleet.variable(host, "fleetkeep_scheduler", "auto")
        resolved = fleet.resolve(scheduler, host)
        problems = runtime().fleet.sort_problems([*fleet.problems, *resolved.problems])
        if problems:
            return _failure(problems)
        applied = options["applied"] or {}
        options = {
            "allow_removals": options["allow_removals"],
            "prefix": fleet.variable(host, "fleetkeep_prefix", "/"),
            "runtime": fleet.variable(host, "fleetkeep_runtime", None),
        }
        result = self._reconcile(resolved, options, variables, keys=offered_keys(applied, resolved.state))
        return {**result, "storages": sorted(resolved.state.storages)}

    def _reconcile(self, resolved, options, variables, **given):
        """One round trip to the host."""
        register_secrets(resolved.secrets.values())
        interpreter = options["runtime"] or self._usual_runtime()
        result = self._execute_module(
            module_name="fleetkeep.backup.host_state",
            module_args={
                "desired": resolved.state.model_dump(mode="json"),
                "secrets": dict(resolved.secrets),
                "allow_removals": options["allow_removals"],
                "prefix": options["prefix"],
                "runtime": interpreter,
                **given,
            },
            task_vars=self._started_by(interpreter, variables),
        )
        if result.get("rc") in _NO_INTERPRETER and "module_stderr" in result:
            return {"failed": True, "changed": False, "msg": describe_missing_runtime(interpreter, None)}
        return result

    def _started_by(self, interpreter, variables):
        """The variables with which Ansible starts a module by an interpreter; of a delegated task, it asks others."""
        changed = {**variables, "ansible_python_interpreter": interpreter}
        host, delegated = self._task.delegate_to, variables.get("ansible_delegated_vars") or {}
        if host in delegated:
            own = {**delegated[host], "ansible_python_interpreter": interpreter}
            changed["ansible_delegated_vars"] = {**delegated, host: own}
        return changed

    def _validate(self, fleet, options, variables):
        problems = fleet.validate()
        if problems:
            return _failure(problems)
        hosts, jobs = variables["groups"]["all"], fleet.declarations.names("jobs")
        return {"changed": False, "hosts": len(hosts), "jobs": len(jobs)}

    def _explain(self, fleet, options, variables):
        resolved, problems = _resolve(fleet, options)
        if problems:
            return _failure(problems)
        explained = runtime().fleet.explain(resolved, options["job"])
        return {"changed": False, "explanation": [asdict(value) for value in explained]}

    def _usual_runtime(self):
        """On the controller itself, its own interpreter has the package; elsewhere the role client installs one."""
        return sys.executable if self._connection.transport == "local" else DEFAULT_RUNTIME


def _resolve(fleet, options):
    """A host's share of the fleet, and every problem that it meets."""
    resolved = fleet.resolve(options["scheduler"])
    return resolved, runtime().fleet.sort_problems([*fleet.problems, *resolved.problems])


def _failure(problems):
    """The result of a task that found problems: one sentence, and all of them."""
    texts = [str(problem) for problem in problems]
    more = f"{len(texts)} problems in the fleet files; the first: " if len(texts) > 1 else ""
    return {"failed": True, "changed": False, "msg": more + texts[0], "problems": texts, "code": problems[0].code}
