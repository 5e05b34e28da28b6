# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ansible's tagged data as the package's trees: each value keeps the file, line and column where it stands."""

from __future__ import annotations

import os
from collections.abc import Mapping

from ansible.errors import AnsibleError

from ansible_collections.fleetkeep.backup.plugins.plugin_utils._runtime import runtime

try:
    from ansible._internal._datatag._tags import Origin as _Origin
except ImportError:  # private in ansible-core: without it, problems come without a place
    _Origin = None

_LOCKED = "no Vault password that was given opens it; give the right one with --vault-password-file or --ask-vault-pass"
_SCALARS = (str, int, float, type(None))


def to_node(value, key=None):
    """The tree of a tagged value; ``key`` is the place of the key that names it.

    A value that cannot carry a tag (``true``, ``null``) stands where its key stands. Scalars stay as they are: Jinja
    text keeps its trust, a Vault value stays encrypted.
    """
    tree = runtime().fleet
    origin = origin_of(value) or key
    if isinstance(value, Mapping):
        return tree.Node({str(name): to_node(child, origin_of(name)) for name, child in value.items()}, origin, key)
    if isinstance(value, list):
        return tree.Node([to_node(item) for item in value], origin, key)
    return tree.Node(value, origin, key)


def origin_of(value):
    """Where a tagged value stands, or ``None``."""
    tag = _Origin.get_tag(value) if _Origin else None
    if tag is None or not tag.path:
        return None
    return runtime().fleet.Origin(shown_path(tag.path), tag.line_num or 1, tag.col_num or 1)


def shown_path(path):
    """A path as people know it: relative where it lies below the working directory."""
    relative = os.path.relpath(path)
    return path if relative.startswith("..") else relative


class Template:
    """Turns scalars into plain Python with the variables of one host.

    ``variables_of`` gives these variables. It is called when the first value needs them; without it, the templar has
    them already. Raises ``TemplateFailure`` with its reason when a variable is not defined, a template is wrong or a
    Vault value cannot be opened.
    """

    def __init__(self, templar, variables_of=None):
        self._templar = templar
        self._variables_of = variables_of

    def __call__(self, value):
        if isinstance(value, _SCALARS) and not self._templar.is_possibly_template(value):
            return to_plain(value)
        if self._variables_of:
            self._templar = self._templar.copy_with_new_env(available_variables=self._variables_of())
            self._variables_of = None
        try:
            return to_plain(self._templar.template(value))
        except AnsibleError as error:
            locked = _is_vault_error(error)
            reason = _LOCKED if locked else " ".join(str(error).split())
            raise runtime().fleet.TemplateFailure(reason, harmless=locked) from None


def _is_vault_error(error):
    """Whether a Vault value that cannot be opened is behind an error.

    By name, because what templating raises for it is private in ansible-core.
    """
    while error is not None and "Vault" not in type(error).__name__:
        error = error.__cause__ or error.__context__
    return error is not None


def to_plain(value):
    """A templated value without Ansible's types.

    >>> to_plain({"daily": (7, True, None)})
    {'daily': [7, True, None]}
    """
    if isinstance(value, Mapping):
        return {str(name): to_plain(child) for name, child in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_plain(item) for item in value]
    for plain in (bool, str, int, float):
        if isinstance(value, plain):
            return plain(value)
    return value


__all__ = ["Template", "origin_of", "shown_path", "to_node", "to_plain"]
