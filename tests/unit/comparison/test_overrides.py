"""Settings that a preview tries: what a sweep runs over, and which parameters may be changed."""

from __future__ import annotations

from typing import Any

import pytest
from support.samples import params_with

from tagpipe.comparison.overrides import override_params, parse_sweep
from tagpipe.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("threshold.min_projects=1..4", [1, 2, 3, 4]),
        ("threshold.min_projects=10..20:5", [10, 15, 20]),
        ("threshold.min_projects=10..19:5", [10, 15]),
        ("threshold.min_projects=7..7", [7]),
        ("threshold.min_projects=7..8:9", [7]),
        ("threshold.min_projects=1..200", list(range(1, 201))),
    ],
)
def test_a_sweep_runs_from_the_first_value_to_the_last(text: str, values: list[int]) -> None:
    name, found = parse_sweep(text)
    assert (name, list(found)) == ("threshold.min_projects", values)


@pytest.mark.parametrize(
    "text", ["", "threshold.min_projects", "a=1..", "a=2..1", "a=1..2:0", "a=0..200", "a=1..2 ", "a=-1..2", "a=1..2:"]
)
def test_what_is_no_sweep_or_one_of_too_many_values_is_refused(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_sweep(text)
    assert caught.value.field == "--sweep"


def test_parameters_are_set_by_their_dotted_names_and_the_others_stay() -> None:
    params = params_with(threshold={"min_projects": 3})
    changed = override_params(params, {"threshold.min_projects": 5, "annotate.parents": "drop"})
    assert changed == params_with(threshold={"min_projects": 5}, annotate={"parents": "drop"})
    assert params == params_with(threshold={"min_projects": 3}), "the given parameters are left as they are"
    assert override_params(params, {}) == params


def test_a_parameter_of_three_levels_is_set() -> None:
    assert override_params(params_with(), {"source.download.attempts": 4}).source.download.attempts == 4


@pytest.mark.parametrize(
    "name",
    [
        "nowhere",
        "threshold.nowhere",
        "nowhere.min_projects",
        "threshold.min_projects.more",
        "threshold.min_projects.more.still",
        "",
    ],
)
def test_a_parameter_that_does_not_exist_is_refused_with_those_that_do(name: str) -> None:
    with pytest.raises(ConfigError) as caught:
        override_params(params_with(), {name: 1})
    assert caught.value.field == name
    expected = str(caught.value.expected).split(", ")
    assert "threshold.min_projects" in expected
    assert not [each for each in expected if each.startswith("source.")], "nobody previews other sources"


@pytest.mark.parametrize(
    ("name", "value"), [("threshold.min_projects", 0), ("annotate.parents", "lift"), ("threshold", 1)]
)
def test_a_value_that_a_parameter_cannot_have_is_refused(name: str, value: Any) -> None:
    with pytest.raises(ConfigError):
        override_params(params_with(), {name: value})
