"""The inputs that a label change may be due to: which of them differ, and parameters mixed of two versions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tagpipe.comparison.diff import VersionDiff
from tagpipe.params import SHAPING, Params, dump_params, parse_params


def changed_factors(diff: VersionDiff) -> list[str]:
    """What differs between the inputs, without code: projects, vocabulary, then parameters by name."""
    names = [change.name for change in diff.sources if change.name == "projects"]
    names += ["vocabulary"] if diff.vocabulary else []
    return names + [change.name for change in diff.params if change.name.split(".")[0] in SHAPING]


def mix_params(head: Params, ours: Mapping[str, Any], theirs: Mapping[str, Any], from_head: frozenset[str]) -> Params:
    """Base's shaping parameters but for those of `from_head`; where the bytes come from, and gates, are head's."""
    tree: dict[str, Any] = dump_params(head)
    for section in SHAPING:
        tree[section] = {}
    for name in dict.fromkeys([*theirs, *ours]):
        section, _, key = name.partition(".")
        values = theirs if name in from_head else ours
        if section in SHAPING and name in values:
            tree[section][key] = values[name]
    return parse_params(tree, file="the mixed parameters")
