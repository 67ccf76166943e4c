"""The inputs that a label change may be due to, and parameters mixed of two versions."""

from __future__ import annotations

from typing import Any

from support.samples import build_records, params_with, project

from tagpipe.comparison.diff import diff_versions
from tagpipe.comparison.factors import changed_factors, mix_params
from tagpipe.comparison.value_changes import flatten_params
from tagpipe.dataset.compare_builds import side_of

BASE: dict[str, Any] = {"threshold": {"min_projects": 1}, "annotate": {"exclude": []}, "gates": {"max_tags_leaving": 1}}
HEAD: dict[str, Any] = {
    "threshold": {"min_projects": 2},
    "annotate": {"exclude": ["bee"]},
    "gates": {"max_tags_leaving": 2},
    "monitor": {"min_days": 3},
}


def factors_of(base: tuple[Any, Any, dict[str, Any]], head: tuple[Any, Any, dict[str, Any]]) -> list[str]:
    """What differs between two versions of (records, vocabulary, sections of the parameters)."""
    sides = [side_of(build_records(records, names, **sections), "side") for records, names, sections in (base, head)]
    return changed_factors(diff_versions(*sides))


def test_factors_are_the_projects_the_vocabulary_and_each_parameter_that_shapes_a_version() -> None:
    old, new = [project(1, ["ant"])], [project(1, ["ant"]), project(2, ["bee"])]
    assert factors_of((old, "ant bee", BASE), (new, "ant bee cow", HEAD)) == [
        "projects",
        "vocabulary",
        "annotate.exclude",
        "threshold.min_projects",
    ]
    assert factors_of((old, "ant bee", BASE), (old, "ant bee", BASE)) == []


def test_gates_and_the_monitor_are_no_factors() -> None:
    rows = [project(1, ["ant"])]
    watched = BASE | {name: HEAD[name] for name in ("gates", "monitor")}
    assert factors_of((rows, "ant", BASE), (rows, "ant", watched)) == []


def test_other_bytes_of_the_same_vocabulary_are_no_factor() -> None:
    rows = [project(1, ["ant"])]
    assert factors_of((rows, {"ant": {}, "bee": {}}, BASE), (rows, {"bee": {}, "ant": {}}, BASE)) == []


def test_parameters_are_those_of_base_but_for_the_ones_taken_from_head() -> None:
    base, head = params_with(**BASE), params_with(**HEAD)
    ours, theirs = flatten_params(base), flatten_params(head)

    def mixed(*names: str) -> dict[str, Any]:
        flat = flatten_params(mix_params(head, ours, theirs, frozenset(names)))
        return {name: flat[name] for name in ("annotate.exclude", "threshold.min_projects")}

    assert mixed() == {"annotate.exclude": [], "threshold.min_projects": 1}
    assert mixed("annotate.exclude") == {"annotate.exclude": ["bee"], "threshold.min_projects": 1}
    assert mixed("threshold.min_projects") == {"annotate.exclude": [], "threshold.min_projects": 2}
    assert mix_params(head, ours, theirs, frozenset(ours)) == head


def test_what_shapes_no_version_is_always_head_s() -> None:
    base, head = params_with(**BASE), params_with(**HEAD)
    mixed = mix_params(head, flatten_params(base), flatten_params(head), frozenset())
    assert (mixed.gates, mixed.monitor, mixed.source) == (head.gates, head.monitor, head.source)
