"""The inputs that may cause a label change: which of them differ, and how two versions' parameters are mixed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tagpipe.comparison.diff import VersionDiff
from tagpipe.params import SHAPING, Params, dump_params, parse_params


def changed_factors(diff: VersionDiff) -> list[str]:
    """The inputs that differ, without code: projects, vocabulary, then parameters by dotted name."""
    names = [change.name for change in diff.sources if change.name == "projects"]
    names += ["vocabulary"] if diff.vocabulary else []
    return names + [change.name for change in diff.params if change.name.split(".")[0] in SHAPING]


def mix_params(
    head: Params, base_values: Mapping[str, Any], head_values: Mapping[str, Any], from_head: frozenset[str]
) -> Params:
    """Base's shaping parameters, but head's for the names in `from_head`; sources, gates and the rest are head's.

    base_values, head_values: as `flatten_params` gives them.
    """
    tree: dict[str, Any] = dump_params(head) | {section: {} for section in SHAPING}
    for name in dict.fromkeys([*head_values, *base_values]):
        section, _, key = name.partition(".")
        values = head_values if name in from_head else base_values
        if section in SHAPING and name in values:
            tree[section][key] = values[name]
    return parse_params(tree, file="the mixed parameters")
