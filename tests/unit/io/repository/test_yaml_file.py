"""YAML files: what is refused, and what a few bytes may stand for."""

from __future__ import annotations

import pytest

from tagpipe.errors import ConfigError
from tagpipe.io.repository.yaml_file import MAX_NODES, parse_yaml

BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10)
)


@pytest.mark.parametrize("text", [BOMB, "a: &a [*a]\n", "a: &a {b: *a}\n"])
def test_aliases_that_stand_for_billions_are_refused_at_once(text: str) -> None:
    with pytest.raises(ConfigError, match=f"aliases that stand for more than {MAX_NODES} values"):
        parse_yaml(text.encode(), file="params.yaml")


def test_a_few_aliases_are_read_as_what_they_stand_for() -> None:
    text = b"a: &a [1, 2]\nb: *a\nc: {d: *a, e: '*'}\n"
    assert parse_yaml(text, file="params.yaml") == {"a": [1, 2], "b": [1, 2], "c": {"d": [1, 2], "e": "*"}}


def test_what_is_given_may_be_changed() -> None:
    parse_yaml(b"a: [1]\n", file="f")["a"].append(2)
    assert parse_yaml(b"a: [1]\n", file="f") == {"a": [1]}
