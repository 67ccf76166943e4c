"""YAML files: read strictly, and edited with their comments and order kept."""

from __future__ import annotations

import io
import re
from copy import deepcopy
from functools import lru_cache, reduce
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, SequenceNode

from tagpipe.errors import ConfigError, escape_shown
from tagpipe.io.repository.files import read_bytes, write_bytes
from tagpipe.params import Params, parse_params

MAX_NODES = 100_000
"""Values in a YAML file with aliases, which a few hundred bytes can make into billions."""


def read_yaml(path: Path) -> Any:
    """The plain values of a YAML 1.2 file; duplicate keys are refused. Raises ConfigError."""
    if not path.is_file():
        raise ConfigError("is not there", file=str(path), fix="Restore it from git, or from `tagpipe init`")
    return parse_yaml(read_bytes(path), file=str(path))


def parse_yaml(data: bytes, *, file: str) -> Any:
    """The plain values of YAML 1.2 bytes; duplicate keys are refused. Raises ConfigError."""
    try:
        return deepcopy(_load(data))
    except (YAMLError, ValueError, RecursionError) as error:
        raise ConfigError(
            f"not YAML: {_describe_error(error)}", file=file, fix="Correct it; quote texts that hold `:` or `#`"
        ) from None


@lru_cache(maxsize=16)  # a command reads dvc.yaml and params.yaml several times, at 20 ms each
def _load(data: bytes) -> Any:
    text = data.decode("utf-8")
    if b"*" in data:
        _count_nodes(YAML(typ="safe", pure=True).compose(text), {})
    return YAML(typ="safe", pure=True).load(text)


def _count_nodes(node: Any, known: dict[int, int]) -> int:
    """The number of nodes below a node, each alias counted as what it stands for. Raises YAMLError beyond MAX_NODES."""
    if id(node) not in known:
        known[id(node)] = MAX_NODES  # of a node that is an alias of one that it is in
        pairs = node.value if isinstance(node, SequenceNode | MappingNode) else []
        children = [child for pair in pairs for child in (pair if isinstance(pair, tuple) else (pair,))]
        known[id(node)] = 1 + sum(_count_nodes(child, known) for child in children)
        if known[id(node)] > MAX_NODES:
            raise YAMLError(f"aliases that stand for more than {MAX_NODES} values")
    return known[id(node)]


def read_params(path: Path) -> Params:
    """The parameters of `path`. Raises ConfigError naming every wrong key."""
    return parse_params(read_yaml(path), file=path.name)


def set_values(path: Path, values: dict[tuple[str, ...], object]) -> None:
    """Set values by their key paths, as `("threshold", "min_projects")`; comments, order and all else are kept."""
    yaml = _round_trip_yaml()
    yaml.preserve_quotes = True
    yaml.representer.add_representer(  # ruamel.yaml writes None as an empty text by default
        type(None), lambda representer, _: representer.represent_scalar("tag:yaml.org,2002:null", "null")
    )
    tree = yaml.load(read_bytes(path).decode("utf-8"))
    for keys, value in values.items():
        _section_of(tree, keys)[keys[-1]] = value
    write_bytes(path, _dump(yaml, tree).encode("utf-8"))


def replace_text(path: Path, values: dict[tuple[str, ...], str]) -> None:
    """Replace plain one-line texts by their key paths; every other byte stays as it is."""
    text = read_bytes(path).decode("utf-8")
    lines = text.splitlines(keepends=True)
    tree = YAML().load(text)
    for keys, value in values.items():
        line, column = _section_of(tree, keys).lc.value(keys[-1])
        head, tail = lines[line][:column], lines[line][column:]
        lines[line] = head + re.sub(r"""^(["']?)\w+\1""", rf"\g<1>{value}\g<1>", tail)
    write_bytes(path, "".join(lines).encode("utf-8"))


def dump_yaml(tree: object) -> str:
    """Plain values as YAML, in their order."""
    yaml = _round_trip_yaml()
    yaml.default_flow_style = False
    return _dump(yaml, tree)


def _round_trip_yaml() -> YAML:
    yaml = YAML()
    yaml.width = 4096  # else long texts are folded
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


def _dump(yaml: YAML, tree: object) -> str:
    text = io.StringIO()
    yaml.dump(tree, text)
    return text.getvalue()


def _section_of(tree: Any, keys: tuple[str, ...]) -> Any:
    """The mapping that holds the last of `keys`."""
    return reduce(lambda section, key: section[key], keys[:-1], tree)


def _describe_error(error: Exception) -> str:
    """The error in one line, with its line and column if the parser gives them."""
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error).splitlines()[0]
    text = escape_shown(str(problem))[1:-1]
    return f"{text} (line {mark.line + 1}, column {mark.column + 1})" if mark is not None else text
