# SPDX-License-Identifier: GPL-3.0-or-later
"""Fleet files to models: load, template, inherit; every error has a place, every value knows where it comes from."""

from __future__ import annotations

from .declarations import Declarations, merge_declarations
from .explain import Explained, explain, explained_as_json, render_explained
from .grants import StorageShare, resolve_storages, with_storages
from .load import load_fleet_file, load_fleet_text
from .pattern import Inventory, PatternUnreadable, matches
from .problems import fold_problems, sort_problems
from .resolve import Provenance, Provided, Resolved, resolve_client
from .setting import Template, TemplateFailure, ValueUnknown, literal
from .sources import find_fleet_files
from .tree import Node, Origin, node_of
from .validate import validate_fleet

__all__ = [
    "Declarations",
    "Explained",
    "Inventory",
    "Node",
    "Origin",
    "PatternUnreadable",
    "Provenance",
    "Provided",
    "Resolved",
    "StorageShare",
    "Template",
    "TemplateFailure",
    "ValueUnknown",
    "explain",
    "explained_as_json",
    "find_fleet_files",
    "fold_problems",
    "literal",
    "load_fleet_file",
    "load_fleet_text",
    "matches",
    "merge_declarations",
    "node_of",
    "render_explained",
    "resolve_client",
    "resolve_storages",
    "sort_problems",
    "validate_fleet",
    "with_storages",
]
