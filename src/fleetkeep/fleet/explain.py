# SPDX-License-Identifier: GPL-3.0-or-later
"""Every resolved value of a client, and where it comes from."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from fleetkeep.errors import Problems, UnknownJob
from fleetkeep.model import DesiredState

from .problems import render_names
from .resolve import Provenance, Provided, Resolved
from .setting import Path

_DEFAULT = "default"


@dataclass(frozen=True)
class Explained:
    """One resolved value."""

    subject: str
    """What it belongs to, such as ``job system``."""

    path: str
    """The value's name in it, such as ``retention.daily``."""

    value: object
    """The value as in the desired state: text, number, true, false, a list of these, or ``None``."""

    source: str
    """The declared thing it comes from, such as ``retention.standard``, or ``default``."""

    file: str | None = None
    """The fleet file; ``None`` for a default."""

    line: int | None = None
    """The line in that file."""

    column: int | None = None
    """The column in that line."""

    expression: str | None = None
    """The Jinja expression that gave the value."""


def explain(resolved: Resolved, job: str | None = None) -> list[Explained]:
    """Every value of a client's jobs and repositories, or those of one job and the repositories that it writes to.

    Raises ``Problems`` when the client could not be resolved, ``UnknownJob`` when it has no such job.
    """
    state = resolved.state
    if state is None:
        raise Problems(resolved.problems)
    if job is not None and job not in state.jobs:
        raise UnknownJob(job=job, known=render_names(state.jobs))
    jobs = [job] if job is not None else list(state.jobs)
    repositories = sorted({name for each in jobs for name in state.jobs[each].repositories})
    subjects = [*(("jobs", name) for name in jobs), *(("repositories", name) for name in repositories)]
    return [found for subject in subjects for found in _explain_subject(state, resolved.provenance, *subject)]


def render_explained(explained: Sequence[Explained]) -> str:
    """The values as an indented text.

    >>> daily = Explained("job system", "retention.daily", 7, "retention.standard", "inventory/fleet.yml", 31, 20)
    >>> print(render_explained([daily, Explained("job system", "retention.hourly", 0, "default")]))
    job system
      retention
        daily: 7, from retention.standard, inventory/fleet.yml:31
        hourly: 0, by default
    """
    lines: list[str] = []
    above: list[str] = []
    for one in explained:
        headings = [one.subject, *one.path.split(".")[:-1]]
        if lines and headings[0] != above[0]:
            lines.append("")
        for depth in range(len(headings)):
            if headings[: depth + 1] != above[: depth + 1]:
                lines.append("  " * depth + headings[depth])
        lines.append("  " * len(headings) + _render_line(one))
        above = headings
    return "\n".join(lines)


def explained_as_json(explained: Sequence[Explained]) -> str:
    """The values as a JSON list of objects."""
    return json.dumps([asdict(one) for one in explained], indent=2, ensure_ascii=True)


def _explain_subject(state: DesiredState, provenance: Provenance, section: str, name: str) -> Iterator[Explained]:
    thing = state.jobs[name] if section == "jobs" else state.repositories[name]
    subject = f"{'job' if section == 'jobs' else 'repository'} {name}"
    for path, value in _leaves(thing.model_dump(mode="json", exclude={"name"}), ()):
        yield _explained(subject, path, value, provenance.of((section, name, *path)))


def _explained(subject: str, path: Path, value: object, provided: Provided | None) -> Explained:
    shown = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")
    if provided is None:
        return Explained(subject, shown, value, _DEFAULT)
    origin = provided.origin
    return Explained(
        subject,
        shown,
        value,
        provided.source,
        origin.file if origin else None,
        origin.line if origin else None,
        origin.column if origin else None,
        provided.expression,
    )


def _leaves(value: object, path: Path) -> Iterator[tuple[Path, object]]:
    """Scalars, and lists of scalars; a path without allowances counts as a scalar."""
    value = _compact(value)
    if isinstance(value, dict):
        for name, child in value.items():
            yield from _leaves(child, (*path, name))
    elif isinstance(value, list) and any(isinstance(_compact(item), dict) for item in value):
        for index, item in enumerate(value):
            yield from _leaves(item, (*path, index))
    else:
        yield path, [_compact(item) for item in value] if isinstance(value, list) else value


def _compact(value: object) -> object:
    if isinstance(value, dict) and set(value) == {"path", "allow"} and not value["allow"]:
        return value["path"]
    return value


def _render_line(one: Explained) -> str:
    name = one.path.rpartition(".")[2]
    place = f", {one.file}:{one.line}" if one.file else ""
    expression = f", by {' '.join(one.expression.split())}" if one.expression else ""
    source = "by default" if one.source == _DEFAULT else f"from {one.source}{place}{expression}"
    return f"{name}: {_render(one.value)}, {source}"


def _render(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, list):
        return f"[{', '.join(_render(item) for item in value)}]"
    return value if isinstance(value, str) else json.dumps(value)


__all__ = ["Explained", "explain", "explained_as_json", "render_explained"]
