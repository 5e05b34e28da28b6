# SPDX-License-Identifier: GPL-3.0-or-later
"""What the keys of models mean, read from the strings below them. Only generated files need it, and reading the source
of every model would make up a fifth of the start of the program."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator

from fleetkeep.model.base import Model

_DESCRIBED: set[type[Model]] = set()


def describe_keys() -> None:
    """Give the keys of all models that were imported so far the descriptions that their schemas show."""
    models = list(_below(Model))
    if _DESCRIBED.issuperset(models):
        return
    _DESCRIBED.update(models)
    for model in models:
        for name, words in _docstrings(model).items():
            field = model.model_fields.get(name)
            if field is not None and field.description is None:
                field.description = words
    for _ in range(3):  # a model keeps the schemas of those inside it from before, so these come first, then the others
        for model in models:
            model.model_rebuild(force=True)


def _below(model: type[Model]) -> Iterator[type[Model]]:
    for each in model.__subclasses__():
        yield each
        yield from _below(each)


def _docstrings(model: type[Model]) -> dict[str, str]:
    """The string that follows each annotated name of a class, also of those above it."""
    found: dict[str, str] = {}
    for each in reversed(model.__mro__):
        if issubclass(each, Model) and each is not Model:
            body = ast.parse(textwrap.dedent(inspect.getsource(each))).body[0]
            assert isinstance(body, ast.ClassDef)
            for one, following in zip(body.body, body.body[1:], strict=False):
                if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name) and _is_text(following):
                    found[one.target.id] = inspect.cleandoc(following.value.value)  # type: ignore[attr-defined]
    return found


def _is_text(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


__all__ = ["describe_keys"]
