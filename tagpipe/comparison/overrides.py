"""Parameters with other values: what `tagpipe preview --set` and `--sweep` try."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tagpipe.comparison.value_changes import flatten_params
from tagpipe.errors import ConfigError, escape_shown
from tagpipe.params import Params, dump_params, parse_params

_SWEEP = re.compile(r"(?P<name>[a-z_.]+)=(?P<first>[0-9]+)\.\.(?P<last>[0-9]+)(:(?P<step>[0-9]+))?")

MAX_SWEEP = 200
"""Values in a sweep; each is a build."""


def parse_sweep(text: str) -> tuple[str, range]:
    """`threshold.min_projects=10..60:5` -> (name, values). Raises ConfigError."""
    match = _SWEEP.fullmatch(text)
    step = int(match["step"] or 1) if match else 0
    values = range(int(match["first"]), int(match["last"]) + 1, step) if match and step else range(0)
    if match is None or not 1 <= len(values) <= MAX_SWEEP:
        raise ConfigError(
            "not a sweep",
            field="--sweep",
            found=escape_shown(text),
            expected=f"NAME=FIRST..LAST:STEP with 1 to {MAX_SWEEP} values, as in threshold.min_projects=10..60:5",
            fix="Correct it",
        )
    return match["name"], values


def override_params(params: Params, settings: Mapping[str, Any]) -> Params:
    """The parameters with some, by dotted name, set to other values. Raises ConfigError for a wrong name or value."""
    names = flatten_params(params)
    tree: dict[str, Any] = dump_params(params)
    for name, value in settings.items():
        *sections, key = name.split(".")
        parent: Any = tree
        for section in sections:
            parent = parent.get(section) if isinstance(parent, dict) else None
        if not isinstance(parent, dict) or (key not in parent and name not in names):
            raise ConfigError(
                "there is no such parameter",
                field=escape_shown(name)[1:-1],
                expected=", ".join(known for known in names if not known.startswith("source.")),
                fix="docs/parameters.md lists them",
            )
        parent[key] = value
    return parse_params(tree, file="the changed parameters")
