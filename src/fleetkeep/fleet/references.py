# SPDX-License-Identifier: GPL-3.0-or-later
"""Names become values: the templates of a job, its schedule and its retention.

The order: templates first (one that others build on before those; of several, a later one overrides an earlier; one
that is reached twice counts once, where it is reached first), then the job's own values. Maps are merged deeply, lists
replace. A schedule or retention that is named, alone or as ``use``, starts anew; single values change what is
inherited.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

from fleetkeep.model.fleet import JobDeclaration, TemplateDeclaration

from .declarations import Declarations
from .problems import problem, render_value, suggest
from .setting import UNKNOWN, Renderer, Setting
from .tree import Origin

_TEMPLATE_KEYS = tuple(TemplateDeclaration.model_fields)
_JOB_KEYS = tuple(JobDeclaration.model_fields)
#: Which section the names in a setting of a job belong to.
_NAMED = {"schedule": "schedules", "retention": "retention"}
_SHORTHANDS = {
    ("sources", "paths"): "path",
    **{("hooks", stage): "command" for stage in ("before", "after", "on_error")},
}
_NOUNS = {"schedules": "schedule", "retention": "retention", "templates": "template"}


@dataclass(frozen=True)
class Collected:
    """A job or template with everything that it builds on."""

    setting: Setting
    """The merged map, fully templated, without ``clients`` and ``template``."""

    complete: bool
    """Whether all its templates are in it; false when one is unknown, so that nothing is said about missing values."""


@dataclass(frozen=True)
class _Reference:
    """One mention of a template."""

    name: str
    origin: Origin | None


class Collector:
    """Collects jobs and templates; its problems go to the renderer's."""

    def __init__(self, declarations: Declarations, renderer: Renderer) -> None:
        self._declarations = declarations
        self._renderer = renderer

    def collect(self, section: str, name: str) -> Collected | None:
        """The job or template ``name`` with its templates merged in; ``None`` when its whole value is unknown."""
        declared = self._declarations.setting(section, name)
        own = self._map(declared) if declared else None
        if own is None:
            return None
        trail = (_Reference(name, None),) if section == "templates" else ()
        below: dict[str, Setting] = {}
        complete = self._collect_templates(own, trail, below)
        merged: Setting = replace(own, value={})
        for layer in (*below.values(), own):
            merged = self._add_layer(merged, layer)
        return Collected(_expand_shorthands(self._renderer.deep(merged)), complete)

    def _collect_templates(self, own: Setting, trail: tuple[_Reference, ...], found: dict[str, Setting]) -> bool:
        """Puts the templates that ``own`` builds on into ``found``, deepest first; whether all of them are known."""
        complete = True
        for reference in self._references(own):
            if reference is None:
                complete = False
            elif reference.name in (step.name for step in trail):
                self._report_cycle((*trail, reference))
                complete = False
            elif reference.name not in found:
                complete &= self._collect_template(reference, own, trail, found)
        return complete

    def _collect_template(
        self, reference: _Reference, own: Setting, trail: tuple[_Reference, ...], found: dict[str, Setting]
    ) -> bool:
        declared = self._declarations.setting("templates", reference.name)
        if declared is None:
            self._report_unknown(reference.origin, own.address, "templates", reference.name)
            return False
        template = self._map(declared)
        if template is None:
            return False
        complete = self._collect_templates(template, (*trail, reference), found)
        found[reference.name] = template
        return complete

    def _map(self, declared: Setting) -> Setting | None:
        """A declared thing whose value is a map; ``None`` when it is not, or not known."""
        setting = self._renderer.shallow(declared)
        if setting.entries() is not None:
            return setting
        if setting.value is not UNKNOWN:
            self._report(
                setting, f"{setting.address} is {render_value(setting.value)}, but a map of values is expected"
            )
        return None

    def _references(self, own: Setting) -> Iterator[_Reference | None]:
        """The templates that a job or template names; ``None`` for each that cannot be read."""
        given = own.get("template")
        if given is None:
            return
        given = self._renderer.deep(given)
        items = given.items()
        for setting in [given] if items is None else items:
            if isinstance(setting.value, str):
                yield _Reference(str(setting.value), setting.origin)
                continue
            if setting.value is not UNKNOWN:
                what = f"{setting.address} is {render_value(setting.value)}, but the name of a template is expected"
                self._report(setting, what)
            yield None

    def _add_layer(self, merged: Setting, layer: Setting) -> Setting:
        keys = _JOB_KEYS if layer.source.startswith("jobs.") else _TEMPLATE_KEYS
        entries = dict(merged.entries() or {})
        for name, child in (layer.entries() or {}).items():
            if name not in keys:
                what = f"{layer.address} has the unknown key {name!r}; {suggest(name, keys)}"
                self._renderer.problems.append(problem(child.place, what))
            elif name in _NAMED:
                value, starts_anew = self._expand(_NAMED[name], child)
                entries[name] = value if starts_anew else self._renderer.merge(entries.get(name), value)
            elif name not in ("clients", "template"):
                entries[name] = self._renderer.merge(entries.get(name), child)
        return replace(merged, value=entries)

    def _expand(self, section: str, setting: Setting) -> tuple[Setting, bool]:
        """The values that a name, or ``use`` with values on top, stands for; and whether they start anew."""
        setting = self._renderer.shallow(setting)
        if isinstance(setting.value, str):
            return self._declared(section, str(setting.value), setting), True
        use = (setting.entries() or {}).get("use")
        if use is None:
            return setting, False
        use = self._renderer.shallow(use)
        if not isinstance(use.value, str):
            if use.value is not UNKNOWN:
                self._report(
                    use, f"{use.address} is {render_value(use.value)}, but the name of a {_NOUNS[section]} is expected"
                )
            return use.with_value(UNKNOWN), True
        return self._renderer.merge(self._declared(section, str(use.value), use), setting.without("use")), True

    def _declared(self, section: str, name: str, mention: Setting) -> Setting:
        declared = self._declarations.setting(section, name)
        if declared is None:
            self._report_unknown(mention.origin, mention.address, section, name)
            return mention.with_value(UNKNOWN)
        return self._renderer.shallow(declared)

    def _report(self, setting: Setting, what: str) -> None:
        self._renderer.problems.append(problem(setting.origin, what))

    def _report_unknown(self, origin: Origin | None, address: str, section: str, name: str) -> None:
        known: Collection[str] = self._declarations.names(section)
        what = f"{address} names the {_NOUNS[section]} {name!r}, which is not declared; {suggest(name, known)}"
        self._renderer.problems.append(problem(origin, what))

    def _report_cycle(self, trail: tuple[_Reference, ...]) -> None:
        start = next(index for index, step in enumerate(trail) if step.name == trail[-1].name)
        steps = list(trail[start:])
        edges = [(before.name, after.name, after.origin) for before, after in pairwise(steps)]
        first = min(range(len(edges)), key=lambda index: edges[index][0])
        edges = [*edges[first:], *edges[:first]]
        told = ", ".join(
            f"{before} builds on {after}" + (f" ({origin})" if origin else "") for before, after, origin in edges
        )
        self._renderer.problems.append(
            problem(edges[0][2], f"templates build on each other in a circle: {told}; take one out")
        )


def _expand_shorthands(job: Setting) -> Setting:
    """A path alone becomes ``{path: ...}``, a command alone ``{command: ...}``: places then fit the models."""
    for (outer, inner), key in _SHORTHANDS.items():
        parent = job.get(outer)
        children = parent.get(inner) if parent else None
        if parent is None or children is None or children.items() is None:
            continue
        items = [_expand_item(item, key) for item in children.items() or ()]
        parent = replace(parent, value={**(parent.entries() or {}), inner: replace(children, value=items)})
        job = replace(job, value={**(job.entries() or {}), outer: parent})
    return job


def _expand_item(item: Setting, key: str) -> Setting:
    is_short = item.items() is not None if key == "command" else isinstance(item.value, str)
    return replace(item, value={key: item}, final=True) if is_short else item


__all__ = ["Collected", "Collector"]
